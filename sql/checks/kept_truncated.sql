-- purpose: no completion that was cut off is kept; must return no rows. A transferred row is the verified answer of
--   another prompt's rollout, also where it is replayed
-- tables: sft, completions
-- columns: cycle INTEGER, prompt_id VARCHAR, sample_index INTEGER, origin VARCHAR
SELECT
  s.cycle::INTEGER AS cycle,
  s.prompt_id::VARCHAR AS prompt_id,
  s.sample_index::INTEGER AS sample_index,
  s.origin::VARCHAR AS origin
FROM kept_rollouts(sft) AS s
JOIN completions AS c
  ON c.prompt_id = s.prompt_id AND c.sample_index = s.sample_index AND c.cycle = s.rolled
WHERE c.finish_reason = 'length'
ORDER BY cycle, prompt_id, sample_index, origin
