-- purpose: the score of one benchmark run by prompt style, with a 95 % interval clustered by image
-- tables: benchmark
-- grain: one row per style and metric
-- columns: style VARCHAR, metric VARCHAR, n BIGINT, score DOUBLE, low DOUBLE, high DOUBLE, unextracted BIGINT,
--          truncated BIGINT, errors BIGINT
WITH rows_ AS (
  SELECT
    style,
    metric,
    image_id,
    coalesce(score, 0) AS score,
    prediction IS NULL AS unextracted,
    finish_reason = 'length' AS truncated,
    error IS NOT NULL AS failed
  FROM benchmark
  WHERE score IS NOT NULL OR error IS NOT NULL
),

means AS (
  SELECT
    style,
    metric,
    count(*) AS n,
    favg(score) AS mean,
    count(*) FILTER (unextracted) AS unextracted,
    count(*) FILTER (truncated) AS truncated,
    count(*) FILTER (failed) AS errors
  FROM rows_
  GROUP BY ALL
),

clusters AS (
  SELECT
    r.style,
    r.metric,
    r.image_id,
    fsum(r.score - m.mean) AS residual
  FROM rows_ AS r
  JOIN means AS m USING (style, metric)
  GROUP BY ALL
),

spread AS (
  SELECT
    style,
    metric,
    sqrt(fsum(residual * residual)) AS error_sum
  FROM clusters
  GROUP BY ALL
)

SELECT
  m.style::VARCHAR AS style,
  m.metric::VARCHAR AS metric,
  m.n::BIGINT AS n,
  m.mean::DOUBLE AS score,
  greatest(0, m.mean - 1.96 * s.error_sum / m.n)::DOUBLE AS low,
  least(1, m.mean + 1.96 * s.error_sum / m.n)::DOUBLE AS high,
  m.unextracted::BIGINT AS unextracted,
  m.truncated::BIGINT AS truncated,
  m.errors::BIGINT AS errors
FROM means AS m
JOIN spread AS s USING (style, metric)
ORDER BY m.style, m.metric
