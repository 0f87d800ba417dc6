-- purpose: every rollout of a cycle, right or wrong, as rows for another program; failed ones are left out
-- parameters: $cycle INTEGER
-- tables: completions, prompts, rewards
-- grain: one row per completion
-- columns: prompt_id VARCHAR, sample_index INTEGER, cycle INTEGER, origin VARCHAR, question VARCHAR, prompt VARCHAR,
--   image_ids VARCHAR[], answers VARCHAR[], choices VARCHAR[], answer_type VARCHAR, metric VARCHAR, completion VARCHAR,
--   reward DOUBLE, correct BOOLEAN
SELECT
  c.prompt_id::VARCHAR AS prompt_id,
  c.sample_index::INTEGER AS sample_index,
  c.cycle::INTEGER AS cycle,
  'sampled'::VARCHAR AS origin,
  p.question::VARCHAR AS question,
  p.prompt::VARCHAR AS prompt,
  p.image_ids::VARCHAR[] AS image_ids,
  p.answers::VARCHAR[] AS answers,
  p.choices::VARCHAR[] AS choices,
  p.answer_type::VARCHAR AS answer_type,
  p.metric::VARCHAR AS metric,
  c.completion::VARCHAR AS completion,
  r.reward::DOUBLE AS reward,
  r.correct::BOOLEAN AS correct
FROM completions AS c
JOIN prompts AS p USING (prompt_id)
LEFT JOIN rewards AS r USING (prompt_id, sample_index, cycle)
WHERE c.cycle = $cycle AND c.completion IS NOT NULL AND c.error IS NULL
ORDER BY p.row_index, c.prompt_id, c.sample_index
