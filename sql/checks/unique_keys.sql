-- purpose: no key is there twice in its table, and no image was looked at twice (one that the detector failed on is
--   tried again in a later cycle); must return no rows
-- tables: images, prompts, eval_prompts, evidence, completions, scores,
--   rewards, eval_completions, benchmark, sft, training
-- columns: name VARCHAR (the table), key VARCHAR, rows_ BIGINT
-- In large tables prompts are looked at first, by a bit for each sample; keys one by one only where the bits do not add
-- up to the rows.
WITH doubled AS (
  SELECT
    'images' AS name,
    concat_ws(' ', image_id) AS key,
    count(*) AS rows_
  FROM images
  GROUP BY image_id
  HAVING count(*) > 1
  UNION ALL
  SELECT
    'prompts' AS name,
    concat_ws(' ', prompt_id) AS key,
    count(*) AS rows_
  FROM prompts
  GROUP BY prompt_id
  HAVING count(*) > 1
  UNION ALL
  SELECT
    'eval_prompts' AS name,
    concat_ws(' ', prompt_id) AS key,
    count(*) AS rows_
  FROM eval_prompts
  GROUP BY prompt_id
  HAVING count(*) > 1
  UNION ALL
  SELECT
    'evidence' AS name,
    concat_ws(' ', image_id) AS key,
    count(*) AS rows_
  FROM evidence
  WHERE error_kind IS DISTINCT FROM 'transient'
  GROUP BY image_id
  HAVING count(*) > 1
  UNION ALL
  SELECT
    'completions' AS name,
    concat_ws(' ', prompt_id, sample_index, cycle) AS key,
    count(*) AS rows_
  FROM completions
  WHERE (cycle, prompt_id) IN (
    SELECT (cycle, prompt_id)
    FROM completions
    GROUP BY cycle, prompt_id
    HAVING bit_count(bit_or(1::BIGINT << (sample_index % 62))) <> count(*)
  )
  GROUP BY prompt_id, sample_index, cycle
  HAVING count(*) > 1
  UNION ALL
  SELECT
    'scores' AS name,
    concat_ws(' ', prompt_id, sample_index, cycle) AS key,
    count(*) AS rows_
  FROM scores
  WHERE (cycle, prompt_id) IN (
    SELECT (cycle, prompt_id)
    FROM scores
    GROUP BY cycle, prompt_id
    HAVING bit_count(bit_or(1::BIGINT << (sample_index % 62))) <> count(*)
  )
  GROUP BY prompt_id, sample_index, cycle
  HAVING count(*) > 1
  UNION ALL
  SELECT
    'rewards' AS name,
    concat_ws(' ', prompt_id, sample_index, cycle) AS key,
    count(*) AS rows_
  FROM rewards
  WHERE (cycle, prompt_id) IN (
    SELECT (cycle, prompt_id)
    FROM rewards
    GROUP BY cycle, prompt_id
    HAVING bit_count(bit_or(1::BIGINT << (sample_index % 62))) <> count(*)
  )
  GROUP BY prompt_id, sample_index, cycle
  HAVING count(*) > 1
  UNION ALL
  SELECT
    'eval_completions' AS name,
    concat_ws(' ', prompt_id, sample_index, cycle) AS key,
    count(*) AS rows_
  FROM eval_completions
  WHERE (cycle, prompt_id) IN (
    SELECT (cycle, prompt_id)
    FROM eval_completions
    GROUP BY cycle, prompt_id
    HAVING bit_count(bit_or(1::BIGINT << (sample_index % 62))) <> count(*)
  )
  GROUP BY prompt_id, sample_index, cycle
  HAVING count(*) > 1
  UNION ALL
  SELECT
    'benchmark' AS name,
    concat_ws(' ', prompt_id, sample_index, cycle) AS key,
    count(*) AS rows_
  FROM benchmark
  WHERE (cycle, prompt_id) IN (
    SELECT (cycle, prompt_id)
    FROM benchmark
    GROUP BY cycle, prompt_id
    HAVING bit_count(bit_or(1::BIGINT << (sample_index % 62))) <> count(*)
  )
  GROUP BY prompt_id, sample_index, cycle
  HAVING count(*) > 1
  UNION ALL
  SELECT
    'sft' AS name,
    concat_ws(' ', prompt_id, sample_index, cycle, origin, from_cycle) AS key,
    count(*) AS rows_
  FROM sft
  WHERE (cycle, prompt_id) IN (
    SELECT (cycle, prompt_id)
    FROM sft
    GROUP BY cycle, prompt_id
    HAVING bit_count(bit_or(1::BIGINT << (sample_index % 62))) <> count(*)
  )
  GROUP BY prompt_id, sample_index, cycle, origin, from_cycle
  HAVING count(*) > 1
  UNION ALL
  SELECT
    'training' AS name,
    concat_ws(' ', cycle, step) AS key,
    count(*) AS rows_
  FROM training
  GROUP BY cycle, step
  HAVING count(*) > 1
)

SELECT
  name::VARCHAR AS name,
  key::VARCHAR AS key,
  rows_::BIGINT AS rows_
FROM doubled
ORDER BY name, key
