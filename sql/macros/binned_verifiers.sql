-- purpose: completions with ground truth by each verifier's score, and by the reward
-- parameters: scored (a scores table), rewarded (a rewards table)
-- tables: scored, rewarded
-- grain: one row per verifier, cycle and value of the score
-- columns: verifier VARCHAR, and those of binned
-- Every verifier reads its own columns of the files: faster than one reading of all, which has to sort them apart.
CREATE MACRO binned_verifiers(scored, rewarded) AS TABLE
SELECT 'perception' AS verifier, * FROM binned(scored, perception)
UNION ALL
SELECT 'perception_objects' AS verifier, * FROM binned(scored, perception_objects)
UNION ALL
SELECT 'perception_text' AS verifier, * FROM binned(scored, perception_text)
UNION ALL
SELECT 'perception_spatial' AS verifier, * FROM binned(scored, perception_spatial)
UNION ALL
SELECT 'perception_counting' AS verifier, * FROM binned(scored, perception_counting)
UNION ALL
SELECT 'reasoning' AS verifier, * FROM binned(scored, reasoning)
UNION ALL
SELECT 'reasoning_structure' AS verifier, * FROM binned(scored, reasoning_structure)
UNION ALL
SELECT 'reasoning_consistency' AS verifier, * FROM binned(scored, reasoning_consistency)
UNION ALL
SELECT 'reasoning_grounding' AS verifier, * FROM binned(scored, reasoning_grounding)
UNION ALL
SELECT 'output' AS verifier, * FROM binned(scored, output)
UNION ALL
SELECT 'output_fuzzy' AS verifier, * FROM binned(scored, output_fuzzy)
UNION ALL
SELECT 'reward' AS verifier, * FROM binned(rewarded, reward);
