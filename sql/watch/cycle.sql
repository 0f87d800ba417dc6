-- purpose: what a cycle sampled, how good it was and how much was kept, beside the first cycle and the one before
-- parameters: $cycle INTEGER (the cycle that is told)
-- tables: completions, rewards, sft
-- grain: one row per cycle: the first, the one before, and the told one
-- columns: cycle INTEGER, completions BIGINT (with a reward), kept BIGINT (rows to train on, of any origin),
--   judged BIGINT (with ground truth and no error), pass_rate DOUBLE (right ones among the judged; null without any),
--   reward DOUBLE (mean), tokens DOUBLE (mean of a completion; words where tokens were not counted)
WITH rewarded AS (
  SELECT
    cycle,
    count(*) AS completions,
    count(correct) FILTER (error IS NULL) AS judged,
    favg(correct::INTEGER) FILTER (error IS NULL) AS pass_rate,
    favg(reward) AS reward
  FROM rewards
  WHERE cycle IN (1, $cycle - 1, $cycle)
  GROUP BY cycle
),

said AS (
  SELECT cycle, favg(coalesce(completion_tokens, len(string_split(completion, ' ')))) AS tokens
  FROM completions
  WHERE cycle IN (1, $cycle - 1, $cycle) AND error IS NULL
  GROUP BY cycle
),

chosen AS (
  SELECT cycle, count(*) FILTER (keep) AS kept
  FROM sft
  WHERE cycle IN (1, $cycle - 1, $cycle)
  GROUP BY cycle
)

SELECT
  r.cycle::INTEGER AS cycle,
  r.completions::BIGINT AS completions,
  coalesce(c.kept, 0)::BIGINT AS kept,
  r.judged::BIGINT AS judged,
  r.pass_rate::DOUBLE AS pass_rate,
  r.reward::DOUBLE AS reward,
  s.tokens::DOUBLE AS tokens
FROM rewarded AS r
LEFT JOIN said AS s USING (cycle)
LEFT JOIN chosen AS c USING (cycle)
ORDER BY r.cycle
