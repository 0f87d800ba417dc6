-- purpose: how well each verifier, and the reward, tells right completions from wrong ones; how often it abstains
-- tables: scores, rewards
-- grain: one row per cycle and verifier, for completions with ground truth
-- columns: cycle INTEGER, verifier VARCHAR, completions BIGINT, judged BIGINT (not null), abstained DOUBLE (share),
--          auc DOUBLE (chance that a right one of all judged scores above a wrong one, a tie counting half;
--          null where all are right or all wrong), auc_within DOUBLE (the same among completions of one prompt)
WITH known AS (
  SELECT
    s.cycle,
    s.prompt_id,
    s.correct,
    v.verifier,
    v.value
  FROM scores AS s
  JOIN rewards AS r USING (prompt_id, sample_index, cycle),
  LATERAL (
    SELECT
      unnest([
        'perception', 'perception_objects', 'perception_text', 'perception_spatial', 'perception_counting',
        'reasoning', 'reasoning_structure', 'reasoning_consistency', 'reasoning_grounding',
        'output', 'output_fuzzy', 'reward'
      ]) AS verifier,
      unnest([
        s.perception, s.perception_objects, s.perception_text, s.perception_spatial, s.perception_counting,
        s.reasoning, s.reasoning_structure, s.reasoning_consistency, s.reasoning_grounding,
        s.output, s.output_fuzzy, r.reward
      ]) AS value
  ) AS v
  WHERE s.correct IS NOT NULL AND s.error IS NULL
),

ranked AS (
  SELECT
    cycle,
    verifier,
    correct,
    rank() OVER (PARTITION BY cycle, verifier ORDER BY value)
      + (count(*) OVER (PARTITION BY cycle, verifier, value) - 1) / 2.0 AS place
  FROM known
  WHERE value IS NOT NULL
),

overall AS (
  SELECT
    cycle,
    verifier,
    count(*) AS judged,
    count(*) FILTER (WHERE correct) AS good,
    count(*) FILTER (WHERE NOT correct) AS bad,
    sum(place) FILTER (WHERE correct) AS places
  FROM ranked
  GROUP BY ALL
),

within_prompt AS (
  SELECT
    a.cycle,
    a.verifier,
    favg(CASE WHEN a.value > b.value THEN 1.0 WHEN a.value = b.value THEN 0.5 ELSE 0.0 END) AS auc_within
  FROM known AS a
  JOIN known AS b USING (cycle, prompt_id, verifier)
  WHERE a.correct AND NOT b.correct AND a.value IS NOT NULL AND b.value IS NOT NULL
  GROUP BY ALL
),

all_rows AS (
  SELECT
    cycle,
    verifier,
    count(*) AS completions
  FROM known
  GROUP BY ALL
)

SELECT
  n.cycle::INTEGER AS cycle,
  n.verifier::VARCHAR AS verifier,
  n.completions::BIGINT AS completions,
  coalesce(o.judged, 0)::BIGINT AS judged,
  (1 - coalesce(o.judged, 0) / n.completions)::DOUBLE AS abstained,
  ((o.places - o.good * (o.good + 1) / 2.0) / nullif(o.good * o.bad, 0))::DOUBLE AS auc,
  w.auc_within::DOUBLE AS auc_within
FROM all_rows AS n
LEFT JOIN overall AS o USING (cycle, verifier)
LEFT JOIN within_prompt AS w USING (cycle, verifier)
ORDER BY
  n.cycle,
  n.verifier
