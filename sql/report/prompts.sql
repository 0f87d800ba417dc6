-- purpose: what was asked, for chosen prompts
-- parameters: $prompt_ids VARCHAR[], $longest INTEGER = 2000 (characters of a text)
-- tables: prompts, eval_prompts
-- grain: one row per prompt
-- columns: prompt_id VARCHAR, image_ids VARCHAR[], dataset VARCHAR, split VARCHAR, row_index BIGINT, style VARCHAR,
--   question VARCHAR, prompt VARCHAR, answers VARCHAR[] (at most 20), choices VARCHAR[] (at most 20), metric VARCHAR,
--   error VARCHAR
SELECT
  prompt_id::VARCHAR AS prompt_id,
  image_ids::VARCHAR[] AS image_ids,
  dataset::VARCHAR AS dataset,
  split::VARCHAR AS split,
  row_index::BIGINT AS row_index,
  style::VARCHAR AS style,
  left(question, $longest)::VARCHAR AS question,
  left(prompt, $longest)::VARCHAR AS prompt,
  list_transform(answers[:20], lambda x: left(x, $longest))::VARCHAR[] AS answers,
  list_transform(choices[:20], lambda x: left(x, $longest))::VARCHAR[] AS choices,
  metric::VARCHAR AS metric,
  error::VARCHAR AS error
FROM (FROM prompts UNION ALL FROM eval_prompts)
WHERE prompt_id IN (SELECT unnest($prompt_ids))
QUALIFY row_number() OVER (PARTITION BY prompt_id) = 1
ORDER BY prompt_id
