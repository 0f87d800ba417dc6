-- purpose: calibration: of the completions in each tenth by score, how many are right
-- tables: scores, rewards
-- grain: one row per cycle, verifier and decile that has a completion
-- columns: cycle INTEGER, verifier VARCHAR, decile INTEGER (1: the lowest tenth; equal scores stay together, so tenths
--   may be uneven or missing), completions BIGINT, low DOUBLE, high DOUBLE, score DOUBLE (mean),
--   right_share DOUBLE, gap DOUBLE (right_share - score)
-- Scores are taken to four decimals.
WITH placed AS (
  SELECT
    *,
    sum(n) OVER (PARTITION BY cycle, verifier ORDER BY bin) - n / 2.0 AS middle,
    sum(n) OVER (PARTITION BY cycle, verifier) AS total
  FROM binned_verifiers(scores, rewards)
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
