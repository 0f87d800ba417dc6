-- purpose: choose completions to train on: right ones, few and distinct per prompt, best reward first
-- parameters: $max_per_prompt INTEGER (right completions kept for one prompt)
-- tables: rewards, completions
-- grain: one row per row of rewards
-- columns: prompt_id, sample_index, cycle, keep BOOLEAN, reason VARCHAR
-- Without ground truth (correct is null) a completion counts as right when its reward is above the neutral 0.5.
WITH judged AS (
  SELECT
    r.prompt_id,
    r.sample_index,
    r.cycle,
    r.reward,
    coalesce(r.error, c.error) IS NOT NULL AS failed,
    coalesce(c.finish_reason, 'stop') = 'length' AS truncated,
    CASE WHEN r.output IS NULL THEN r.reward > 0.5 ELSE coalesce(r.correct, false) END AS good,
    c.completion,
    coalesce(c.completion_tokens, length(c.completion)) AS size
  FROM rewards AS r
  JOIN completions AS c USING (prompt_id, sample_index, cycle)
),

candidates AS (
  SELECT
    *,
    good AND NOT failed AND NOT truncated AS usable,
    count(*) FILTER (good AND NOT failed AND NOT truncated) OVER (PARTITION BY prompt_id, cycle) AS right_ones
  FROM judged
),

distinct_ones AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY prompt_id, cycle, completion, usable ORDER BY reward DESC, sample_index
    ) AS copy
  FROM candidates
),

ranked AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY prompt_id, cycle, usable AND copy = 1 ORDER BY reward DESC, size, sample_index
    ) AS place
  FROM distinct_ones
)

SELECT
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index,
  cycle::INTEGER AS cycle,
  (usable AND copy = 1 AND place <= $max_per_prompt)::BOOLEAN AS keep,
  CASE
    WHEN failed THEN 'error'
    WHEN truncated THEN 'truncated'
    WHEN right_ones = 0 THEN 'no right completion for this prompt'
    WHEN NOT good THEN 'wrong answer'
    WHEN copy > 1 THEN 'duplicate completion'
    WHEN place > $max_per_prompt THEN 'enough right completions for this prompt'
    ELSE 'right'
  END::VARCHAR AS reason
FROM ranked
ORDER BY cycle, prompt_id, sample_index
