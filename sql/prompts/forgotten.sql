-- purpose: prompts that had a right completion when they were last asked, and now have none
-- parameters: $cycle INTEGER = 0 (the cycle, 0: each), $most BIGINT = 1000 (rows)
-- tables: rewards, prompts
-- grain: one row per cycle and such prompt
-- columns: cycle INTEGER, prompt_id VARCHAR, n BIGINT, right_ones BIGINT, right_last BIGINT (right completions when it
--   was asked before), question VARCHAR, answers VARCHAR[]
WITH chosen AS (
  SELECT *
  FROM tried_before(rewards)
  WHERE right_ones = 0 AND right_last > 0 AND $cycle IN (0, cycle)
  ORDER BY cycle, right_ones DESC, right_last DESC, prompt_id
  LIMIT $most
)

SELECT
  c.cycle::INTEGER AS cycle,
  c.prompt_id::VARCHAR AS prompt_id,
  c.n::BIGINT AS n,
  c.right_ones::BIGINT AS right_ones,
  c.right_last::BIGINT AS right_last,
  p.question::VARCHAR AS question,
  p.answers::VARCHAR[] AS answers
FROM chosen AS c
LEFT JOIN prompts AS p USING (prompt_id)
ORDER BY c.cycle, c.right_ones DESC, c.right_last DESC, c.prompt_id
