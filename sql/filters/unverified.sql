-- purpose: a control: keep every finished completion, right or wrong, up to a number per prompt
-- parameters: $max_per_prompt INTEGER
-- tables: rewards, completions
-- grain: one row per row of rewards
-- columns: prompt_id, sample_index, cycle, keep BOOLEAN, reason VARCHAR
WITH ranked AS (
  SELECT
    r.prompt_id,
    r.sample_index,
    r.cycle,
    c.error IS NULL AND coalesce(c.finish_reason, 'stop') <> 'length' AS finished,
    row_number() OVER (PARTITION BY r.prompt_id, r.cycle ORDER BY r.sample_index) AS place
  FROM rewards AS r
  JOIN completions AS c USING (prompt_id, sample_index, cycle)
)

SELECT
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index,
  cycle::INTEGER AS cycle,
  (finished AND place <= $max_per_prompt)::BOOLEAN AS keep,
  CASE
    WHEN NOT finished THEN 'error or truncated'
    WHEN place > $max_per_prompt THEN 'enough completions for this prompt'
    ELSE 'unverified'
  END::VARCHAR AS reason
FROM ranked
ORDER BY cycle, prompt_id, sample_index
