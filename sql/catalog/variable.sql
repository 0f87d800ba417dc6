-- purpose: remember a value for the views: the Parquet files of a table, or where its rows are from
-- parameters: $value; name is made by halo_forge.sql
SET VARIABLE "{name}" = $value;
