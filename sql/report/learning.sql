-- purpose: the learning curves, thinned to so many points per cycle
-- parameters: $points INTEGER = 120 (per cycle, at most)
-- tables: training
-- grain: one row per cycle and group of neighbouring steps
-- columns: cycle INTEGER, step INTEGER (the first of the group), steps BIGINT, loss DOUBLE (mean), grad_norm DOUBLE
--   (mean), learning_rate DOUBLE (of the first step)
WITH numbered AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY cycle ORDER BY step) - 1 AS place,
    count(*) OVER (PARTITION BY cycle) AS total
  FROM training
)

SELECT
  cycle::INTEGER AS cycle,
  min(step)::INTEGER AS step,
  count(*)::BIGINT AS steps,
  favg(loss)::DOUBLE AS loss,
  favg(grad_norm)::DOUBLE AS grad_norm,
  first(learning_rate ORDER BY step)::DOUBLE AS learning_rate
FROM numbered
GROUP BY cycle, place // ceil(total / $points)::BIGINT
ORDER BY cycle, step
