-- purpose: write the prompts of the synthetic run
-- parameters: $prompts BIGINT, $path VARCHAR
-- tables: none
-- grain: one row per prompt
-- columns: those of prompts that queries read
COPY (
  SELECT
    sha256(p::VARCHAR) AS prompt_id,
    concat('How many dogs are beside gate ', p, '?') AS question,
    concat('How many dogs are beside gate ', p, '? Answer in <answer></answer>.') AS prompt,
    [(1 + p % 9)::VARCHAR] AS answers,
    'grounded' AS style
  FROM range($prompts) AS a(p)
  ORDER BY p
) TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 8192);
