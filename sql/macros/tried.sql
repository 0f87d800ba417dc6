-- purpose: how often each prompt with ground truth was answered right
-- parameters: rewarded (a rewards table)
-- tables: rewarded
-- grain: one row per cycle and prompt
-- columns: cycle INTEGER, prompt_id VARCHAR, n BIGINT (judged completions), right_ones BIGINT
CREATE MACRO tried(rewarded) AS TABLE
SELECT
  cycle,
  prompt_id,
  count(*) AS n,
  count(*) FILTER (correct) AS right_ones
FROM query_table(rewarded)
WHERE output IS NOT NULL AND error IS NULL
GROUP BY cycle, prompt_id;
