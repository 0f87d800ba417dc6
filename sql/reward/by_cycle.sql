-- purpose: reward and each verifier by cycle, over all sampled completions
-- tables: rewards
-- grain: one row per cycle
-- columns: cycle INTEGER, completions BIGINT, reward DOUBLE, correct DOUBLE (share), perception DOUBLE,
--          reasoning DOUBLE, output DOUBLE, perception_judged DOUBLE (share), reasoning_judged DOUBLE (share),
--          prompts_solved DOUBLE (share of prompts with a right completion)
WITH solved AS (
  SELECT
    cycle,
    prompt_id,
    bool_or(coalesce(correct, false)) AS solved
  FROM rewards
  GROUP BY ALL
),

shares AS (
  SELECT
    cycle,
    favg(solved::INTEGER) AS prompts_solved
  FROM solved
  GROUP BY cycle
)

SELECT
  r.cycle::INTEGER AS cycle,
  count(*)::BIGINT AS completions,
  favg(r.reward)::DOUBLE AS reward,
  favg(coalesce(r.correct, false)::INTEGER)::DOUBLE AS correct,
  favg(r.perception)::DOUBLE AS perception,
  favg(r.reasoning)::DOUBLE AS reasoning,
  favg(r.output)::DOUBLE AS output,
  favg((r.perception IS NOT NULL)::INTEGER)::DOUBLE AS perception_judged,
  favg((r.reasoning IS NOT NULL)::INTEGER)::DOUBLE AS reasoning_judged,
  any_value(s.prompts_solved)::DOUBLE AS prompts_solved
FROM rewards AS r
JOIN shares AS s USING (cycle)
GROUP BY r.cycle
ORDER BY r.cycle
