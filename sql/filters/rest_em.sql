-- purpose: every distinct right completion, at most 10 for a prompt (ReST-EM, Singh et al. 2023, arXiv:2312.06585)
-- tables: candidates (sql/sft/candidates.sql)
-- grain: one row per candidate
-- columns: prompt_id, sample_index, cycle, keep BOOLEAN, reason VARCHAR
SELECT
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index,
  cycle::INTEGER AS cycle,
  (usable AND copy = 1 AND place <= 10)::BOOLEAN AS keep,
  CASE
    WHEN failed THEN 'error'
    WHEN truncated THEN 'truncated'
    WHEN right_ones = 0 THEN 'no right completion for this prompt'
    WHEN NOT good THEN 'wrong answer'
    WHEN copy > 1 THEN 'duplicate completion'
    WHEN place > 10 THEN 'enough right completions for this prompt'
    ELSE 'right'
  END::VARCHAR AS reason
FROM candidates
ORDER BY cycle, prompt_id, sample_index
