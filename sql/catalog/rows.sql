-- purpose: whether a DuckDB file holds tables of its own, and not views only
SELECT 1 AS held FROM duckdb_tables() LIMIT 1
