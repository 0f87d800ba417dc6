-- purpose: what sampling further cost in a cycle, and what it found
-- tables: more, completions, rewards (of them only the further ones)
-- grain: one row
-- columns: prompts BIGINT (of the cycle), asked BIGINT (of them sampled further), unsolved BIGINT (of those, without a
--   right completion before), each BIGINT (samples of one), completions BIGINT, tokens BIGINT, right_ones BIGINT (right
--   and finished), solved BIGINT (unsolved prompts with a right one now)
WITH found AS (
  SELECT
    c.prompt_id,
    c.completion_tokens,
    r.error IS NULL AND coalesce(c.finish_reason, 'stop') <> 'length'
    AND CASE WHEN r.output IS NULL THEN r.reward > 0.5 ELSE coalesce(r.correct, false) END AS usable
  FROM completions AS c
  LEFT JOIN rewards AS r USING (prompt_id, sample_index, cycle)
),

asked AS (
  SELECT
    count(*) AS prompts,
    count(*) FILTER (asked > 0) AS asked,
    count(*) FILTER (asked > 0 AND right_ones = 0) AS unsolved,
    max(asked) AS each
  FROM more
)

SELECT
  prompts::BIGINT AS prompts,
  asked::BIGINT AS asked,
  unsolved::BIGINT AS unsolved,
  coalesce(each, 0)::BIGINT AS each,
  (SELECT count(*) FROM found)::BIGINT AS completions,
  (SELECT coalesce(sum(completion_tokens), 0) FROM found)::BIGINT AS tokens,
  (SELECT count(*) FROM found WHERE usable)::BIGINT AS right_ones,
  (
    SELECT count(DISTINCT prompt_id)
    FROM found
    WHERE usable AND prompt_id IN (SELECT prompt_id FROM more WHERE right_ones = 0)
  )::BIGINT AS solved
FROM asked
ORDER BY prompts
