-- purpose: how different the completions of one prompt are: a policy that says one thing has nothing left to choose from
-- parameters: $sample BIGINT = 200000 (completions of a cycle to look at, about; whole prompts, drawn by a hash of their ids)
-- tables: completions, scores
-- grain: one row per cycle
-- columns: cycle INTEGER, prompts BIGINT (looked at, with at least two completions), samples DOUBLE (mean per prompt),
--   distinct_completions DOUBLE (mean share of a prompt's completions), distinct_answers DOUBLE (the same of answers),
--   one_answer DOUBLE (share of prompts whose completions all answer the same), mixed DOUBLE (share of prompts with right
--   and wrong completions), majority_right DOUBLE (share of prompts whose most frequent answer is right)
WITH share AS (
  SELECT $sample / greatest(max(n), 1) AS share FROM (SELECT count(*) AS n FROM completions GROUP BY cycle)
),

drawn_scores AS MATERIALIZED (
  SELECT prompt_id, sample_index, cycle, answer, correct FROM scores AS s
  WHERE hash(s.prompt_id) / 18446744073709551616.0 < (SELECT share FROM share)
),

drawn_completions AS MATERIALIZED (
  SELECT prompt_id, sample_index, cycle, hash(completion) AS completion FROM completions AS c
  WHERE error IS NULL AND hash(c.prompt_id) / 18446744073709551616.0 < (SELECT share FROM share)
),

drawn AS (
  SELECT
    c.cycle,
    c.prompt_id,
    c.completion,
    lower(trim(coalesce(s.answer, ''))) AS answer,
    s.correct
  FROM drawn_completions AS c
  JOIN drawn_scores AS s USING (prompt_id, sample_index, cycle)
),

answers AS (
  SELECT
    cycle,
    prompt_id,
    answer,
    count(*) AS n,
    bool_or(correct) AS correct
  FROM drawn
  GROUP BY cycle, prompt_id, answer
),

votes AS (
  SELECT
    cycle,
    prompt_id,
    count(*) AS answers,
    first(correct ORDER BY n DESC, answer) AS majority_right
  FROM answers
  GROUP BY cycle, prompt_id
),

prompts_ AS (
  SELECT
    cycle,
    prompt_id,
    count(*) AS n,
    count(DISTINCT completion) AS completions,
    bool_or(correct) AND NOT bool_and(correct) AS mixed
  FROM drawn
  GROUP BY cycle, prompt_id
  HAVING count(*) > 1
)

SELECT
  p.cycle::INTEGER AS cycle,
  count(*)::BIGINT AS prompts,
  favg(p.n)::DOUBLE AS samples,
  favg(p.completions / p.n)::DOUBLE AS distinct_completions,
  favg(v.answers / p.n)::DOUBLE AS distinct_answers,
  favg((v.answers = 1)::INTEGER)::DOUBLE AS one_answer,
  favg(p.mixed::INTEGER)::DOUBLE AS mixed,
  favg(v.majority_right::INTEGER)::DOUBLE AS majority_right
FROM prompts_ AS p
JOIN votes AS v USING (cycle, prompt_id)
GROUP BY p.cycle
ORDER BY p.cycle
