-- purpose: accuracy of each cycle on the held-out rows, greedy and sampled, with a 95 % interval
-- tables: benchmark
-- grain: one row per cycle, split, style and decoding
-- columns: cycle INTEGER, split VARCHAR, style VARCHAR, decoding VARCHAR, n BIGINT (completions),
--          score DOUBLE (mean of the metric), low DOUBLE, high DOUBLE, correct DOUBLE (share at the threshold)
-- The interval is normal with errors clustered by image: completions of one image are not independent.
WITH rows_ AS (
  SELECT
    cycle,
    split,
    style,
    CASE WHEN temperature = 0 THEN 'greedy' ELSE 'sampled' END AS decoding,
    image_id,
    coalesce(score, 0) AS score,
    coalesce(correct, false)::INTEGER AS correct
  FROM benchmark
  WHERE score IS NOT NULL OR error IS NOT NULL
),

means AS (
  SELECT
    cycle,
    split,
    style,
    decoding,
    count(*) AS n,
    favg(score) AS mean,
    favg(correct) AS correct
  FROM rows_
  GROUP BY ALL
),

clusters AS (
  SELECT
    r.cycle,
    r.split,
    r.style,
    r.decoding,
    r.image_id,
    fsum(r.score - m.mean) AS residual
  FROM rows_ AS r
  JOIN means AS m USING (cycle, split, style, decoding)
  GROUP BY ALL
),

errors AS (
  SELECT
    cycle,
    split,
    style,
    decoding,
    sqrt(fsum(residual * residual)) AS error_sum
  FROM clusters
  GROUP BY ALL
)

SELECT
  m.cycle::INTEGER AS cycle,
  m.split::VARCHAR AS split,
  m.style::VARCHAR AS style,
  m.decoding::VARCHAR AS decoding,
  m.n::BIGINT AS n,
  m.mean::DOUBLE AS score,
  greatest(0, m.mean - 1.96 * e.error_sum / m.n)::DOUBLE AS low,
  least(1, m.mean + 1.96 * e.error_sum / m.n)::DOUBLE AS high,
  m.correct::DOUBLE AS correct
FROM means AS m
JOIN errors AS e USING (cycle, split, style, decoding)
ORDER BY m.cycle, m.split, m.style, m.decoding
