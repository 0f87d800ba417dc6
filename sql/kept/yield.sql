-- purpose: what sampling yields: of the prompts and completions of a cycle, how many are right, kept, and trained on
-- tables: sft, rewards
-- grain: one row per cycle
-- columns: cycle INTEGER, prompts BIGINT, completions BIGINT, right_ones BIGINT, kept BIGINT (of those sampled),
--   kept_share DOUBLE, kept_prompts BIGINT (prompts with a kept completion), replayed BIGINT, transferred BIGINT,
--   trained_on BIGINT (all rows that are kept)
WITH asked AS (
  SELECT
    cycle,
    prompt_id,
    count(*) AS completions,
    count(*) FILTER (correct) AS right_ones
  FROM rewards
  GROUP BY cycle, prompt_id
),

sampled AS (
  SELECT
    cycle,
    count(*) AS prompts,
    sum(completions) AS completions,
    sum(right_ones) AS right_ones
  FROM asked
  GROUP BY cycle
),

kept_prompts AS (
  SELECT cycle, count(*) AS prompts
  FROM (SELECT DISTINCT cycle, prompt_id FROM sft WHERE keep AND origin = 'sampled')
  GROUP BY cycle
),

kept AS (
  SELECT
    cycle,
    count(*) FILTER (origin = 'sampled') AS sampled,
    count(*) FILTER (origin = 'replayed') AS replayed,
    count(*) FILTER (origin = 'transferred') AS transferred,
    count(*) AS trained_on
  FROM sft
  WHERE keep
  GROUP BY cycle
)

SELECT
  s.cycle::INTEGER AS cycle,
  s.prompts::BIGINT AS prompts,
  s.completions::BIGINT AS completions,
  s.right_ones::BIGINT AS right_ones,
  coalesce(k.sampled, 0)::BIGINT AS kept,
  (coalesce(k.sampled, 0) / s.completions)::DOUBLE AS kept_share,
  coalesce(p.prompts, 0)::BIGINT AS kept_prompts,
  coalesce(k.replayed, 0)::BIGINT AS replayed,
  coalesce(k.transferred, 0)::BIGINT AS transferred,
  coalesce(k.trained_on, 0)::BIGINT AS trained_on
FROM sampled AS s
LEFT JOIN kept AS k USING (cycle)
LEFT JOIN kept_prompts AS p USING (cycle)
ORDER BY s.cycle
