-- purpose: greedy accuracy on the held-out rows after a cycle, and its paired change over the cycle before
-- parameters: $cycle INTEGER (the cycle that is told), $style VARCHAR (the style that decides)
-- tables: benchmark
-- grain: one row per split
-- columns: split VARCHAR, n BIGINT (prompts), score DOUBLE (mean of the metric), pairs BIGINT (prompts that the cycle
--   before was asked, too), change DOUBLE (mean over the pairs), error DOUBLE (standard error of the change)
WITH greedy AS (
  SELECT
    cycle,
    split,
    prompt_id,
    favg(coalesce(score, 0)) AS score
  FROM benchmark
  WHERE
    temperature = 0 AND cycle IN ($cycle - 1, $cycle) AND (score IS NOT NULL OR error IS NOT NULL)
    AND (style = $style OR NOT EXISTS (SELECT 1 FROM benchmark AS b WHERE b.style = $style))
  GROUP BY cycle, split, prompt_id
),

paired AS (
  SELECT
    a.split,
    a.score,
    a.score - b.score AS change
  FROM greedy AS a
  LEFT JOIN greedy AS b ON a.split = b.split AND a.prompt_id = b.prompt_id AND b.cycle = $cycle - 1
  WHERE a.cycle = $cycle
),

means AS (
  SELECT
    split,
    count(*) AS n,
    favg(score) AS score,
    count(change) AS pairs,
    favg(change) AS change
  FROM paired
  GROUP BY split
),

errors AS (
  SELECT p.split, sqrt(fsum((p.change - m.change) * (p.change - m.change))) AS error_sum
  FROM paired AS p
  JOIN means AS m USING (split)
  GROUP BY p.split
)

SELECT
  m.split::VARCHAR AS split,
  m.n::BIGINT AS n,
  m.score::DOUBLE AS score,
  m.pairs::BIGINT AS pairs,
  m.change::DOUBLE AS change,
  (e.error_sum / nullif(m.pairs, 0))::DOUBLE AS error
FROM means AS m
JOIN errors AS e USING (split)
ORDER BY m.split
