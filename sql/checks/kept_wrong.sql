-- purpose: a kept rollout with ground truth must be right and finished; must return no rows. A transferred row is the
--   verified answer of another prompt's rollout, also where it is replayed
-- tables: sft, rewards
-- columns: cycle INTEGER, prompt_id VARCHAR, sample_index INTEGER, reward DOUBLE
WITH transferred AS (
  SELECT prompt_id, sample_index, from_cycle, completion FROM sft WHERE origin = 'transferred'
)

SELECT
  s.cycle::INTEGER AS cycle,
  s.prompt_id::VARCHAR AS prompt_id,
  s.sample_index::INTEGER AS sample_index,
  r.reward::DOUBLE AS reward
FROM sft AS s
JOIN rewards AS r
  ON r.prompt_id = s.prompt_id AND r.sample_index = s.sample_index AND r.cycle = coalesce(s.from_cycle, s.cycle)
ANTI JOIN transferred AS t
  ON t.prompt_id = s.prompt_id AND t.sample_index = s.sample_index AND t.from_cycle = s.from_cycle
  AND t.completion = s.completion AND s.origin <> 'sampled'
WHERE s.keep AND r.output IS NOT NULL
  AND (NOT coalesce(r.correct, false) OR coalesce(r.finish_reason, 'stop') = 'length')
ORDER BY cycle, prompt_id, sample_index
