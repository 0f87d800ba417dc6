-- purpose: choose the prompts of a cycle that are sampled further: those with right and wrong completions, and those
--   without a right one. Where every completion is right there is little left to find
-- parameters: none of its own
-- tables: candidates (sql/sft/candidates.sql)
-- grain: one row per prompt and cycle of candidates
-- columns: prompt_id VARCHAR, cycle INTEGER, more BOOLEAN, reason VARCHAR
WITH tried AS (
  SELECT
    prompt_id,
    cycle,
    max(judged) AS judged,
    max(right_ones) AS right_ones
  FROM candidates
  GROUP BY prompt_id, cycle
)

SELECT
  prompt_id::VARCHAR AS prompt_id,
  cycle::INTEGER AS cycle,
  (right_ones < judged)::BOOLEAN AS more,
  CASE
    WHEN judged = 0 THEN 'no completion without an error'
    WHEN right_ones = 0 THEN 'no right completion'
    WHEN right_ones < judged THEN 'right and wrong completions'
    ELSE 'every completion is right'
  END::VARCHAR AS reason
FROM tried
ORDER BY cycle, prompt_id
