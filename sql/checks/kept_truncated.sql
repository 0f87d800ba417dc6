-- purpose: no completion that was cut off is kept; must return no rows
-- tables: sft, completions
-- columns: cycle INTEGER, prompt_id VARCHAR, sample_index INTEGER, origin VARCHAR
SELECT
  s.cycle::INTEGER AS cycle,
  s.prompt_id::VARCHAR AS prompt_id,
  s.sample_index::INTEGER AS sample_index,
  s.origin::VARCHAR AS origin
FROM sft AS s
JOIN completions AS c
  ON c.prompt_id = s.prompt_id AND c.sample_index = s.sample_index AND c.cycle = coalesce(s.from_cycle, s.cycle)
WHERE s.keep AND s.origin <> 'transferred' AND c.finish_reason = 'length'
ORDER BY cycle, prompt_id, sample_index, origin
