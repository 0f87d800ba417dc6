-- purpose: the more table: for each prompt of a cycle how many samples it has, how many of them are right, and how many
--   are drawn further
-- parameters: $asked INTEGER (samples drawn further for a chosen prompt)
-- tables: decided (the result of a query of sql/more/), candidates (sql/sft/candidates.sql)
-- grain: one row per row of decided
-- columns: prompt_id VARCHAR, cycle INTEGER, samples INTEGER (so far), judged INTEGER (of them without error),
--   right_ones INTEGER (of them right and finished), asked INTEGER (0: none), reason VARCHAR
WITH tried AS (
  SELECT prompt_id, cycle, count(*) AS samples, max(judged) AS judged, max(right_ones) AS right_ones
  FROM candidates
  GROUP BY prompt_id, cycle
)

SELECT
  d.prompt_id::VARCHAR AS prompt_id,
  d.cycle::INTEGER AS cycle,
  t.samples::INTEGER AS samples,
  t.judged::INTEGER AS judged,
  t.right_ones::INTEGER AS right_ones,
  CASE WHEN d.more THEN $asked ELSE 0 END::INTEGER AS asked,
  d.reason::VARCHAR AS reason
FROM decided AS d
JOIN tried AS t USING (prompt_id, cycle)
ORDER BY d.cycle, d.prompt_id
