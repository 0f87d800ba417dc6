-- purpose: choose the prompts of a cycle that are sampled further: those with fewer distinct right completions than the
--   filter may keep, unless every completion is right
-- parameters: $max_per_prompt INTEGER (right completions kept for one prompt)
-- tables: candidates (sql/sft/candidates.sql)
-- grain: one row per prompt and cycle of candidates
-- columns: prompt_id VARCHAR, cycle INTEGER, more BOOLEAN, reason VARCHAR
WITH tried AS (
  SELECT
    prompt_id,
    cycle,
    max(judged) AS judged,
    max(right_ones) AS right_ones,
    count(*) FILTER (usable AND copy = 1) AS distinct_right
  FROM candidates
  GROUP BY prompt_id, cycle
)

SELECT
  prompt_id::VARCHAR AS prompt_id,
  cycle::INTEGER AS cycle,
  (right_ones < judged AND distinct_right < $max_per_prompt)::BOOLEAN AS more,
  CASE
    WHEN judged = 0 THEN 'no completion without an error'
    WHEN right_ones = judged THEN 'every completion is right'
    WHEN distinct_right >= $max_per_prompt THEN 'enough right completions'
    WHEN right_ones = 0 THEN 'no right completion'
    ELSE 'right and wrong completions'
  END::VARCHAR AS reason
FROM tried
ORDER BY cycle, prompt_id
