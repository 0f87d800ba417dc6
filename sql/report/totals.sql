-- purpose: how many rows the run has
-- tables: images, prompts, completions, eval_prompts, eval_completions
-- grain: one row
-- columns: images BIGINT, prompts BIGINT, completions BIGINT, cycles BIGINT (with a completion), eval_prompts BIGINT,
--   eval_completions BIGINT
SELECT
  (SELECT count(image_id) FROM images)::BIGINT AS images,
  (SELECT count(prompt_id) FROM prompts)::BIGINT AS prompts,
  (SELECT count(prompt_id) FROM completions)::BIGINT AS completions,
  (SELECT count(DISTINCT cycle) FROM completions)::BIGINT AS cycles,
  (SELECT count(prompt_id) FROM eval_prompts)::BIGINT AS eval_prompts,
  (SELECT count(prompt_id) FROM eval_completions)::BIGINT AS eval_completions
ORDER BY ALL
