-- purpose: write a part of the synthetic scores table
-- parameters: $path VARCHAR
-- tables: made (sql/bench/rows.sql)
-- grain: one row per completion
-- columns: those of scores that queries read
COPY (
  SELECT
    prompt_id, sample_index, cycle, answer, correct, perception_objects, perception_text,
    perception_spatial, perception_counting, perception, reasoning_structure, reasoning_consistency,
    reasoning_grounding, reasoning, output_fuzzy, "output", threshold, finish_reason, claims
  FROM made
  ORDER BY number, sample_index
) TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 8192);
