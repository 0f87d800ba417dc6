-- purpose: no completion that was cut off is kept; must return no rows. A transferred row is the verified answer of
--   another prompt's rollout, also where it is replayed
-- tables: sft, completions
-- columns: cycle INTEGER, prompt_id VARCHAR, sample_index INTEGER, origin VARCHAR
WITH transferred AS (
  SELECT prompt_id, sample_index, from_cycle, completion FROM sft WHERE origin = 'transferred'
)

SELECT
  s.cycle::INTEGER AS cycle,
  s.prompt_id::VARCHAR AS prompt_id,
  s.sample_index::INTEGER AS sample_index,
  s.origin::VARCHAR AS origin
FROM sft AS s
JOIN completions AS c
  ON c.prompt_id = s.prompt_id AND c.sample_index = s.sample_index AND c.cycle = coalesce(s.from_cycle, s.cycle)
ANTI JOIN transferred AS t
  ON t.prompt_id = s.prompt_id AND t.sample_index = s.sample_index AND t.from_cycle = s.from_cycle
  AND t.completion = s.completion AND s.origin <> 'sampled'
WHERE s.keep AND c.finish_reason = 'length'
ORDER BY cycle, prompt_id, sample_index, origin
