-- purpose: keys of samples that are there more than once. Prompts are looked at first, by a bit for each sample; keys one
--   by one only where the bits do not add up to the rows
-- parameters: listed (the table's name), key (a text of its columns)
-- tables: listed
-- grain: one row per such key
-- columns: name VARCHAR, key VARCHAR, rows_ BIGINT
CREATE MACRO sampled_twice(listed, key) AS TABLE
SELECT
  listed AS name,
  key AS key,
  count(*) AS rows_
FROM query_table(listed)
WHERE (cycle, prompt_id) IN (
  SELECT (cycle, prompt_id)
  FROM query_table(listed)
  GROUP BY cycle, prompt_id
  HAVING bit_count(bit_or(1::BIGINT << (sample_index % 62))) <> count(*)
)
GROUP BY key
HAVING count(*) > 1;
