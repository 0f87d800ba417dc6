-- purpose: prompts that no completion of any cycle answered right, those tried most often first
-- parameters: $min_n INTEGER = 1 (completions over all cycles), $most BIGINT = 100 (rows)
-- tables: rewards, prompts
-- grain: one row per prompt
-- columns: prompt_id VARCHAR, tries BIGINT, cycles BIGINT, best_reward DOUBLE, best_output DOUBLE, question VARCHAR,
--   answers VARCHAR[]
WITH tried AS (
  SELECT
    prompt_id,
    count(*) AS tries,
    count(DISTINCT cycle) AS cycles,
    max(reward) AS best_reward,
    max(output) AS best_output
  FROM rewards
  WHERE output IS NOT NULL AND error IS NULL
  GROUP BY prompt_id
  HAVING NOT bool_or(coalesce(correct, false)) AND count(*) >= $min_n
  ORDER BY tries DESC, best_reward, prompt_id
  LIMIT $most
)

SELECT
  t.prompt_id::VARCHAR AS prompt_id,
  t.tries::BIGINT AS tries,
  t.cycles::BIGINT AS cycles,
  t.best_reward::DOUBLE AS best_reward,
  t.best_output::DOUBLE AS best_output,
  p.question::VARCHAR AS question,
  p.answers::VARCHAR[] AS answers
FROM tried AS t
LEFT JOIN prompts AS p USING (prompt_id)
ORDER BY t.tries DESC, t.best_reward, t.prompt_id
