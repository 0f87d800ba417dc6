-- purpose: best-of-n: how often the completion that a score ranks first is right, beside one drawn at random and beside
--   pass@n; `seen` is the mean of perception and reasoning, which needs no ground truth
-- tables: rewards
-- grain: one row per cycle, number of samples, and score that chooses
-- columns: cycle INTEGER, n BIGINT (judged completions of a prompt), chosen_by VARCHAR, prompts BIGINT,
--   right_share DOUBLE, random DOUBLE (one at random), any_right DOUBLE (the best possible)
-- Of equal scores (to six decimals; null counts as 0.5) the first sample is taken: samples come in random order.
WITH keyed AS (
  SELECT
    cycle,
    prompt_id,
    correct::INTEGER AS good,
    2 * (1048575 - sample_index) + correct::INTEGER AS tail,
    coalesce(perception, 0.5) AS perception,
    coalesce(reasoning, 0.5) AS reasoning,
    reward
  FROM rewards
  WHERE correct IS NOT NULL AND error IS NULL
),

prompts_ AS (
  SELECT
    cycle,
    prompt_id,
    count(*) AS n,
    sum(good) AS right_ones,
    max(round(perception * 1000000)::BIGINT * 2097152 + tail) & 1 AS by_perception,
    max(round(reasoning * 1000000)::BIGINT * 2097152 + tail) & 1 AS by_reasoning,
    max(round((perception + reasoning) * 500000)::BIGINT * 2097152 + tail) & 1 AS by_seen,
    max(round(reward * 1000000)::BIGINT * 2097152 + tail) & 1 AS by_reward
  FROM keyed
  GROUP BY cycle, prompt_id
),

counts AS (
  SELECT
    cycle,
    n,
    count(*) AS prompts,
    sum(right_ones) / sum(n) AS random,
    count(*) FILTER (right_ones > 0) / count(*) AS any_right,
    unnest(['perception', 'reasoning', 'seen', 'reward']) AS chosen_by,
    unnest([sum(by_perception), sum(by_reasoning), sum(by_seen), sum(by_reward)]) AS right_ones
  FROM prompts_
  GROUP BY cycle, n
)

SELECT
  cycle::INTEGER AS cycle,
  n::BIGINT AS n,
  chosen_by::VARCHAR AS chosen_by,
  prompts::BIGINT AS prompts,
  (right_ones / prompts)::DOUBLE AS right_share,
  random::DOUBLE AS random,
  any_right::DOUBLE AS any_right
FROM counts
ORDER BY cycle, n, chosen_by
