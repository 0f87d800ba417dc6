-- purpose: how different the answers to one prompt are, in the first cycle and in the told one
-- parameters: $cycle INTEGER (the cycle that is told), $sample BIGINT = 200000 (completions of a cycle to look at, about;
--   whole prompts, drawn by a hash of their ids)
-- tables: scores
-- grain: one row per cycle: the first and the told one
-- columns: cycle INTEGER, prompts BIGINT (looked at, with at least two completions),
--   distinct_answers DOUBLE (mean share of a prompt's completions)
WITH share AS (
  SELECT $sample / greatest(max(n), 1) AS share
  FROM (SELECT count(*) AS n FROM scores WHERE cycle IN (1, $cycle) GROUP BY cycle)
),

prompts_ AS (
  SELECT
    cycle,
    prompt_id,
    count(*) AS n,
    count(DISTINCT lower(trim(coalesce(answer, '')))) AS answers
  FROM scores
  WHERE
    cycle IN (1, $cycle) AND error IS NULL
    AND hash(prompt_id) / 18446744073709551616.0 < (SELECT share FROM share)
  GROUP BY cycle, prompt_id
  HAVING count(*) > 1
)

SELECT
  cycle::INTEGER AS cycle,
  count(*)::BIGINT AS prompts,
  favg(answers / n)::DOUBLE AS distinct_answers
FROM prompts_
GROUP BY cycle
ORDER BY cycle
