-- purpose: prompts of several kinds, turn by turn one of each kind
-- parameters: kinds_ (prompt_id, kind, priority of the kind, rank in it, draw; a prompt may be of several kinds)
-- tables: kinds_
-- grain: one row per prompt
-- columns: prompt_id VARCHAR, kinds VARCHAR[] (without what is only drawn), turn BIGINT (its first), priority INTEGER
--   (of the kind that had it)
CREATE MACRO in_turn(kinds_) AS TABLE
WITH turns AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY kind ORDER BY rank, draw, prompt_id) AS turn
  FROM query_table(kinds_)
)

SELECT
  prompt_id,
  coalesce(list(kind ORDER BY priority) FILTER (kind <> 'drawn'), []) AS kinds,
  min(turn) AS turn,
  first(priority ORDER BY turn, priority) AS priority
FROM turns
GROUP BY prompt_id;
