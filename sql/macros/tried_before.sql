-- purpose: how often each prompt was answered right, beside the cycles before
-- parameters: rewarded (a rewards table)
-- tables: rewarded
-- grain: one row per cycle and prompt
-- columns: those of tried, right_last BIGINT (right completions when it was asked before), solved_before HUGEINT (right
--   completions of all cycles before), asked_before BIGINT (cycles)
CREATE MACRO tried_before(rewarded) AS TABLE
SELECT
  *,
  lag(right_ones) OVER earlier AS right_last,
  coalesce(sum(right_ones) OVER (earlier ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS solved_before,
  row_number() OVER earlier - 1 AS asked_before
FROM tried(rewarded)
WINDOW earlier AS (PARTITION BY prompt_id ORDER BY cycle);
