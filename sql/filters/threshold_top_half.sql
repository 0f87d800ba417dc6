-- purpose: completions with a reward of at least 0.5, and of those the better half of the whole cycle; wrong ones never
-- tables: candidates (sql/sft/candidates.sql)
-- grain: one row per candidate
-- columns: prompt_id, sample_index, cycle, keep BOOLEAN, reason VARCHAR
WITH passed AS (
  SELECT *, usable AND reward >= 0.5 AS passes FROM candidates
),

ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY cycle, passes ORDER BY reward DESC, prompt_id, sample_index) AS overall,
    count(*) OVER (PARTITION BY cycle, passes) AS passing
  FROM passed
)

SELECT
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index,
  cycle::INTEGER AS cycle,
  (passes AND 2 * overall <= passing + 1)::BOOLEAN AS keep,
  CASE
    WHEN failed THEN 'error'
    WHEN truncated THEN 'truncated'
    WHEN NOT good THEN 'wrong answer'
    WHEN NOT passes THEN 'reward below 0.5'
    WHEN 2 * overall > passing + 1 THEN 'in the lower half of the rewards'
    ELSE 'in the upper half of the rewards'
  END::VARCHAR AS reason
FROM ranked
ORDER BY cycle, prompt_id, sample_index
