-- purpose: what a filter chooses from: every completion with its verdict, its rank in its prompt, and the prompt's own
-- parameters: $seed INTEGER (of the draw)
-- tables: rewards, completions
-- grain: one row per row of rewards
-- columns: prompt_id VARCHAR, sample_index INTEGER, cycle INTEGER, reward DOUBLE, failed BOOLEAN, truncated BOOLEAN,
--   good BOOLEAN (right; without ground truth: reward above the neutral 0.5),
--   usable BOOLEAN (good, finished, without error),
--   copy BIGINT (1: the first of equal completions), place BIGINT (rank among the distinct usable ones: best reward,
--   then shortest), judged BIGINT (completions of the prompt without error), right_ones BIGINT (usable among them),
--   draw DOUBLE (in [0, 1), the same for a prompt whenever it is drawn in this cycle)
-- Texts are compared by their MD5, and prompts by a number, so that what is sorted stays small.
WITH read AS (
  SELECT
    r.prompt_id,
    r.sample_index,
    r.cycle,
    r.reward,
    coalesce(r.error, c.error) IS NOT NULL AS failed,
    coalesce(c.finish_reason, 'stop') = 'length' AS truncated,
    CASE WHEN r.output IS NULL THEN r.reward > 0.5 ELSE coalesce(r.correct, false) END AS good,
    md5_number(c.completion) AS said,
    coalesce(c.completion_tokens, length(c.completion)) AS size
  FROM rewards AS r
  JOIN completions AS c USING (prompt_id, sample_index, cycle)
),

marked AS (
  SELECT *, good AND NOT failed AND NOT truncated AS usable FROM read
),

asked AS (
  SELECT
    prompt_id,
    cycle,
    row_number() OVER () AS number,
    count(*) FILTER (NOT failed) AS judged,
    count(*) FILTER (usable) AS right_ones,
    (md5_number_lower(concat_ws('/', $seed, cycle, prompt_id)) / 18446744073709551616.0)::DOUBLE AS draw
  FROM marked
  GROUP BY prompt_id, cycle
),

copies AS (
  SELECT
    m.*,
    a.number,
    a.judged,
    a.right_ones,
    a.draw,
    row_number() OVER (
      PARTITION BY a.number, m.said, m.usable ORDER BY m.reward DESC, m.sample_index
    ) AS copy
  FROM marked AS m
  JOIN asked AS a USING (prompt_id, cycle)
)

SELECT
  prompt_id::VARCHAR AS prompt_id,
  sample_index::INTEGER AS sample_index,
  cycle::INTEGER AS cycle,
  reward::DOUBLE AS reward,
  failed::BOOLEAN AS failed,
  truncated::BOOLEAN AS truncated,
  good::BOOLEAN AS good,
  usable::BOOLEAN AS usable,
  copy::BIGINT AS copy,
  row_number() OVER (
    PARTITION BY number, usable AND copy = 1 ORDER BY reward DESC, size, sample_index
  )::BIGINT AS place,
  judged::BIGINT AS judged,
  right_ones::BIGINT AS right_ones,
  draw::DOUBLE AS draw
FROM copies
ORDER BY cycle, prompt_id, sample_index
