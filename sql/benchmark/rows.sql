-- purpose: the scored rows of a benchmark, one for each prompt (samples of a prompt averaged)
-- tables: benchmark
-- grain: one row per prompt
-- columns: prompt_id VARCHAR, style VARCHAR, metric VARCHAR, category VARCHAR, image_id VARCHAR, score DOUBLE,
--   unextracted BOOLEAN, truncated BOOLEAN, failed BOOLEAN
SELECT
  prompt_id::VARCHAR AS prompt_id,
  any_value(style)::VARCHAR AS style,
  any_value(metric)::VARCHAR AS metric,
  any_value(coalesce(category, 'all'))::VARCHAR AS category,
  any_value(image_id ORDER BY image_id)::VARCHAR AS image_id,
  favg(coalesce(score, 0))::DOUBLE AS score,
  bool_and(prediction IS NULL)::BOOLEAN AS unextracted,
  bool_or(coalesce(finish_reason, 'stop') = 'length')::BOOLEAN AS truncated,
  bool_or(error IS NOT NULL)::BOOLEAN AS failed
FROM benchmark
WHERE score IS NOT NULL OR error IS NOT NULL
GROUP BY prompt_id
ORDER BY prompt_id
