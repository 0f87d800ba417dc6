-- purpose: every completion of a prompt with its scores, claims, reward and fate
-- parameters: $prompt_id VARCHAR
-- tables: completions, scores, rewards, sft
-- grain: one row per completion, cycle by cycle
-- columns: those of scores; model VARCHAR, temperature DOUBLE, completion VARCHAR, completion_tokens INTEGER,
--   reward DOUBLE, keep BOOLEAN, reason VARCHAR
SELECT
  s.* EXCLUDE (prompt_id, sample_index, cycle, finish_reason, error),
  c.prompt_id,
  c.sample_index,
  c.cycle,
  c.model,
  c.temperature,
  c.completion,
  c.completion_tokens,
  c.finish_reason,
  coalesce(c.error, s.error) AS error,
  r.reward,
  t.keep,
  t.reason
FROM (SELECT * FROM completions WHERE prompt_id = $prompt_id) AS c
LEFT JOIN (SELECT * FROM scores WHERE prompt_id = $prompt_id) AS s USING (prompt_id, sample_index, cycle)
LEFT JOIN (SELECT * FROM rewards WHERE prompt_id = $prompt_id) AS r USING (prompt_id, sample_index, cycle)
LEFT JOIN (SELECT * FROM sft WHERE prompt_id = $prompt_id AND origin = 'sampled') AS t
  USING (prompt_id, sample_index, cycle)
ORDER BY c.cycle, c.sample_index
