-- purpose: from here on only the listed files can be read, and no setting can be changed back
-- parameters: files is a list of quoted paths, spill a quoted path: where a query that needs more memory than there
--   is puts its own temporary files. DuckDB's progress bar goes to standard output, among the rows. A query that reads
--   a table several times reads the footers of its files once
SET enable_progress_bar = false;
SET parquet_metadata_cache = true;
SET temp_directory = {spill};
SET python_enable_replacements = false;
SET allowed_paths = {files};
SET enable_external_access = false;
SET lock_configuration = true;
