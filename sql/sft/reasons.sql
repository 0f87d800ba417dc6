-- purpose: how many completions were kept and dropped, and why
-- tables: sft
-- grain: one row per reason
-- columns: keep BOOLEAN, reason VARCHAR, completions BIGINT, prompts BIGINT
SELECT
  keep::BOOLEAN AS keep,
  reason::VARCHAR AS reason,
  count(*)::BIGINT AS completions,
  count(DISTINCT prompt_id)::BIGINT AS prompts
FROM sft
GROUP BY keep, reason
ORDER BY keep DESC, completions DESC, reason
