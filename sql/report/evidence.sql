-- purpose: what detector and reader saw in chosen images
-- parameters: $image_ids VARCHAR[], $most INTEGER = 60 (boxes of an image, the surest first)
-- tables: evidence
-- grain: one row per image
-- columns: image_id VARCHAR, width INTEGER, height INTEGER, detector VARCHAR, ocr VARCHAR, found BIGINT (boxes),
--   objects and texts (the surest first: confidence, and the box as in evidence), error VARCHAR
SELECT
  image_id::VARCHAR AS image_id,
  width::INTEGER AS width,
  height::INTEGER AS height,
  detector::VARCHAR AS detector,
  ocr::VARCHAR AS ocr,
  (len(objects) + len(texts))::BIGINT AS found,
  list_reverse_sort(list_transform(objects, lambda x: {'confidence': x.confidence, 'box': x}))[:$most] AS objects,
  list_reverse_sort(list_transform(texts, lambda x: {'confidence': x.confidence, 'box': x}))[:$most] AS texts,
  error::VARCHAR AS error
FROM evidence
WHERE image_id IN (SELECT unnest($image_ids))
QUALIFY row_number() OVER (PARTITION BY image_id ORDER BY cycle DESC) = 1
ORDER BY image_id
