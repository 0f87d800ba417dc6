-- purpose: a control: keep every finished completion, right or wrong, up to a number per prompt
-- parameters: $max_per_prompt INTEGER
-- tables: candidates (sql/sft/candidates.sql)
-- grain: one row per candidate
-- columns: prompt_id, sample_index, cycle, keep BOOLEAN, reason VARCHAR
WITH ranked AS (
  SELECT *, row_number() OVER (PARTITION BY prompt_id, cycle ORDER BY sample_index) AS turn FROM candidates
)

SELECT
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index,
  cycle::INTEGER AS cycle,
  (NOT failed AND NOT truncated AND turn <= $max_per_prompt)::BOOLEAN AS keep,
  CASE
    WHEN failed OR truncated THEN 'error or truncated'
    WHEN turn > $max_per_prompt THEN 'enough completions for this prompt'
    ELSE 'unverified'
  END::VARCHAR AS reason
FROM ranked
ORDER BY cycle, prompt_id, sample_index
