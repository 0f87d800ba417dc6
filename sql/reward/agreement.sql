-- purpose: how well each verifier, and the reward, tells right completions from wrong ones; how often it abstains
-- tables: scores, rewards
-- grain: one row per cycle and verifier, for completions with ground truth
-- columns: cycle INTEGER, verifier VARCHAR, completions BIGINT, judged BIGINT (not null), abstained DOUBLE (share),
--          auc DOUBLE (chance that a right one of all judged scores above a wrong one, a tie counting half;
--          null where all are right or all wrong), auc_within DOUBLE (the same among completions of one prompt)
-- Scores are taken to four decimals for auc. auc_within is over every prompt of a run of up to 400,000 completions,
-- and over a share of the prompts, drawn by a hash of their ids, of a larger one.
WITH ranked AS (
  SELECT
    *,
    n - right_ones AS wrong_ones,
    sum(n - right_ones) OVER (PARTITION BY cycle, verifier ORDER BY bin) AS wrong_up_to
  FROM binned_verifiers(scores, rewards)
),

overall AS (
  SELECT
    cycle,
    verifier,
    sum(n) AS judged,
    sum(right_ones * (wrong_up_to - wrong_ones / 2)) AS above,
    sum(right_ones) AS good,
    sum(wrong_ones) AS bad
  FROM ranked
  GROUP BY cycle, verifier
),

all_rows AS (
  SELECT cycle, count(*) AS completions
  FROM scores
  WHERE correct IS NOT NULL AND error IS NULL
  GROUP BY cycle
),

drawn AS (
  SELECT
    s.cycle,
    s.prompt_id,
    s.correct,
    s.perception,
    s.perception_objects,
    s.perception_text,
    s.perception_spatial,
    s.perception_counting,
    s.reasoning,
    s.reasoning_structure,
    s.reasoning_consistency,
    s.reasoning_grounding,
    s.output,
    s.output_fuzzy,
    r.reward
  FROM scores AS s
  JOIN rewards AS r USING (prompt_id, sample_index, cycle)
  WHERE s.correct IS NOT NULL AND s.error IS NULL
    AND hash(s.prompt_id) / 18446744073709551616.0 < (SELECT 400000.0 / greatest(sum(completions), 1) FROM all_rows)
    AND hash(r.prompt_id) / 18446744073709551616.0 < (SELECT 400000.0 / greatest(sum(completions), 1) FROM all_rows)
),

within_prompt AS (
  SELECT
    a.cycle,
    unnest([
      {'verifier': 'perception', 'auc_within': favg((a.perception > b.perception)::INTEGER + (a.perception = b.perception)::INTEGER / 2)},
      {'verifier': 'perception_objects', 'auc_within': favg((a.perception_objects > b.perception_objects)::INTEGER + (a.perception_objects = b.perception_objects)::INTEGER / 2)},
      {'verifier': 'perception_text', 'auc_within': favg((a.perception_text > b.perception_text)::INTEGER + (a.perception_text = b.perception_text)::INTEGER / 2)},
      {'verifier': 'perception_spatial', 'auc_within': favg((a.perception_spatial > b.perception_spatial)::INTEGER + (a.perception_spatial = b.perception_spatial)::INTEGER / 2)},
      {'verifier': 'perception_counting', 'auc_within': favg((a.perception_counting > b.perception_counting)::INTEGER + (a.perception_counting = b.perception_counting)::INTEGER / 2)},
      {'verifier': 'reasoning', 'auc_within': favg((a.reasoning > b.reasoning)::INTEGER + (a.reasoning = b.reasoning)::INTEGER / 2)},
      {'verifier': 'reasoning_structure', 'auc_within': favg((a.reasoning_structure > b.reasoning_structure)::INTEGER + (a.reasoning_structure = b.reasoning_structure)::INTEGER / 2)},
      {'verifier': 'reasoning_consistency', 'auc_within': favg((a.reasoning_consistency > b.reasoning_consistency)::INTEGER + (a.reasoning_consistency = b.reasoning_consistency)::INTEGER / 2)},
      {'verifier': 'reasoning_grounding', 'auc_within': favg((a.reasoning_grounding > b.reasoning_grounding)::INTEGER + (a.reasoning_grounding = b.reasoning_grounding)::INTEGER / 2)},
      {'verifier': 'output', 'auc_within': favg((a.output > b.output)::INTEGER + (a.output = b.output)::INTEGER / 2)},
      {'verifier': 'output_fuzzy', 'auc_within': favg((a.output_fuzzy > b.output_fuzzy)::INTEGER + (a.output_fuzzy = b.output_fuzzy)::INTEGER / 2)},
      {'verifier': 'reward', 'auc_within': favg((a.reward > b.reward)::INTEGER + (a.reward = b.reward)::INTEGER / 2)}
    ]) AS found
  FROM drawn AS a
  JOIN drawn AS b USING (cycle, prompt_id)
  WHERE a.correct AND NOT b.correct
  GROUP BY a.cycle
),

verifiers AS (
  SELECT unnest([
    'perception', 'perception_objects', 'perception_text', 'perception_spatial', 'perception_counting',
    'reasoning', 'reasoning_structure', 'reasoning_consistency', 'reasoning_grounding',
    'output', 'output_fuzzy', 'reward'
  ]) AS verifier
)

SELECT
  n.cycle::INTEGER AS cycle,
  v.verifier::VARCHAR AS verifier,
  n.completions::BIGINT AS completions,
  coalesce(o.judged, 0)::BIGINT AS judged,
  (1 - coalesce(o.judged, 0) / n.completions)::DOUBLE AS abstained,
  (o.above / nullif(o.good * o.bad, 0))::DOUBLE AS auc,
  w.found.auc_within::DOUBLE AS auc_within
FROM all_rows AS n
CROSS JOIN verifiers AS v
LEFT JOIN overall AS o ON o.cycle = n.cycle AND o.verifier = v.verifier
LEFT JOIN within_prompt AS w ON w.cycle = n.cycle AND w.found.verifier = v.verifier
ORDER BY
  n.cycle,
  v.verifier
