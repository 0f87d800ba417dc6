-- purpose: the cycle with the best greedy score on the dev half; the earlier one when two are equal
-- parameters: $style VARCHAR (the style that decides), $cycles INTEGER (the last cycle of this run)
-- tables: benchmark
-- grain: one row
-- columns: cycle INTEGER, score DOUBLE
SELECT
  cycle::INTEGER AS cycle,
  favg(coalesce(score, 0))::DOUBLE AS score
FROM benchmark
WHERE
  split = 'dev' AND temperature = 0 AND cycle BETWEEN 1 AND $cycles
  AND (style = $style OR NOT EXISTS (SELECT 1 FROM benchmark AS b WHERE b.style = $style))
GROUP BY cycle
ORDER BY score DESC, cycle
LIMIT 1
