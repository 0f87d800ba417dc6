-- purpose: how many prompts are never, sometimes and always answered right
-- tables: rewards
-- grain: one row per cycle and pass rate that occurs
-- columns: cycle INTEGER, n BIGINT (judged completions of a prompt), right_ones BIGINT, pass_rate DOUBLE,
--   prompts BIGINT, share DOUBLE (of the cycle's prompts)
SELECT
  cycle::INTEGER AS cycle,
  n::BIGINT AS n,
  right_ones::BIGINT AS right_ones,
  (right_ones / n)::DOUBLE AS pass_rate,
  count(*)::BIGINT AS prompts,
  (count(*) / sum(count(*)) OVER (PARTITION BY cycle))::DOUBLE AS share
FROM tried(rewards)
GROUP BY cycle, n, right_ones
ORDER BY cycle, n, right_ones
