-- purpose: remember the Parquet files of one table, for the view over them
-- parameters: $files VARCHAR[]; {table} is a name from the schema
SET VARIABLE "{table}_files" = $files;
