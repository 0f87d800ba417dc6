-- purpose: prompts worth looking at: turn by turn one of each kind, until there are enough
-- parameters: $prompts INTEGER = 200 (how many), $seed INTEGER = 0 (of what is drawn), $low DOUBLE = 0.7 (a right answer
--   below this reward is a surprise), $high DOUBLE = 0.8 (so is a wrong one whose perception and reasoning reach this mean)
-- tables: rewards, sft
-- grain: one row per prompt, the first chosen first
-- columns: prompt_id VARCHAR, kinds VARCHAR[] (why it is worth a look: right but low reward, wrong but high reward,
--   forgotten, newly solved, never solved, kept, dropped, drawn)
WITH asked AS (
  SELECT
    prompt_id,
    cycle,
    bool_or(correct) AS solved,
    min(reward) FILTER (correct) AS worst_right,
    max((coalesce(perception, 0.5) + coalesce(reasoning, 0.5)) / 2) FILTER (NOT correct) AS best_wrong
  FROM rewards
  GROUP BY prompt_id, cycle
),

told AS (
  SELECT
    *,
    lag(solved) OVER earlier AS solved_last,
    bool_or(solved) OVER (earlier ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS solved_before
  FROM asked
  WINDOW earlier AS (PARTITION BY prompt_id ORDER BY cycle)
),

prompts_ AS (
  SELECT
    prompt_id,
    min(worst_right) AS worst_right,
    max(best_wrong) AS best_wrong,
    coalesce(bool_or(NOT solved AND solved_last), false) AS forgotten,
    coalesce(bool_or(solved AND NOT solved_before), false) AS newly_solved,
    coalesce(NOT bool_or(solved), false) AS never_solved
  FROM told
  GROUP BY prompt_id
),

fates AS (
  SELECT
    prompt_id,
    bool_or(keep) AS kept,
    bool_or(NOT keep) AS dropped
  FROM sft
  WHERE origin = 'sampled'
  GROUP BY prompt_id
),

drawn AS (
  SELECT
    p.*,
    coalesce(f.kept, false) AS kept,
    coalesce(f.dropped, false) AS dropped,
    md5_number_lower(concat_ws('/', $seed, p.prompt_id)) AS draw
  FROM prompts_ AS p
  LEFT JOIN fates AS f USING (prompt_id)
),

kinds AS (
  SELECT prompt_id, draw, 1 AS priority, 'right but low reward' AS kind, worst_right AS rank
  FROM drawn
  WHERE worst_right < $low
  UNION ALL
  SELECT prompt_id, draw, 2 AS priority, 'wrong but high reward' AS kind, -best_wrong AS rank
  FROM drawn
  WHERE best_wrong >= $high
  UNION ALL
  SELECT prompt_id, draw, 3 AS priority, 'forgotten' AS kind, 0 AS rank FROM drawn WHERE forgotten
  UNION ALL
  SELECT prompt_id, draw, 4 AS priority, 'newly solved' AS kind, 0 AS rank FROM drawn WHERE newly_solved
  UNION ALL
  SELECT prompt_id, draw, 5 AS priority, 'never solved' AS kind, 0 AS rank FROM drawn WHERE never_solved
  UNION ALL
  SELECT prompt_id, draw, 6 AS priority, 'kept' AS kind, 0 AS rank FROM drawn WHERE kept
  UNION ALL
  SELECT prompt_id, draw, 7 AS priority, 'dropped' AS kind, 0 AS rank FROM drawn WHERE dropped AND NOT kept
  UNION ALL
  SELECT prompt_id, draw, 8 AS priority, 'drawn' AS kind, 0 AS rank FROM drawn
)

SELECT
  prompt_id::VARCHAR AS prompt_id,
  kinds::VARCHAR[] AS kinds
FROM in_turn(kinds)
ORDER BY turn, priority, prompt_id
LIMIT $prompts
