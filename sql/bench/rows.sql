-- purpose: synthetic rows of one part for halo_forge.bench_sql: a quarter of the prompts never right, a tenth always, the
--   others with a chance of their own that grows with the cycle; scores that lean to right answers
-- parameters: $cycle INTEGER, $first BIGINT and $stop BIGINT (numbers of prompts), $samples INTEGER
-- tables: none
-- grain: one row per completion
-- columns: those of completions, scores and rewards that queries read
CREATE OR REPLACE TEMP TABLE made AS
WITH drawn AS (
  SELECT
    sha256(p::VARCHAR) AS prompt_id,
    s::INTEGER AS sample_index,
    p AS number,
    hash(p) % 1000 / 1000.0 AS kind,
    hash(p, s, $cycle) % 10007 / 10007.0 AS luck,
    hash(p, s, $cycle, 1) % 10007 / 10007.0 AS noise,
    hash(p, s, $cycle, 2) % 10007 / 10007.0 AS other
  FROM range($first, $stop) AS a(p), range($samples) AS b(s)
),

judged AS (
  SELECT
    *,
    CASE WHEN kind < 0.25 THEN false WHEN kind < 0.35 THEN true ELSE luck < kind * (0.6 + 0.08 * $cycle) END AS correct
  FROM drawn
),

scored AS (
  SELECT
    *,
    (noise * 0.6 + 0.4 * correct::INTEGER)::DOUBLE AS seen,
    CASE WHEN other < 0.1 THEN NULL ELSE (other * 0.7 + 0.3 * correct::INTEGER)::DOUBLE END AS thought
  FROM judged
)

SELECT
  number::BIGINT AS number,
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index,
  $cycle::INTEGER AS cycle,
  concat(
    'I see ', 1 + number % 5, ' dogs beside a ', ['red', 'blue', 'green'][1 + (number % 3)::INTEGER],
    ' gate, and a sign that says number ', number % 997, '. Counting them from left to right gives ',
    1 + (luck * 9)::INTEGER, ', so that is what I say. <answer>', 1 + (luck * 9)::INTEGER, '</answer>'
  )::VARCHAR AS completion,
  (CASE WHEN noise < 0.01 THEN 'length' ELSE 'stop' END)::VARCHAR AS finish_reason,
  (30 + luck * 40)::INTEGER AS completion_tokens,
  (1 + (luck * 9)::INTEGER)::VARCHAR AS answer,
  correct::BOOLEAN AS correct,
  seen::DOUBLE AS perception,
  CASE WHEN number % 2 = 0 THEN seen END::DOUBLE AS perception_objects,
  CASE WHEN number % 4 = 1 THEN noise END::DOUBLE AS perception_text,
  CASE WHEN number % 5 = 1 THEN other END::DOUBLE AS perception_spatial,
  CASE WHEN number % 3 = 1 THEN noise END::DOUBLE AS perception_counting,
  thought::DOUBLE AS reasoning,
  thought::DOUBLE AS reasoning_structure,
  other::DOUBLE AS reasoning_consistency,
  CASE WHEN number % 2 = 1 THEN noise END::DOUBLE AS reasoning_grounding,
  (correct::INTEGER)::DOUBLE AS "output",
  (correct::INTEGER * 0.5 + other * 0.5)::DOUBLE AS output_fuzzy,
  0.9::DOUBLE AS threshold,
  [
    {'kind': 'count', 'source': 'chain', 'start': 6, 'end': 12, 'claim': 'dogs: 2',
      'verdict': CASE WHEN correct THEN 'supported' ELSE 'contradicted' END, 'p': seen, 'evidence': 'dog 0.9'},
    {'kind': 'attribute', 'source': 'chain', 'start': 23, 'end': 31, 'claim': 'gate is red', 'verdict': 'unknown',
      'p': 0.5, 'evidence': ''},
    {'kind': 'text', 'source': 'chain', 'start': 40, 'end': 60, 'claim': 'a sign', 'verdict': 'supported', 'p': 0.9,
      'evidence': 'number'}
  ]::STRUCT(
    kind VARCHAR, source VARCHAR, "start" INTEGER, "end" INTEGER, claim VARCHAR, verdict VARCHAR, p DOUBLE,
    evidence VARCHAR
  )[] AS claims,
  true::BOOLEAN AS gated,
  (CASE WHEN correct THEN 1 ELSE 0.27 END
    * (0.3 * seen + 0.4 * coalesce(thought, 0.5) + 0.3 * correct::INTEGER))::DOUBLE AS reward,
  (correct AND noise >= 0.01 AND sample_index < 2)::BOOLEAN AS keep,
  (CASE WHEN noise < 0.01 THEN 'truncated' WHEN correct THEN 'right' ELSE 'wrong answer' END)::VARCHAR AS reason,
  'sampled'::VARCHAR AS origin,
  $cycle::INTEGER AS from_cycle
FROM scored
ORDER BY number, sample_index
