-- purpose: no key is there twice in its table, and no image was looked at twice (one that the detector failed on is
--   tried again in a later cycle); must return no rows
-- tables: images, prompts, eval_prompts, evidence, completions, scores,
--   rewards, eval_completions, benchmark, more, sft, training
-- columns: name VARCHAR (the table), key VARCHAR, rows_ BIGINT
WITH seen AS (
  SELECT image_id FROM evidence WHERE error_kind IS DISTINCT FROM 'transient'
),

doubled AS (
  SELECT * FROM twice('images', images, image_id)
  UNION ALL
  SELECT * FROM twice('prompts', prompts, prompt_id)
  UNION ALL
  SELECT * FROM twice('eval_prompts', eval_prompts, prompt_id)
  UNION ALL
  SELECT * FROM twice('evidence', seen, image_id)
  UNION ALL
  SELECT * FROM sampled_twice('completions', concat_ws(' ', prompt_id, sample_index, cycle))
  UNION ALL
  SELECT * FROM sampled_twice('scores', concat_ws(' ', prompt_id, sample_index, cycle))
  UNION ALL
  SELECT * FROM sampled_twice('rewards', concat_ws(' ', prompt_id, sample_index, cycle))
  UNION ALL
  SELECT * FROM sampled_twice('eval_completions', concat_ws(' ', prompt_id, sample_index, cycle))
  UNION ALL
  SELECT * FROM sampled_twice('benchmark', concat_ws(' ', prompt_id, sample_index, cycle))
  UNION ALL
  SELECT * FROM sampled_twice('sft', concat_ws(' ', prompt_id, sample_index, cycle, origin, from_cycle))
  UNION ALL
  SELECT * FROM twice('more', more, concat_ws(' ', prompt_id, cycle))
  UNION ALL
  SELECT * FROM twice('training', training, concat_ws(' ', cycle, step))
)

SELECT
  name::VARCHAR AS name,
  key::VARCHAR AS key,
  rows_::BIGINT AS rows_
FROM doubled
ORDER BY name, key
