-- purpose: completions that say the same words again and again
-- parameters: $sample BIGINT = 50000 (completions of a cycle to look at, about; whole prompts, drawn by a hash of their ids),
--   $share DOUBLE = 0.5 (share of said-before phrases from which a completion counts as repetitive)
-- tables: completions
-- grain: one row per cycle
-- columns: cycle INTEGER, completions BIGINT (looked at), repetition DOUBLE (mean share of three-word phrases that were
--   said before in the same completion), p95 DOUBLE, repetitive DOUBLE (share of the completions),
--   same_completion DOUBLE (share that repeats another completion of the same prompt and cycle)
WITH share AS (
  SELECT $sample / greatest(max(n), 1) AS share FROM (SELECT count(*) AS n FROM completions GROUP BY cycle)
),

drawn AS (
  SELECT
    c.cycle,
    string_split(lower(left(c.completion, 8000)), ' ') AS words,
    row_number() OVER (PARTITION BY c.cycle, c.prompt_id, c.completion ORDER BY c.sample_index) AS copy
  FROM completions AS c
  WHERE c.error IS NULL AND hash(c.prompt_id) / 18446744073709551616.0 < (SELECT share FROM share)
),

phrased AS (
  SELECT
    cycle,
    copy,
    list_transform(range(1, len(words) - 1), lambda i: concat_ws(' ', words[i], words[i + 1], words[i + 2])) AS phrases
  FROM drawn
),

measured AS (
  SELECT
    cycle,
    copy,
    coalesce(1 - len(list_distinct(phrases)) / nullif(len(phrases), 0), 0) AS repeated
  FROM phrased
)

SELECT
  cycle::INTEGER AS cycle,
  count(*)::BIGINT AS completions,
  favg(repeated)::DOUBLE AS repetition,
  quantile_disc(repeated, 0.95)::DOUBLE AS p95,
  (count(*) FILTER (repeated >= $share) / count(*))::DOUBLE AS repetitive,
  (count(*) FILTER (copy > 1) / count(*))::DOUBLE AS same_completion
FROM measured
GROUP BY cycle
ORDER BY cycle
