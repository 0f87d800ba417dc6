-- purpose: the held-out completions of chosen prompts with their scores, texts cut
-- parameters: $prompt_ids VARCHAR[], $longest INTEGER = 4000 (characters of a completion), $samples INTEGER = 8 (of a
--   prompt and cycle)
-- tables: eval_completions, benchmark
-- grain: one row per completion, cycle by cycle, greedy ones first
-- columns: prompt_id VARCHAR, sample_index INTEGER, cycle INTEGER, temperature DOUBLE, completion VARCHAR,
--   length BIGINT (characters before it was cut), completion_tokens INTEGER, finish_reason VARCHAR, answer VARCHAR,
--   score DOUBLE, correct BOOLEAN, category VARCHAR, samples BIGINT (of this prompt and cycle), error VARCHAR
WITH chosen AS (
  SELECT unnest($prompt_ids) AS prompt_id
),

said AS (
  SELECT
    *,
    count(*) OVER (PARTITION BY prompt_id, cycle) AS samples
  FROM eval_completions
  WHERE prompt_id IN (FROM chosen)
  QUALIFY row_number() OVER (PARTITION BY prompt_id, cycle ORDER BY temperature, sample_index) <= $samples
)

SELECT
  c.prompt_id::VARCHAR AS prompt_id,
  c.sample_index::INTEGER AS sample_index,
  c.cycle::INTEGER AS cycle,
  c.temperature::DOUBLE AS temperature,
  left(c.completion, $longest)::VARCHAR AS completion,
  length(c.completion)::BIGINT AS length,
  c.completion_tokens::INTEGER AS completion_tokens,
  c.finish_reason::VARCHAR AS finish_reason,
  left(b.prediction, 500)::VARCHAR AS answer,
  b.score::DOUBLE AS score,
  b.correct::BOOLEAN AS correct,
  b.category::VARCHAR AS category,
  c.samples::BIGINT AS samples,
  coalesce(c.error, b.error)::VARCHAR AS error
FROM said AS c
LEFT JOIN (SELECT * FROM benchmark WHERE prompt_id IN (FROM chosen)) AS b USING (prompt_id, sample_index, cycle)
ORDER BY c.prompt_id, c.cycle, c.temperature, c.sample_index
