-- purpose: the gain of one cycle over the base on the same held-out rows, paired, with a 95 % interval
-- parameters: $cycle INTEGER, $baseline INTEGER = 0 (0: the base), $split VARCHAR = test (dev or test)
-- tables: benchmark
-- grain: one row per style and decoding
-- columns: style VARCHAR, decoding VARCHAR, n BIGINT (prompts), before DOUBLE, after DOUBLE, gain DOUBLE,
--          low DOUBLE, high DOUBLE
-- Pairs are prompts (samples of a prompt averaged first); errors are clustered by image.
WITH prompts_ AS (
  SELECT
    cycle,
    style,
    CASE WHEN temperature = 0 THEN 'greedy' ELSE 'sampled' END AS decoding,
    prompt_id,
    any_value(image_id ORDER BY image_id) AS image_id,
    favg(coalesce(score, 0)) AS score
  FROM benchmark
  WHERE split = $split AND cycle IN ($cycle, $baseline) AND (score IS NOT NULL OR error IS NOT NULL)
  GROUP BY ALL
),

pairs AS (
  SELECT
    a.style,
    a.decoding,
    a.image_id,
    b.score AS before,
    a.score AS after
  FROM prompts_ AS a
  JOIN prompts_ AS b USING (style, decoding, prompt_id)
  WHERE a.cycle = $cycle AND b.cycle = $baseline
),

means AS (
  SELECT
    style,
    decoding,
    count(*) AS n,
    favg(before) AS before,
    favg(after) AS after
  FROM pairs
  GROUP BY ALL
),

clusters AS (
  SELECT
    p.style,
    p.decoding,
    p.image_id,
    fsum((p.after - p.before) - (m.after - m.before)) AS residual
  FROM pairs AS p
  JOIN means AS m USING (style, decoding)
  GROUP BY ALL
),

errors AS (
  SELECT
    style,
    decoding,
    sqrt(fsum(residual * residual)) AS error_sum
  FROM clusters
  GROUP BY ALL
)

SELECT
  m.style::VARCHAR AS style,
  m.decoding::VARCHAR AS decoding,
  m.n::BIGINT AS n,
  m.before::DOUBLE AS before,
  m.after::DOUBLE AS after,
  (m.after - m.before)::DOUBLE AS gain,
  (m.after - m.before - 1.96 * e.error_sum / m.n)::DOUBLE AS low,
  (m.after - m.before + 1.96 * e.error_sum / m.n)::DOUBLE AS high
FROM means AS m
JOIN errors AS e USING (style, decoding)
ORDER BY m.style, m.decoding
