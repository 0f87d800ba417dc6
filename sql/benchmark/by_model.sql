-- purpose: the score of each model and cycle on held-out rows, with a 95 % interval, several runs side by side
-- parameters: $split VARCHAR = '' (dev or test, '': each)
-- runs: together
-- tables: benchmark
-- grain: one row per run, dataset, split, style, decoding, model and cycle
-- columns: run VARCHAR, dataset VARCHAR, split VARCHAR, style VARCHAR, decoding VARCHAR, metric VARCHAR, cycle INTEGER,
--   model VARCHAR, n BIGINT (completions), score DOUBLE, low DOUBLE, high DOUBLE, correct DOUBLE (share at the threshold),
--   unanswered DOUBLE (share without a prediction)
-- The interval is normal with errors clustered by image: completions of one image are not independent.
WITH rows_ AS (
  SELECT
    run,
    dataset,
    split,
    style,
    CASE WHEN temperature = 0 THEN 'greedy' ELSE 'sampled' END AS decoding,
    metric,
    cycle,
    model,
    image_id,
    coalesce(score, 0) AS score,
    coalesce(correct, false)::INTEGER AS correct,
    (prediction IS NULL)::INTEGER AS unanswered
  FROM benchmark
  WHERE (score IS NOT NULL OR error IS NOT NULL) AND $split IN ('', split)
),

clusters AS (
  SELECT
    * EXCLUDE (score, correct, unanswered),
    count(*) AS n,
    fsum(score) AS score,
    sum(correct) AS correct,
    sum(unanswered) AS unanswered
  FROM rows_
  GROUP BY ALL
),

means AS (
  SELECT
    * EXCLUDE (image_id, n, score, correct, unanswered),
    sum(n) AS n,
    fsum(score) / sum(n) AS mean,
    sum(correct) / sum(n) AS correct,
    sum(unanswered) / sum(n) AS unanswered
  FROM clusters
  GROUP BY ALL
),

errors AS (
  SELECT
    m.run,
    m.dataset,
    m.split,
    m.style,
    m.decoding,
    m.metric,
    m.cycle,
    m.model,
    sqrt(fsum((c.score - c.n * m.mean) ** 2)) / any_value(m.n) AS error
  FROM clusters AS c
  JOIN means AS m
    ON c.run = m.run AND c.model IS NOT DISTINCT FROM m.model AND c.cycle IS NOT DISTINCT FROM m.cycle
      AND c.dataset IS NOT DISTINCT FROM m.dataset AND c.split IS NOT DISTINCT FROM m.split
      AND c.style IS NOT DISTINCT FROM m.style AND c.decoding = m.decoding AND c.metric IS NOT DISTINCT FROM m.metric
  GROUP BY ALL
)

SELECT
  m.run::VARCHAR AS run,
  m.dataset::VARCHAR AS dataset,
  m.split::VARCHAR AS split,
  m.style::VARCHAR AS style,
  m.decoding::VARCHAR AS decoding,
  m.metric::VARCHAR AS metric,
  m.cycle::INTEGER AS cycle,
  m.model::VARCHAR AS model,
  m.n::BIGINT AS n,
  m.mean::DOUBLE AS score,
  greatest(0, m.mean - 1.96 * e.error)::DOUBLE AS low,
  least(1, m.mean + 1.96 * e.error)::DOUBLE AS high,
  m.correct::DOUBLE AS correct,
  m.unanswered::DOUBLE AS unanswered
FROM means AS m
JOIN errors AS e
  ON e.run = m.run AND e.model IS NOT DISTINCT FROM m.model AND e.cycle IS NOT DISTINCT FROM m.cycle
    AND e.dataset IS NOT DISTINCT FROM m.dataset AND e.split IS NOT DISTINCT FROM m.split
    AND e.style IS NOT DISTINCT FROM m.style AND e.decoding = m.decoding AND e.metric IS NOT DISTINCT FROM m.metric
ORDER BY m.dataset, m.split, m.style, m.decoding, m.run, m.cycle, m.model
