-- purpose: how much completions claim, and how much of it detector and reader bear out: claims may be made for the reward
-- parameters: $sample BIGINT = 200000 (completions of a cycle to look at, about; whole prompts, drawn by a hash of their
--   ids)
-- tables: scores
-- grain: one row per cycle and kind of claim, and one for all kinds
-- columns: cycle INTEGER, kind VARCHAR, claims BIGINT, per_completion DOUBLE, supported DOUBLE (share),
--   contradicted DOUBLE, unknown DOUBLE, per_right DOUBLE (claims of a right completion), per_wrong DOUBLE
WITH counts AS (
  SELECT cycle, count(*) AS completions FROM scores GROUP BY cycle
),

drawn AS (
  SELECT
    c.cycle,
    c.correct,
    c.claims
  FROM scores AS c
  JOIN counts AS n USING (cycle)
  WHERE c.error IS NULL AND hash(c.prompt_id) / 18446744073709551616.0 < $sample / n.completions
),

sizes AS (
  SELECT
    cycle,
    count(*) AS n,
    count(*) FILTER (correct) AS right_ones,
    count(*) FILTER (NOT correct) AS wrong_ones
  FROM drawn
  GROUP BY cycle
),

told AS (
  SELECT cycle, correct, unnest(claims) AS claim FROM drawn
),

counted AS (
  SELECT
    cycle,
    coalesce(claim.kind, 'all') AS kind,
    count(*) AS claims,
    count(*) FILTER (claim.verdict = 'supported') AS supported,
    count(*) FILTER (claim.verdict = 'contradicted') AS contradicted,
    count(*) FILTER (claim.verdict = 'unknown') AS unknown,
    count(*) FILTER (correct) AS of_right,
    count(*) FILTER (NOT correct) AS of_wrong
  FROM told
  GROUP BY GROUPING SETS ((cycle, claim.kind), (cycle))
)

SELECT
  c.cycle::INTEGER AS cycle,
  c.kind::VARCHAR AS kind,
  c.claims::BIGINT AS claims,
  (c.claims / s.n)::DOUBLE AS per_completion,
  (c.supported / c.claims)::DOUBLE AS supported,
  (c.contradicted / c.claims)::DOUBLE AS contradicted,
  (c.unknown / c.claims)::DOUBLE AS unknown,
  (c.of_right / nullif(s.right_ones, 0))::DOUBLE AS per_right,
  (c.of_wrong / nullif(s.wrong_ones, 0))::DOUBLE AS per_wrong
FROM counted AS c
JOIN sizes AS s USING (cycle)
ORDER BY c.cycle, c.kind = 'all' DESC, c.kind
