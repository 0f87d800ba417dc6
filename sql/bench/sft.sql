-- purpose: write a part of the synthetic sft table
-- parameters: $path VARCHAR
-- tables: made (sql/bench/rows.sql)
-- grain: one row per completion
-- columns: those of sft that queries read
COPY (
  SELECT
    prompt_id, sample_index, cycle, keep, reason, origin, from_cycle, reward, completion
  FROM made
  ORDER BY number, sample_index
) TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 8192);
