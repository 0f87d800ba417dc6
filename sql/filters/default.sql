-- purpose: choose completions to train on: right, finished, few and distinct per prompt, best reward first. Prompts with
--   no right completion are dropped; of those where every completion is right, which have little left to teach, a seeded
--   share keeps one
-- parameters: $max_per_prompt INTEGER (right completions kept for one prompt), $all_right_share DOUBLE
-- tables: candidates (sql/sft/candidates.sql)
-- grain: one row per candidate
-- columns: prompt_id, sample_index, cycle, keep BOOLEAN, reason VARCHAR
WITH allowed AS (
  SELECT
    *,
    judged > 1 AND right_ones = judged AS all_right,
    CASE
      WHEN judged = 1 OR right_ones < judged THEN $max_per_prompt
      WHEN draw < $all_right_share THEN 1
      ELSE 0
    END AS most
  FROM candidates
)

SELECT
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index,
  cycle::INTEGER AS cycle,
  (usable AND copy = 1 AND place <= most)::BOOLEAN AS keep,
  CASE
    WHEN failed THEN 'error'
    WHEN truncated THEN 'truncated'
    WHEN right_ones = 0 THEN 'no right completion for this prompt'
    WHEN NOT good THEN 'wrong answer'
    WHEN copy > 1 THEN 'duplicate completion'
    WHEN all_right AND place > most THEN 'every completion of this prompt is right'
    WHEN place > most THEN 'enough right completions for this prompt'
    ELSE 'right'
  END::VARCHAR AS reason
FROM allowed
ORDER BY cycle, prompt_id, sample_index
