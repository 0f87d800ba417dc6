-- purpose: completions with ground truth by a score, taken to four decimals
-- parameters: judged (a table with correct and error), score (a column of it)
-- tables: judged
-- grain: one row per cycle and value of the score
-- columns: cycle INTEGER, bin INTEGER (10000 times the score), n BIGINT, right_ones BIGINT
CREATE MACRO binned(judged, score) AS TABLE
SELECT
  cycle,
  round(10000 * score)::INTEGER AS bin,
  count(*) AS n,
  count(*) FILTER (correct) AS right_ones
FROM query_table(judged)
WHERE score IS NOT NULL AND correct IS NOT NULL AND error IS NULL
GROUP BY cycle, bin;
