-- purpose: wrong answers that perception and reasoning like best: what a policy could learn to exploit
-- parameters: $cycle INTEGER = 0 (the cycle, 0: each), $high DOUBLE = 0.8 (mean of perception and reasoning),
--   $most BIGINT = 50 (rows)
-- tables: completions, scores, prompts
-- grain: one row per such completion, the best liked first
-- columns: cycle INTEGER, prompt_id VARCHAR, sample_index INTEGER, seen DOUBLE (mean of perception and reasoning, null as
--   0.5), perception DOUBLE, reasoning DOUBLE, question VARCHAR, answer VARCHAR, answers VARCHAR[], completion VARCHAR
WITH liked AS MATERIALIZED (
  SELECT
    cycle,
    prompt_id,
    sample_index,
    (coalesce(perception, 0.5) + coalesce(reasoning, 0.5)) / 2 AS seen,
    perception,
    reasoning,
    answer
  FROM scores
  WHERE NOT correct AND error IS NULL AND $cycle IN (0, cycle)
    AND (coalesce(perception, 0.5) + coalesce(reasoning, 0.5)) / 2 >= $high
  ORDER BY seen DESC, cycle DESC, prompt_id, sample_index
  LIMIT $most
),

found AS (
  SELECT prompt_id, sample_index, cycle, completion
  FROM completions
  SEMI JOIN liked USING (prompt_id, sample_index, cycle)
)

SELECT
  l.cycle::INTEGER AS cycle,
  l.prompt_id::VARCHAR AS prompt_id,
  l.sample_index::INTEGER AS sample_index,
  l.seen::DOUBLE AS seen,
  l.perception::DOUBLE AS perception,
  l.reasoning::DOUBLE AS reasoning,
  p.question::VARCHAR AS question,
  l.answer::VARCHAR AS answer,
  p.answers::VARCHAR[] AS answers,
  c.completion::VARCHAR AS completion
FROM liked AS l
LEFT JOIN prompts AS p USING (prompt_id)
LEFT JOIN found AS c USING (prompt_id, sample_index, cycle)
ORDER BY l.seen DESC, l.cycle DESC, l.prompt_id, l.sample_index
