-- purpose: rows kept in earlier cycles that are trained on again, so that what was learned is not lost
-- parameters: $cycle INTEGER (this cycle), $rows BIGINT (how many), $seed INTEGER
-- tables: history (sft of earlier cycles)
-- grain: one row per replayed row
-- columns: those of the sft table
SELECT
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index,
  $cycle::INTEGER AS cycle,
  true::BOOLEAN AS keep,
  'replayed from an earlier cycle'::VARCHAR AS reason,
  'replayed'::VARCHAR AS origin,
  coalesce(from_cycle, cycle)::INTEGER AS from_cycle,
  reward::DOUBLE AS reward,
  prompt::VARCHAR AS prompt,
  completion::VARCHAR AS completion,
  token_ids::INTEGER[] AS token_ids,
  logprobs::FLOAT[] AS logprobs
FROM history
WHERE keep AND origin <> 'replayed'
ORDER BY md5(concat_ws('/', $seed, $cycle, cycle, prompt_id, sample_index, origin)), cycle, prompt_id, sample_index
LIMIT $rows
