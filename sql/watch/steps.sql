-- purpose: the log of a cycle's training, its steps counted on from those of the cycles before
-- parameters: $cycle INTEGER (the cycle that is told)
-- tables: training
-- grain: one row per optimizer step
-- columns: step INTEGER (of the run), loss DOUBLE, learning_rate DOUBLE, grad_norm DOUBLE, epoch DOUBLE (of the cycle),
--   tokens BIGINT (of completions that were trained on), rows BIGINT
WITH earlier AS (
  SELECT coalesce(sum(steps), 0) AS steps
  FROM (SELECT max(step) AS steps FROM training WHERE cycle < $cycle GROUP BY cycle)
)

SELECT
  (step + (SELECT steps FROM earlier))::INTEGER AS step,
  loss::DOUBLE AS loss,
  learning_rate::DOUBLE AS learning_rate,
  grad_norm::DOUBLE AS grad_norm,
  epoch::DOUBLE AS epoch,
  tokens::BIGINT AS tokens,
  rows::BIGINT AS rows
FROM training
WHERE cycle = $cycle
ORDER BY step
