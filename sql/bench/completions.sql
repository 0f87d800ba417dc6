-- purpose: write a part of the synthetic completions table
-- parameters: $path VARCHAR
-- tables: made (sql/bench/rows.sql)
-- grain: one row per completion
-- columns: those of completions that queries read
COPY (
  SELECT
    prompt_id, sample_index, cycle, completion, finish_reason, completion_tokens
  FROM made
  ORDER BY number, sample_index
) TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 8192);
