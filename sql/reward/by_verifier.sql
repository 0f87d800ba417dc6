-- purpose: reward and each verifier by cycle: how often it judged, its mean and spread, and its mean on right and wrong
--   answers
-- tables: rewards
-- grain: one row per cycle and verifier
-- columns: cycle INTEGER, verifier VARCHAR, completions BIGINT, judged DOUBLE (share not null), mean DOUBLE,
--   spread DOUBLE (standard deviation), mean_right DOUBLE, mean_wrong DOUBLE
WITH figures AS (
  SELECT
    cycle,
    count(*) AS completions,
    unnest([
      {'verifier': 'perception', 'judged': count(perception), 'mean': favg(perception),
        'spread': stddev_samp(perception), 'mean_right': favg(perception) FILTER (correct),
        'mean_wrong': favg(perception) FILTER (NOT correct)},
      {'verifier': 'reasoning', 'judged': count(reasoning), 'mean': favg(reasoning),
        'spread': stddev_samp(reasoning), 'mean_right': favg(reasoning) FILTER (correct),
        'mean_wrong': favg(reasoning) FILTER (NOT correct)},
      {'verifier': 'output', 'judged': count(output), 'mean': favg(output),
        'spread': stddev_samp(output), 'mean_right': favg(output) FILTER (correct),
        'mean_wrong': favg(output) FILTER (NOT correct)},
      {'verifier': 'reward', 'judged': count(reward), 'mean': favg(reward),
        'spread': stddev_samp(reward), 'mean_right': favg(reward) FILTER (correct),
        'mean_wrong': favg(reward) FILTER (NOT correct)}
    ]) AS figure
  FROM rewards
  WHERE error IS NULL
  GROUP BY cycle
)

SELECT
  cycle::INTEGER AS cycle,
  figure.verifier::VARCHAR AS verifier,
  completions::BIGINT AS completions,
  (figure.judged / completions)::DOUBLE AS judged,
  figure.mean::DOUBLE AS mean,
  round(figure.spread, 9)::DOUBLE AS spread,
  figure.mean_right::DOUBLE AS mean_right,
  figure.mean_wrong::DOUBLE AS mean_wrong
FROM figures
ORDER BY cycle, verifier
