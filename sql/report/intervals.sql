-- purpose: reward, the share right and each verifier by cycle, with 95 % intervals
-- tables: rewards, prompts
-- grain: one row per cycle and measure that judged a completion
-- columns: cycle INTEGER, measure VARCHAR (reward, right, perception, reasoning, output), n BIGINT (completions judged),
--   mean DOUBLE, low DOUBLE, high DOUBLE
-- The interval is normal with errors clustered by image: completions of one image are not independent.
WITH found AS (
  SELECT
    r.cycle,
    coalesce(p.image_ids[1], r.prompt_id) AS image_id,
    unnest([
      {'measure': 'reward', 'value': r.reward},
      {'measure': 'right', 'value': r.correct::INTEGER::DOUBLE},
      {'measure': 'perception', 'value': r.perception},
      {'measure': 'reasoning', 'value': r.reasoning},
      {'measure': 'output', 'value': r.output}
    ]) AS found
  FROM rewards AS r
  LEFT JOIN prompts AS p USING (prompt_id)
  WHERE r.error IS NULL
),

clusters AS (
  SELECT
    cycle,
    found.measure AS measure,
    image_id,
    count(*) AS n,
    fsum(found.value) AS total
  FROM found
  WHERE found.value IS NOT NULL
  GROUP BY ALL
),

means AS (
  SELECT
    cycle,
    measure,
    sum(n) AS n,
    fsum(total) / sum(n) AS mean
  FROM clusters
  GROUP BY cycle, measure
),

errors AS (
  SELECT
    c.cycle,
    c.measure,
    sqrt(fsum((c.total - c.n * m.mean) ** 2)) / any_value(m.n) AS error
  FROM clusters AS c
  JOIN means AS m USING (cycle, measure)
  GROUP BY c.cycle, c.measure
)

SELECT
  m.cycle::INTEGER AS cycle,
  m.measure::VARCHAR AS measure,
  m.n::BIGINT AS n,
  m.mean::DOUBLE AS mean,
  greatest(0, m.mean - 1.96 * e.error)::DOUBLE AS low,
  least(1, m.mean + 1.96 * e.error)::DOUBLE AS high
FROM means AS m
JOIN errors AS e USING (cycle, measure)
ORDER BY m.cycle, m.measure
