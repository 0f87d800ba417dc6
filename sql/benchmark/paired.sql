-- purpose: paired differences between models or cycles on the same held-out prompts, with a 95 % interval
-- parameters: $split VARCHAR = test (dev or test)
-- runs: together
-- tables: benchmark
-- grain: one row per dataset, style, decoding and pair of policies (a policy: a model and cycle of a run)
-- columns: dataset VARCHAR, style VARCHAR, decoding VARCHAR, run VARCHAR, cycle INTEGER, model VARCHAR,
--   other_run VARCHAR, other_cycle INTEGER, other_model VARCHAR, n BIGINT (prompts that both answered), score DOUBLE,
--   other_score DOUBLE, difference DOUBLE (score - other_score), low DOUBLE, high DOUBLE
-- Pairs are prompts (samples of a prompt averaged first); errors are clustered by image.
WITH prompts_ AS (
  SELECT
    dataset,
    coalesce(style, '') AS style,
    CASE WHEN temperature = 0 THEN 'greedy' ELSE 'sampled' END AS decoding,
    run,
    coalesce(cycle, 0) AS cycle,
    coalesce(model, '') AS model,
    prompt_id,
    any_value(image_id ORDER BY image_id) AS image_id,
    favg(coalesce(score, 0)) AS score
  FROM benchmark
  WHERE split = $split AND (score IS NOT NULL OR error IS NOT NULL)
  GROUP BY ALL
),

clusters AS (
  SELECT
    a.dataset,
    a.style,
    a.decoding,
    a.run,
    a.cycle,
    a.model,
    b.run AS other_run,
    b.cycle AS other_cycle,
    b.model AS other_model,
    coalesce(a.image_id, a.prompt_id) AS image_id,
    count(*) AS n,
    fsum(a.score) AS score,
    fsum(b.score) AS other_score
  FROM prompts_ AS a
  JOIN prompts_ AS b USING (dataset, style, decoding, prompt_id)
  WHERE (b.run, b.cycle, b.model) < (a.run, a.cycle, a.model)
  GROUP BY ALL
),

means AS (
  SELECT
    * EXCLUDE (image_id, n, score, other_score),
    sum(n) AS n,
    fsum(score) / sum(n) AS score,
    fsum(other_score) / sum(n) AS other_score
  FROM clusters
  GROUP BY ALL
),

errors AS (
  SELECT
    c.dataset,
    c.style,
    c.decoding,
    c.run,
    c.cycle,
    c.model,
    c.other_run,
    c.other_cycle,
    c.other_model,
    sqrt(fsum((c.score - c.other_score - c.n * (m.score - m.other_score)) ** 2)) / any_value(m.n) AS error
  FROM clusters AS c
  JOIN means AS m USING (dataset, style, decoding, run, cycle, model, other_run, other_cycle, other_model)
  GROUP BY ALL
)

SELECT
  dataset::VARCHAR AS dataset,
  style::VARCHAR AS style,
  decoding::VARCHAR AS decoding,
  run::VARCHAR AS run,
  cycle::INTEGER AS cycle,
  model::VARCHAR AS model,
  other_run::VARCHAR AS other_run,
  other_cycle::INTEGER AS other_cycle,
  other_model::VARCHAR AS other_model,
  m.n::BIGINT AS n,
  m.score::DOUBLE AS score,
  m.other_score::DOUBLE AS other_score,
  (m.score - m.other_score)::DOUBLE AS difference,
  (m.score - m.other_score - 1.96 * e.error)::DOUBLE AS low,
  (m.score - m.other_score + 1.96 * e.error)::DOUBLE AS high
FROM means AS m
JOIN errors AS e USING (dataset, style, decoding, run, cycle, model, other_run, other_cycle, other_model)
ORDER BY dataset, style, decoding, other_run, other_cycle, other_model, run, cycle, model
