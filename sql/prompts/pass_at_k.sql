-- purpose: pass@k: the chance that one of k sampled completions is right, by the unbiased estimator
--   1 - C(n - c, k) / C(n, k) (Chen et al. 2021, arXiv:2107.03374), averaged over the prompts with n >= k
-- tables: rewards
-- grain: one row per cycle and k = 1, 2, 4, 8, … up to the most samples of a prompt
-- columns: cycle INTEGER, k INTEGER, prompts BIGINT (with at least k judged completions), pass_at_k DOUBLE
WITH counts AS (
  SELECT
    cycle,
    n,
    right_ones AS c,
    count(*) AS prompts
  FROM tried(rewards)
  GROUP BY cycle, n, right_ones
),

tries AS (
  SELECT unnest([2 ** power FOR power IN range(0, 13)])::INTEGER AS k
),

chances AS (
  SELECT
    counts.cycle,
    counts.prompts,
    tries.k,
    CASE
      WHEN counts.n - counts.c < tries.k THEN 1.0
      ELSE 1.0 - list_product(list_concat([1.0::DOUBLE], [
        1.0 - tries.k / i::DOUBLE FOR i IN range(counts.n - counts.c + 1, counts.n + 1)
      ]))
    END AS chance
  FROM counts
  JOIN tries ON counts.n >= tries.k
)

SELECT
  cycle::INTEGER AS cycle,
  k::INTEGER AS k,
  sum(prompts)::BIGINT AS prompts,
  (fsum(prompts * chance) / sum(prompts))::DOUBLE AS pass_at_k
FROM chances
GROUP BY cycle, k
ORDER BY cycle, k
