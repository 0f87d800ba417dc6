-- purpose: how many prompts each cycle solved, newly solved and forgot
-- tables: rewards
-- grain: one row per cycle
-- columns: cycle INTEGER, prompts BIGINT (asked, with ground truth), solved BIGINT (with a right completion),
--   newly_solved BIGINT (asked before, and never right before), forgotten BIGINT (right when last asked, now not),
--   never_yet BIGINT (asked in this cycle and right in none so far)
WITH asked AS (
  SELECT
    cycle,
    prompt_id,
    bool_or(correct) AS solved
  FROM rewards
  WHERE correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, prompt_id
),

told AS (
  SELECT
    cycle,
    solved,
    lag(solved) OVER earlier AS solved_last,
    min(cycle) FILTER (solved) OVER (PARTITION BY prompt_id) AS first_solved
  FROM asked
  WINDOW earlier AS (PARTITION BY prompt_id ORDER BY cycle)
)

SELECT
  cycle::INTEGER AS cycle,
  count(*)::BIGINT AS prompts,
  count(*) FILTER (solved)::BIGINT AS solved,
  count(*) FILTER (solved AND first_solved = cycle AND solved_last IS NOT NULL)::BIGINT AS newly_solved,
  count(*) FILTER (NOT solved AND solved_last)::BIGINT AS forgotten,
  count(*) FILTER (first_solved IS NULL OR first_solved > cycle)::BIGINT AS never_yet
FROM told
GROUP BY cycle
ORDER BY cycle
