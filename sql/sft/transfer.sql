-- purpose: where a question is answered right under the grounded prompt only, the verified answer as a target of its
--   direct prompt: the model learns to say in a word what it can already work out
-- tables: candidates (sql/sft/candidates.sql), scores, prompts
-- grain: one row per direct prompt without a right completion whose grounded sibling has one
-- columns: those of the sft table
WITH asked AS (
  SELECT prompt_id, question_id, style, prompt, answers IS NOT NULL AS known FROM prompts
),

solved AS (
  SELECT
    a.question_id,
    c.cycle,
    c.sample_index,
    c.reward,
    s.answer,
    row_number() OVER (PARTITION BY a.question_id, c.cycle ORDER BY c.place) AS turn
  FROM candidates AS c
  JOIN asked AS a USING (prompt_id)
  JOIN scores AS s USING (prompt_id, sample_index, cycle)
  WHERE a.style = 'grounded' AND a.known AND c.usable AND c.copy = 1 AND length(trim(s.answer)) > 0
),

unsolved AS (
  SELECT a.question_id, a.prompt_id, a.prompt, c.cycle
  FROM candidates AS c
  JOIN asked AS a USING (prompt_id)
  WHERE a.style = 'direct'
  GROUP BY ALL
  HAVING max(c.right_ones) = 0
)

SELECT
  u.prompt_id::VARCHAR AS prompt_id,
  s.sample_index::INTEGER AS sample_index,
  u.cycle::INTEGER AS cycle,
  true::BOOLEAN AS keep,
  'right under the grounded prompt only'::VARCHAR AS reason,
  'transferred'::VARCHAR AS origin,
  u.cycle::INTEGER AS from_cycle,
  s.reward::DOUBLE AS reward,
  u.prompt::VARCHAR AS prompt,
  trim(s.answer)::VARCHAR AS completion,
  NULL::INTEGER[] AS token_ids,
  NULL::FLOAT[] AS logprobs
FROM unsolved AS u
JOIN solved AS s ON s.question_id = u.question_id AND s.cycle = u.cycle AND s.turn = 1
ORDER BY cycle, prompt_id
