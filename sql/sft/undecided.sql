-- purpose: prompts on which a query of sql/more/ did not decide once, and decisions on prompts that are none
-- tables: decided (its result), candidates (sql/sft/candidates.sql)
-- grain: one row per such prompt and cycle
-- columns: prompt_id VARCHAR, cycle INTEGER, decisions BIGINT
WITH counted AS (
  SELECT prompt_id, cycle, 0 AS decisions, 1 AS prompts FROM candidates GROUP BY prompt_id, cycle
  UNION ALL
  SELECT prompt_id, cycle, count(*) AS decisions, 0 AS prompts FROM decided GROUP BY prompt_id, cycle
)

SELECT
  prompt_id::VARCHAR AS prompt_id,
  cycle::INTEGER AS cycle,
  sum(decisions)::BIGINT AS decisions
FROM counted
GROUP BY prompt_id, cycle
HAVING sum(decisions) <> 1 OR sum(prompts) <> 1
ORDER BY cycle, prompt_id
