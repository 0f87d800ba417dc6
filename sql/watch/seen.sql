-- purpose: whether the detector has found anything in any image until a cycle
-- parameters: $cycle INTEGER (the cycle that is told)
-- tables: evidence
-- grain: one row per detector
-- columns: detector VARCHAR, images BIGINT (looked at without an error), with_objects BIGINT
SELECT
  coalesce(detector, '')::VARCHAR AS detector,
  count(*)::BIGINT AS images,
  count(*) FILTER (len(objects) > 0)::BIGINT AS with_objects
FROM evidence
WHERE cycle <= $cycle AND error IS NULL
GROUP BY ALL
ORDER BY detector
