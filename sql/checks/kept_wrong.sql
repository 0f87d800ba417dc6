-- purpose: a kept rollout with ground truth must be right and finished; must return no rows. A transferred row is the
--   verified answer of another prompt's rollout, also where it is replayed
-- tables: sft, rewards
-- columns: cycle INTEGER, prompt_id VARCHAR, sample_index INTEGER, reward DOUBLE
SELECT
  s.cycle::INTEGER AS cycle,
  s.prompt_id::VARCHAR AS prompt_id,
  s.sample_index::INTEGER AS sample_index,
  r.reward::DOUBLE AS reward
FROM kept_rollouts(sft) AS s
JOIN rewards AS r
  ON r.prompt_id = s.prompt_id AND r.sample_index = s.sample_index AND r.cycle = s.rolled
WHERE r.output IS NOT NULL
  AND (NOT coalesce(r.correct, false) OR coalesce(r.finish_reason, 'stop') = 'length')
ORDER BY cycle, prompt_id, sample_index
