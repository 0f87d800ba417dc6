-- purpose: rows of one table's Parquet files, typed by the contract: a column of another type raises
-- parameters: files is the name of a variable that holds the list of files, or a list; marks are columns that
--   say where the rows are from; schema comes from halo_forge.schema, never from data
SELECT {marks}* FROM read_parquet({files}, schema = {schema}, hive_partitioning = false)
