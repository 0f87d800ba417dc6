-- purpose: every row of sft is kept or dropped for a stated reason; must return no rows
-- tables: sft
-- columns: cycle INTEGER, prompt_id VARCHAR, sample_index INTEGER, keep BOOLEAN, reason VARCHAR
SELECT
  cycle::INTEGER AS cycle,
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index,
  keep::BOOLEAN AS keep,
  reason::VARCHAR AS reason
FROM sft
WHERE keep IS NULL OR coalesce(trim(reason), '') = ''
ORDER BY cycle, prompt_id, sample_index
