-- purpose: for one prompt no wrong completion may reach the reward of a right one; must return no rows
-- tables: rewards
-- columns: cycle INTEGER, prompt_id VARCHAR, best_wrong DOUBLE, worst_right DOUBLE
SELECT
  cycle::INTEGER AS cycle,
  prompt_id::VARCHAR AS prompt_id,
  max(reward) FILTER (NOT correct)::DOUBLE AS best_wrong,
  min(reward) FILTER (correct)::DOUBLE AS worst_right
FROM rewards
WHERE gated AND error IS NULL
GROUP BY cycle, prompt_id
HAVING max(reward) FILTER (NOT correct) >= min(reward) FILTER (correct)
ORDER BY cycle, prompt_id
