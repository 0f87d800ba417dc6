-- purpose: train, dev and test never share an image; must return no rows
-- tables: prompts, eval_prompts
-- columns: image_id VARCHAR, splits VARCHAR
WITH used AS (
  SELECT unnest(image_ids) AS image_id, split FROM prompts
  UNION ALL
  SELECT unnest(image_ids) AS image_id, split FROM eval_prompts
)

SELECT
  image_id::VARCHAR AS image_id,
  string_agg(DISTINCT split, ', ' ORDER BY split)::VARCHAR AS splits
FROM used
GROUP BY image_id
HAVING count(DISTINCT split) > 1
ORDER BY image_id
