-- purpose: a view over the Parquet files of one table, typed by the contract: a column of another type raises
-- parameters: {table} and {schema} come from halo_forge.schema, never from data
CREATE VIEW "{table}" AS
SELECT * FROM read_parquet(getvariable('{table}_files'), schema = {schema}, hive_partitioning = false);
