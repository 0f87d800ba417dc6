-- purpose: what else a prompt was trained on: replayed and transferred rows
-- parameters: $prompt_id VARCHAR
-- tables: sft
-- grain: one row per such row of sft
-- columns: cycle INTEGER, origin VARCHAR, from_cycle INTEGER, sample_index INTEGER, reason VARCHAR, completion VARCHAR
SELECT
  cycle::INTEGER AS cycle,
  origin::VARCHAR AS origin,
  from_cycle::INTEGER AS from_cycle,
  sample_index::INTEGER AS sample_index,
  reason::VARCHAR AS reason,
  completion::VARCHAR AS completion
FROM sft
WHERE prompt_id = $prompt_id AND keep AND origin <> 'sampled'
ORDER BY cycle, origin, from_cycle, sample_index
