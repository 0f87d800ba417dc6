-- purpose: the sft table: a filter's decision beside what training needs
-- tables: decided (the filter's result), rewards, completions, prompts
-- grain: one row per row of decided
-- columns: those of the sft table
SELECT
  d.prompt_id::VARCHAR AS prompt_id,
  d.sample_index::INTEGER AS sample_index,
  d.cycle::INTEGER AS cycle,
  d.keep::BOOLEAN AS keep,
  d.reason::VARCHAR AS reason,
  'sampled'::VARCHAR AS origin,
  d.cycle::INTEGER AS from_cycle,
  r.reward::DOUBLE AS reward,
  p.prompt::VARCHAR AS prompt,
  c.completion::VARCHAR AS completion,
  c.token_ids::INTEGER[] AS token_ids,
  c.logprobs::FLOAT[] AS logprobs
FROM decided AS d
JOIN rewards AS r USING (prompt_id, sample_index, cycle)
JOIN completions AS c USING (prompt_id, sample_index, cycle)
LEFT JOIN prompts AS p USING (prompt_id)
ORDER BY d.cycle, d.prompt_id, d.sample_index
