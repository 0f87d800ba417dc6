-- purpose: every held-out completion of a prompt with its score
-- parameters: $prompt_id VARCHAR
-- tables: eval_completions, benchmark
-- grain: one row per completion, cycle by cycle
-- columns: cycle INTEGER, sample_index INTEGER, model VARCHAR, temperature DOUBLE, completion VARCHAR,
--   finish_reason VARCHAR, prediction VARCHAR, metric VARCHAR, score DOUBLE, correct BOOLEAN, error VARCHAR
SELECT
  c.cycle::INTEGER AS cycle,
  c.sample_index::INTEGER AS sample_index,
  c.model::VARCHAR AS model,
  c.temperature::DOUBLE AS temperature,
  c.completion::VARCHAR AS completion,
  c.finish_reason::VARCHAR AS finish_reason,
  b.prediction::VARCHAR AS prediction,
  b.metric::VARCHAR AS metric,
  b.score::DOUBLE AS score,
  b.correct::BOOLEAN AS correct,
  coalesce(c.error, b.error)::VARCHAR AS error
FROM (SELECT * FROM eval_completions WHERE prompt_id = $prompt_id) AS c
LEFT JOIN (SELECT * FROM benchmark WHERE prompt_id = $prompt_id) AS b USING (prompt_id, sample_index, cycle)
ORDER BY c.cycle, c.temperature, c.sample_index
