-- purpose: every reward is a number from 0 to 1; must return no rows
-- tables: rewards
-- columns: cycle INTEGER, prompt_id VARCHAR, sample_index INTEGER, reward DOUBLE
SELECT
  cycle::INTEGER AS cycle,
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index,
  reward::DOUBLE AS reward
FROM rewards
WHERE reward IS NULL OR isnan(reward) OR reward < 0 OR reward > 1
ORDER BY cycle, prompt_id, sample_index
