-- purpose: how often each prompt was answered right in each cycle, the hardest first
-- parameters: $min_n INTEGER = 1 (prompts with fewer judged completions are left out)
-- tables: rewards
-- grain: one row per cycle and prompt with ground truth
-- columns: cycle INTEGER, prompt_id VARCHAR, n BIGINT (judged completions), right_ones BIGINT, pass_rate DOUBLE,
--   best_reward DOUBLE
SELECT
  cycle::INTEGER AS cycle,
  prompt_id::VARCHAR AS prompt_id,
  count(*)::BIGINT AS n,
  count(*) FILTER (correct)::BIGINT AS right_ones,
  (count(*) FILTER (correct) / count(*))::DOUBLE AS pass_rate,
  max(reward)::DOUBLE AS best_reward
FROM rewards
WHERE output IS NOT NULL AND error IS NULL
GROUP BY cycle, prompt_id
HAVING count(*) >= $min_n
ORDER BY cycle, pass_rate, prompt_id
