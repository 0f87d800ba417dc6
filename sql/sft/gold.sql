-- purpose: a control: train on the dataset's own answers instead of verified completions
-- parameters: $grounded VARCHAR, $direct VARCHAR: the completion in each style, with {answer} for the answer
-- tables: prompts
-- grain: one row per prompt with an answer
-- columns: those of the sft table
SELECT
  prompt_id::VARCHAR AS prompt_id,
  0::INTEGER AS sample_index,
  1::INTEGER AS cycle,
  true::BOOLEAN AS keep,
  'gold answer'::VARCHAR AS reason,
  'transferred'::VARCHAR AS origin,
  1::INTEGER AS from_cycle,
  NULL::DOUBLE AS reward,
  prompt::VARCHAR AS prompt,
  replace(CASE WHEN style = 'direct' THEN $direct ELSE $grounded END, '{answer}', answers[1])::VARCHAR AS completion,
  NULL::INTEGER[] AS token_ids,
  NULL::FLOAT[] AS logprobs
FROM prompts
WHERE len(answers) > 0
ORDER BY prompt_id
