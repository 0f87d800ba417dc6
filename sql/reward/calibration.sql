-- purpose: calibration: of the completions in each tenth by score, how many are right
-- tables: scores, rewards
-- grain: one row per cycle, verifier and decile that has a completion
-- columns: cycle INTEGER, verifier VARCHAR, decile INTEGER (1: the lowest tenth; equal scores stay together, so tenths
--   may be uneven or missing), completions BIGINT, low DOUBLE, high DOUBLE, score DOUBLE (mean),
--   right_share DOUBLE, gap DOUBLE (right_share - score)
-- Scores are taken to four decimals.
WITH binned AS (
  SELECT
    'perception' AS verifier,
    cycle,
    round(10000 * perception)::INTEGER AS bin,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM scores
  WHERE perception IS NOT NULL AND correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, bin
  UNION ALL
  SELECT
    'perception_objects' AS verifier,
    cycle,
    round(10000 * perception_objects)::INTEGER AS bin,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM scores
  WHERE perception_objects IS NOT NULL AND correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, bin
  UNION ALL
  SELECT
    'perception_text' AS verifier,
    cycle,
    round(10000 * perception_text)::INTEGER AS bin,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM scores
  WHERE perception_text IS NOT NULL AND correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, bin
  UNION ALL
  SELECT
    'perception_spatial' AS verifier,
    cycle,
    round(10000 * perception_spatial)::INTEGER AS bin,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM scores
  WHERE perception_spatial IS NOT NULL AND correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, bin
  UNION ALL
  SELECT
    'perception_counting' AS verifier,
    cycle,
    round(10000 * perception_counting)::INTEGER AS bin,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM scores
  WHERE perception_counting IS NOT NULL AND correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, bin
  UNION ALL
  SELECT
    'reasoning' AS verifier,
    cycle,
    round(10000 * reasoning)::INTEGER AS bin,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM scores
  WHERE reasoning IS NOT NULL AND correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, bin
  UNION ALL
  SELECT
    'reasoning_structure' AS verifier,
    cycle,
    round(10000 * reasoning_structure)::INTEGER AS bin,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM scores
  WHERE reasoning_structure IS NOT NULL AND correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, bin
  UNION ALL
  SELECT
    'reasoning_consistency' AS verifier,
    cycle,
    round(10000 * reasoning_consistency)::INTEGER AS bin,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM scores
  WHERE reasoning_consistency IS NOT NULL AND correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, bin
  UNION ALL
  SELECT
    'reasoning_grounding' AS verifier,
    cycle,
    round(10000 * reasoning_grounding)::INTEGER AS bin,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM scores
  WHERE reasoning_grounding IS NOT NULL AND correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, bin
  UNION ALL
  SELECT
    'output' AS verifier,
    cycle,
    round(10000 * output)::INTEGER AS bin,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM scores
  WHERE output IS NOT NULL AND correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, bin
  UNION ALL
  SELECT
    'output_fuzzy' AS verifier,
    cycle,
    round(10000 * output_fuzzy)::INTEGER AS bin,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM scores
  WHERE output_fuzzy IS NOT NULL AND correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, bin
  UNION ALL
  SELECT
    'reward' AS verifier,
    cycle,
    round(10000 * reward)::INTEGER AS bin,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM rewards
  WHERE reward IS NOT NULL AND correct IS NOT NULL AND error IS NULL
  GROUP BY cycle, bin
),

placed AS (
  SELECT
    *,
    sum(n) OVER (PARTITION BY cycle, verifier ORDER BY bin) - n / 2.0 AS middle,
    sum(n) OVER (PARTITION BY cycle, verifier) AS total
  FROM binned
)

SELECT
  cycle::INTEGER AS cycle,
  verifier::VARCHAR AS verifier,
  (1 + floor(10 * middle / total))::INTEGER AS decile,
  sum(n)::BIGINT AS completions,
  (min(bin) / 10000)::DOUBLE AS low,
  (max(bin) / 10000)::DOUBLE AS high,
  (sum(bin * n) / sum(n) / 10000)::DOUBLE AS score,
  (sum(right_ones) / sum(n))::DOUBLE AS right_share,
  (sum(right_ones) / sum(n) - sum(bin * n) / sum(n) / 10000)::DOUBLE AS gap
FROM placed
GROUP BY ALL
ORDER BY cycle, verifier, decile
