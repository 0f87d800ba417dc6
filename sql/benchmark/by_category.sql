-- purpose: accuracy by the dataset's own categories
-- parameters: $split VARCHAR = test (dev or test)
-- tables: benchmark
-- grain: one row per cycle, category and decoding
-- columns: cycle INTEGER, category VARCHAR, decoding VARCHAR, n BIGINT, score DOUBLE
SELECT
  cycle::INTEGER AS cycle,
  coalesce(category, 'all')::VARCHAR AS category,
  (CASE WHEN temperature = 0 THEN 'greedy' ELSE 'sampled' END)::VARCHAR AS decoding,
  count(*)::BIGINT AS n,
  favg(coalesce(score, 0))::DOUBLE AS score
FROM benchmark
WHERE split = $split AND (score IS NOT NULL OR error IS NOT NULL)
GROUP BY ALL
ORDER BY cycle, category, decoding
