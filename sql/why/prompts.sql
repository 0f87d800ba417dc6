-- purpose: the prompts, trained on or held out, whose id begins with some letters
-- parameters: $prefix VARCHAR
-- tables: prompts, eval_prompts
-- grain: one row per prompt, at most ten
-- columns: those of prompts, held_out BOOLEAN
SELECT
  *,
  false::BOOLEAN AS held_out
FROM prompts
WHERE starts_with(prompt_id, $prefix)
UNION ALL
SELECT
  *,
  true::BOOLEAN AS held_out
FROM eval_prompts
WHERE starts_with(prompt_id, $prefix)
ORDER BY prompt_id, held_out
LIMIT 10
