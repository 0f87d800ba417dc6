-- purpose: in a cycle that has scores or rewards, every completion has one, and none is of a completion that is not there;
--   must return no rows
-- tables: completions, scores, rewards
-- columns: name VARCHAR (the table that lacks the row), cycle INTEGER, prompt_id VARCHAR, sample_index INTEGER
-- Keys are compared one by one only in cycles where the sums of their hashes differ: joining whole tables is dear.
WITH sums AS (
  SELECT 'completions' AS name, cycle, count(*) AS n, sum(hash(prompt_id, sample_index)) AS keys_
  FROM completions
  GROUP BY cycle
  UNION ALL
  SELECT 'scores' AS name, cycle, count(*) AS n, sum(hash(prompt_id, sample_index)) AS keys_
  FROM scores
  GROUP BY cycle
  UNION ALL
  SELECT 'rewards' AS name, cycle, count(*) AS n, sum(hash(prompt_id, sample_index)) AS keys_
  FROM rewards
  GROUP BY cycle
),

differing AS (
  SELECT cycle
  FROM sums
  GROUP BY cycle
  HAVING count(*) > 1 AND count(DISTINCT (n, keys_)) > 1 OR bool_and(name <> 'completions')
),

said AS (
  SELECT prompt_id, sample_index, cycle FROM completions WHERE cycle IN (SELECT cycle FROM differing)
),

scored AS (
  SELECT prompt_id, sample_index, cycle FROM scores WHERE cycle IN (SELECT cycle FROM differing)
),

rewarded AS (
  SELECT prompt_id, sample_index, cycle FROM rewards WHERE cycle IN (SELECT cycle FROM differing)
),

missing AS (
  SELECT 'scores' AS name, c.cycle, c.prompt_id, c.sample_index
  FROM said AS c
  ANTI JOIN scored AS s USING (prompt_id, sample_index, cycle)
  WHERE c.cycle IN (SELECT cycle FROM scored)
  UNION ALL
  SELECT 'rewards' AS name, c.cycle, c.prompt_id, c.sample_index
  FROM said AS c
  ANTI JOIN rewarded AS r USING (prompt_id, sample_index, cycle)
  WHERE c.cycle IN (SELECT cycle FROM rewarded)
  UNION ALL
  SELECT 'completions' AS name, b.cycle, b.prompt_id, b.sample_index
  FROM (FROM scored UNION FROM rewarded) AS b
  ANTI JOIN said AS c USING (prompt_id, sample_index, cycle)
)

SELECT
  name::VARCHAR AS name,
  cycle::INTEGER AS cycle,
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index
FROM missing
ORDER BY name, cycle, prompt_id, sample_index
