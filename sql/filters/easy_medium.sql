-- purpose: right completions of prompts that the policy gets right at least half of the time: easy and medium ones taught
--   more than hard ones in DC-SFT (arXiv:2602.10815)
-- parameters: $max_per_prompt INTEGER (right completions kept for one prompt)
-- tables: candidates (sql/sft/candidates.sql)
-- grain: one row per candidate
-- columns: prompt_id, sample_index, cycle, keep BOOLEAN, reason VARCHAR
SELECT
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index,
  cycle::INTEGER AS cycle,
  (usable AND copy = 1 AND place <= $max_per_prompt AND 2 * right_ones >= judged)::BOOLEAN AS keep,
  CASE
    WHEN failed THEN 'error'
    WHEN truncated THEN 'truncated'
    WHEN right_ones = 0 THEN 'no right completion for this prompt'
    WHEN NOT good THEN 'wrong answer'
    WHEN 2 * right_ones < judged THEN 'a hard prompt: right less than half of the time'
    WHEN copy > 1 THEN 'duplicate completion'
    WHEN place > $max_per_prompt THEN 'enough right completions for this prompt'
    ELSE 'right'
  END::VARCHAR AS reason
FROM candidates
ORDER BY cycle, prompt_id, sample_index
