-- purpose: the kept rows that are rollouts: not the transferred ones, which are the verified answer of another prompt's
--   rollout, also where they are replayed
-- parameters: filtered (an sft table)
-- tables: filtered
-- grain: one row per such row
-- columns: those of sft, rolled INTEGER (the cycle of the rollout)
CREATE MACRO kept_rollouts(filtered) AS TABLE
WITH transferred AS (
  SELECT prompt_id, sample_index, from_cycle, completion FROM query_table(filtered) WHERE origin = 'transferred'
)

SELECT
  s.*,
  coalesce(s.from_cycle, s.cycle) AS rolled
FROM query_table(filtered) AS s
ANTI JOIN transferred AS t
  ON t.prompt_id = s.prompt_id AND t.sample_index = s.sample_index AND t.from_cycle = s.from_cycle
  AND t.completion = s.completion AND s.origin <> 'sampled'
WHERE s.keep;
