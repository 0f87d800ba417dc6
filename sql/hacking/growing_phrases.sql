-- purpose: phrases that grow from cycle to cycle, and whether they go with right answers
-- parameters: $words INTEGER = 3 (of a phrase), $most BIGINT = 30 (rows), $sample BIGINT = 10000 (completions of a cycle
--   to look at, about; whole prompts, drawn by a hash of their ids)
-- tables: completions, rewards
-- grain: one row per phrase, the one that grew most first
-- columns: phrase VARCHAR, first_share DOUBLE (of the first cycle's completions that have it), last_share DOUBLE,
--   growth DOUBLE (the difference), rises INTEGER (cycles in which it grew), right_with DOUBLE (share right of the last
--   cycle's completions with it), right_without DOUBLE
WITH share AS (
  SELECT $sample / greatest(max(n), 1) AS share FROM (SELECT count(*) AS n FROM completions GROUP BY cycle)
),

drawn_rewards AS MATERIALIZED (
  SELECT prompt_id, sample_index, cycle, reward, correct, error FROM rewards AS r
  WHERE hash(r.prompt_id) / 18446744073709551616.0 < (SELECT share FROM share)
),

drawn_completions AS MATERIALIZED (
  SELECT prompt_id, sample_index, cycle, completion FROM completions AS c
  WHERE hash(c.prompt_id) / 18446744073709551616.0 < (SELECT share FROM share)
),

drawn AS (
  SELECT
    c.cycle,
    r.correct,
    regexp_extract_all(lower(left(c.completion, 8000)), '[\p{L}\p{N}]+') AS words
  FROM drawn_completions AS c
  JOIN drawn_rewards AS r USING (prompt_id, sample_index, cycle)
  WHERE r.error IS NULL
),

sizes AS (
  SELECT
    cycle,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM drawn
  GROUP BY cycle
),

said AS (
  SELECT
    cycle,
    correct,
    unnest(list_distinct(list_transform(
      range(1, len(words) - $words + 2), lambda i: array_to_string(words[i:i + $words - 1], ' ')
    ))) AS phrase
  FROM drawn
),

often AS (
  SELECT
    phrase,
    cycle,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones
  FROM said
  GROUP BY phrase, cycle
),

phrases AS (
  SELECT phrase FROM often GROUP BY phrase HAVING max(n) > 1
),

shares AS (
  SELECT
    p.phrase,
    s.cycle,
    coalesce(o.n, 0) / s.n AS share,
    coalesce(o.n, 0) AS with_it,
    coalesce(o.right_ones, 0) AS right_with,
    s.n - coalesce(o.n, 0) AS without_it,
    s.right_ones - coalesce(o.right_ones, 0) AS right_without
  FROM phrases AS p
  CROSS JOIN sizes AS s
  LEFT JOIN often AS o ON o.phrase = p.phrase AND o.cycle = s.cycle
),

steps AS (
  SELECT *, share > lag(share) OVER (PARTITION BY phrase ORDER BY cycle) AS rose FROM shares
),

grown AS (
  SELECT
    phrase,
    arg_min(share, cycle) AS first_share,
    arg_max(share, cycle) AS last_share,
    count(*) FILTER (rose) AS rises,
    arg_max(right_with / nullif(with_it, 0), cycle) AS right_with,
    arg_max(right_without / nullif(without_it, 0), cycle) AS right_without
  FROM steps
  GROUP BY phrase
)

SELECT
  phrase::VARCHAR AS phrase,
  first_share::DOUBLE AS first_share,
  last_share::DOUBLE AS last_share,
  (last_share - first_share)::DOUBLE AS growth,
  rises::INTEGER AS rises,
  right_with::DOUBLE AS right_with,
  right_without::DOUBLE AS right_without
FROM grown
WHERE last_share > first_share
ORDER BY growth DESC, phrase
LIMIT $most
