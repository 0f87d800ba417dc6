-- purpose: what a cycle was trained on, as rows for another program
-- parameters: $cycle INTEGER
-- tables: sft, prompts, rewards
-- grain: one row per kept row of sft: sampled, replayed, transferred or a human answer
-- columns: prompt_id VARCHAR, sample_index INTEGER, cycle INTEGER, origin VARCHAR, question VARCHAR, prompt VARCHAR,
--   image_ids VARCHAR[], answers VARCHAR[], choices VARCHAR[], answer_type VARCHAR, metric VARCHAR, completion VARCHAR,
--   reward DOUBLE, correct BOOLEAN (of a rollout of this cycle)
SELECT
  s.prompt_id::VARCHAR AS prompt_id,
  s.sample_index::INTEGER AS sample_index,
  s.cycle::INTEGER AS cycle,
  s.origin::VARCHAR AS origin,
  p.question::VARCHAR AS question,
  coalesce(s.prompt, p.prompt)::VARCHAR AS prompt,
  p.image_ids::VARCHAR[] AS image_ids,
  p.answers::VARCHAR[] AS answers,
  p.choices::VARCHAR[] AS choices,
  p.answer_type::VARCHAR AS answer_type,
  p.metric::VARCHAR AS metric,
  s.completion::VARCHAR AS completion,
  s.reward::DOUBLE AS reward,
  r.correct::BOOLEAN AS correct
FROM sft AS s
JOIN prompts AS p USING (prompt_id)
LEFT JOIN rewards AS r
  ON r.prompt_id = s.prompt_id AND r.sample_index = s.sample_index AND r.cycle = s.cycle AND s.origin = 'sampled'
WHERE s.cycle = $cycle AND s.keep AND s.completion IS NOT NULL
ORDER BY p.row_index, s.prompt_id, s.origin, s.from_cycle, s.sample_index, s.completion
