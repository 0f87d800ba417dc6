-- purpose: a right completion beside a wrong one of the same prompt, for preference training
-- parameters: $cycle INTEGER, $rows VARCHAR (chosen are the kept rows: 'kept', or all right rollouts: 'all')
-- tables: sft, completions, prompts, rewards
-- grain: one row per chosen completion whose prompt has a wrong rollout in the cycle that was not cut off. The wrong ones
--   of a prompt take turns; what was itself judged wrong for its prompt is never chosen
-- columns: prompt_id VARCHAR, sample_index INTEGER (of the chosen one), cycle INTEGER, origin VARCHAR, question VARCHAR,
--   prompt VARCHAR, image_ids VARCHAR[], answers VARCHAR[], choices VARCHAR[], answer_type VARCHAR, metric VARCHAR,
--   chosen VARCHAR, rejected VARCHAR, rejected_index INTEGER
WITH judged AS (
  SELECT c.prompt_id, c.sample_index, c.cycle, c.finish_reason, c.completion, r.correct
  FROM completions AS c
  JOIN rewards AS r USING (prompt_id, sample_index, cycle)
  WHERE c.completion IS NOT NULL AND c.error IS NULL AND r.error IS NULL
),

wrong AS (
  SELECT
    prompt_id,
    completion,
    min(sample_index) AS sample_index,
    row_number() OVER (PARTITION BY prompt_id ORDER BY min(sample_index)) - 1 AS place,
    count(*) OVER (PARTITION BY prompt_id) AS wrong_ones
  FROM judged
  WHERE cycle = $cycle AND NOT correct AND finish_reason IS DISTINCT FROM 'length'
  GROUP BY prompt_id, completion
),

candidates AS (
  SELECT prompt_id, sample_index, origin, from_cycle, prompt, completion
  FROM sft
  WHERE $rows = 'kept' AND cycle = $cycle AND keep AND completion IS NOT NULL
  UNION ALL
  SELECT prompt_id, sample_index, 'sampled' AS origin, cycle AS from_cycle, NULL AS prompt, completion
  FROM judged
  WHERE $rows = 'all' AND cycle = $cycle AND correct
),

chosen AS (
  SELECT
    a.*,
    row_number() OVER (
      PARTITION BY a.prompt_id ORDER BY a.origin, a.from_cycle, a.sample_index, a.completion
    ) - 1 AS turn
  FROM candidates AS a
  ANTI JOIN (SELECT prompt_id, completion FROM judged WHERE NOT correct) AS bad USING (prompt_id, completion)
)

SELECT
  a.prompt_id::VARCHAR AS prompt_id,
  a.sample_index::INTEGER AS sample_index,
  $cycle::INTEGER AS cycle,
  a.origin::VARCHAR AS origin,
  p.question::VARCHAR AS question,
  coalesce(a.prompt, p.prompt)::VARCHAR AS prompt,
  p.image_ids::VARCHAR[] AS image_ids,
  p.answers::VARCHAR[] AS answers,
  p.choices::VARCHAR[] AS choices,
  p.answer_type::VARCHAR AS answer_type,
  p.metric::VARCHAR AS metric,
  a.completion::VARCHAR AS chosen,
  w.completion::VARCHAR AS rejected,
  w.sample_index::INTEGER AS rejected_index
FROM chosen AS a
JOIN wrong AS w ON w.prompt_id = a.prompt_id AND w.place = a.turn % w.wrong_ones
JOIN prompts AS p ON p.prompt_id = a.prompt_id
ORDER BY p.row_index, a.prompt_id, a.turn
