-- purpose: how many prompts are never, sometimes and always answered right
-- tables: rewards
-- grain: one row per cycle and pass rate that occurs
-- columns: cycle INTEGER, n BIGINT (judged completions of a prompt), right_ones BIGINT, pass_rate DOUBLE,
--   prompts BIGINT, share DOUBLE (of the cycle's prompts)
WITH prompts_ AS (
  SELECT
    cycle,
    prompt_id,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM rewards
  WHERE output IS NOT NULL AND error IS NULL
  GROUP BY cycle, prompt_id
)

SELECT
  cycle::INTEGER AS cycle,
  n::BIGINT AS n,
  right_ones::BIGINT AS right_ones,
  (right_ones / n)::DOUBLE AS pass_rate,
  count(*)::BIGINT AS prompts,
  (count(*) / sum(count(*)) OVER (PARTITION BY cycle))::DOUBLE AS share
FROM prompts_
GROUP BY cycle, n, right_ones
ORDER BY cycle, n, right_ones
