-- purpose: held-out prompts worth looking at: what turned right or wrong since the base, what is still wrong, some drawn
-- parameters: $prompts INTEGER = 60 (how many), $seed INTEGER = 0 (of what is drawn), $cycle INTEGER (compared with 0)
-- tables: benchmark
-- grain: one row per prompt, the first chosen first
-- columns: prompt_id VARCHAR, kinds VARCHAR[] (now right, now wrong, wrong, drawn)
WITH prompts_ AS (
  SELECT
    prompt_id,
    bool_or(coalesce(correct, false)) FILTER (cycle = 0) AS before,
    bool_or(coalesce(correct, false)) FILTER (cycle = $cycle) AS after,
    md5_number_lower(concat_ws('/', $seed, prompt_id)) AS draw
  FROM benchmark
  WHERE cycle IN (0, $cycle) AND temperature = 0
  GROUP BY prompt_id
),

kinds AS (
  SELECT prompt_id, draw, 1 AS priority, 'now wrong' AS kind, 0 AS rank FROM prompts_ WHERE before AND NOT after
  UNION ALL
  SELECT prompt_id, draw, 2 AS priority, 'now right' AS kind, 0 AS rank FROM prompts_ WHERE NOT before AND after
  UNION ALL
  SELECT prompt_id, draw, 3 AS priority, 'wrong' AS kind, 0 AS rank FROM prompts_ WHERE NOT coalesce(after, before)
  UNION ALL
  SELECT prompt_id, draw, 4 AS priority, 'drawn' AS kind, 0 AS rank FROM prompts_
)

SELECT
  prompt_id::VARCHAR AS prompt_id,
  kinds::VARCHAR[] AS kinds
FROM in_turn(kinds)
ORDER BY turn, priority, prompt_id
LIMIT $prompts
