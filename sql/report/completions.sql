-- purpose: the completions of chosen prompts with their scores, claims, reward and fate, texts cut
-- parameters: $prompt_ids VARCHAR[], $longest INTEGER = 4000 (characters of a completion), $samples INTEGER = 8 (of a
--   prompt and cycle), $claims INTEGER = 40 (of a completion)
-- tables: completions, scores, rewards, sft
-- grain: one row per completion, cycle by cycle
-- columns: those of scores; claims_made BIGINT, prompt_id VARCHAR, sample_index INTEGER, cycle INTEGER,
--   temperature DOUBLE, completion VARCHAR, length BIGINT (characters before it was cut), completion_tokens INTEGER,
--   samples BIGINT (of this prompt and cycle), reward DOUBLE, gated BOOLEAN, keep BOOLEAN, reason VARCHAR
WITH chosen AS (
  SELECT unnest($prompt_ids) AS prompt_id
),

said AS (
  SELECT
    prompt_id,
    sample_index,
    cycle,
    temperature,
    left(completion, $longest) AS completion,
    length(completion) AS length,
    completion_tokens,
    finish_reason,
    error,
    count(*) OVER (PARTITION BY prompt_id, cycle) AS samples
  FROM completions
  WHERE prompt_id IN (FROM chosen)
  QUALIFY row_number() OVER (PARTITION BY prompt_id, cycle ORDER BY sample_index) <= $samples
)

SELECT
  s.* EXCLUDE (prompt_id, sample_index, cycle, finish_reason, error, answer, claims),
  left(s.answer, 500) AS answer,
  s.claims[:$claims] AS claims,
  len(s.claims) AS claims_made,
  c.prompt_id,
  c.sample_index,
  c.cycle,
  c.temperature,
  c.completion,
  c.length,
  c.completion_tokens,
  c.finish_reason,
  coalesce(c.error, s.error) AS error,
  c.samples,
  r.reward,
  r.gated,
  t.keep,
  t.reason
FROM said AS c
LEFT JOIN (SELECT * FROM scores WHERE prompt_id IN (FROM chosen)) AS s USING (prompt_id, sample_index, cycle)
LEFT JOIN (SELECT * FROM rewards WHERE prompt_id IN (FROM chosen)) AS r USING (prompt_id, sample_index, cycle)
LEFT JOIN (SELECT * FROM sft WHERE origin = 'sampled' AND prompt_id IN (FROM chosen)) AS t
  USING (prompt_id, sample_index, cycle)
ORDER BY c.prompt_id, c.cycle, c.sample_index
