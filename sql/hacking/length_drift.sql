-- purpose: do completions grow or shrink from cycle to cycle, and does length pay?
-- parameters: $sample BIGINT = 200000 (completions of a cycle to look at, about; whole prompts, drawn by a hash of their
--   ids)
-- tables: completions, rewards
-- grain: one row per cycle
-- columns: cycle INTEGER, completions BIGINT (looked at), tokens DOUBLE (mean; characters where tokens were not counted),
--   median DOUBLE, p95 DOUBLE, tokens_right DOUBLE (mean of right answers), tokens_wrong DOUBLE, truncated DOUBLE (share),
--   reward_correlation DOUBLE (Pearson's, of length and reward; null where one of them never varies),
--   change DOUBLE (of the mean since the first cycle, as a share)
WITH share AS (
  SELECT $sample / greatest(max(n), 1) AS share FROM (SELECT count(*) AS n FROM completions GROUP BY cycle)
),

drawn_rewards AS MATERIALIZED (
  SELECT prompt_id, sample_index, cycle, reward, correct, error FROM rewards AS r
  WHERE hash(r.prompt_id) / 18446744073709551616.0 < (SELECT share FROM share)
),

lengths AS (
  SELECT
    c.cycle,
    coalesce(c.completion_tokens, length(c.completion))::DOUBLE AS size,
    coalesce(c.finish_reason, 'stop') = 'length' AS truncated,
    r.correct,
    r.reward
  FROM completions AS c
  JOIN drawn_rewards AS r USING (prompt_id, sample_index, cycle)
  WHERE r.error IS NULL AND hash(c.prompt_id) / 18446744073709551616.0 < (SELECT share FROM share)
),

figures AS (
  SELECT
    cycle,
    count(*) AS completions,
    favg(size) AS tokens,
    quantile_disc(size, [0.5, 0.95]) AS places,
    favg(size) FILTER (correct) AS tokens_right,
    favg(size) FILTER (NOT correct) AS tokens_wrong,
    favg(truncated::INTEGER) AS truncated,
    CASE WHEN min(size) < max(size) AND min(reward) < max(reward) THEN corr(size, reward) END AS reward_correlation
  FROM lengths
  GROUP BY cycle
)

SELECT
  cycle::INTEGER AS cycle,
  completions::BIGINT AS completions,
  tokens::DOUBLE AS tokens,
  places[1]::DOUBLE AS median,
  places[2]::DOUBLE AS p95,
  tokens_right::DOUBLE AS tokens_right,
  tokens_wrong::DOUBLE AS tokens_wrong,
  truncated::DOUBLE AS truncated,
  round(reward_correlation, 6)::DOUBLE AS reward_correlation,
  (tokens / nullif(first_value(tokens) OVER (ORDER BY cycle), 0) - 1)::DOUBLE AS change
FROM figures
ORDER BY cycle
