-- purpose: keys that are there more than once
-- parameters: name (of the table), listed (its rows), key (a text of its columns)
-- tables: listed
-- grain: one row per such key
-- columns: name VARCHAR, key VARCHAR, rows_ BIGINT
CREATE MACRO twice(name, listed, key) AS TABLE
SELECT
  name AS name,
  key AS key,
  count(*) AS rows_
FROM query_table(listed)
GROUP BY key
HAVING count(*) > 1;
