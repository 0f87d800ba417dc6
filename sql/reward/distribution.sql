-- purpose: how rewards are distributed, right and wrong answers apart
-- parameters: $bins INTEGER = 20 (equal steps of the reward from 0 to 1)
-- tables: rewards
-- grain: one row per cycle and bin that has a completion
-- columns: cycle INTEGER, low DOUBLE, high DOUBLE, completions BIGINT, right_ones BIGINT, wrong_ones BIGINT,
--   unknown BIGINT (without ground truth)
SELECT
  cycle::INTEGER AS cycle,
  (bin / $bins)::DOUBLE AS low,
  ((bin + 1) / $bins)::DOUBLE AS high,
  count(*)::BIGINT AS completions,
  count(*) FILTER (correct)::BIGINT AS right_ones,
  count(*) FILTER (NOT correct)::BIGINT AS wrong_ones,
  count(*) FILTER (correct IS NULL)::BIGINT AS unknown
FROM (
  SELECT cycle, correct, least(floor(reward * $bins)::INTEGER, $bins - 1) AS bin FROM rewards WHERE error IS NULL
)
GROUP BY cycle, bin
ORDER BY cycle, bin
