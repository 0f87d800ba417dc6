-- purpose: write a part of the synthetic rewards table
-- parameters: $path VARCHAR
-- tables: made (sql/bench/rows.sql)
-- grain: one row per completion
-- columns: those of rewards that queries read
COPY (
  SELECT
    prompt_id, sample_index, cycle, perception, reasoning, "output", correct, gated, finish_reason,
    reward
  FROM made
  ORDER BY number, sample_index
) TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 8192);
