-- purpose: how many completions each cycle kept and dropped, and why
-- tables: sft
-- grain: one row per cycle, origin, keep and reason
-- columns: cycle INTEGER, keep BOOLEAN, origin VARCHAR (sampled, replayed, transferred), reason VARCHAR,
--   completions BIGINT, share DOUBLE (of the cycle's rows of this origin), mean_reward DOUBLE
WITH counted AS (
  SELECT
    cycle,
    keep,
    origin,
    reason,
    count(*) AS completions,
    favg(reward) AS mean_reward
  FROM sft
  GROUP BY cycle, keep, origin, reason
)

SELECT
  cycle::INTEGER AS cycle,
  keep::BOOLEAN AS keep,
  origin::VARCHAR AS origin,
  reason::VARCHAR AS reason,
  completions::BIGINT AS completions,
  (completions / sum(completions) OVER (PARTITION BY cycle, origin))::DOUBLE AS share,
  mean_reward::DOUBLE AS mean_reward
FROM counted
ORDER BY cycle, keep DESC, origin, completions DESC, reason
