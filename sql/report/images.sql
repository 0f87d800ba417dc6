-- purpose: the bytes of chosen images
-- parameters: $image_ids VARCHAR[]
-- tables: images
-- grain: one row per image
-- columns: image_id VARCHAR, bytes BLOB, width INTEGER, height INTEGER, error VARCHAR
SELECT
  image_id::VARCHAR AS image_id,
  image.bytes::BLOB AS bytes,
  width::INTEGER AS width,
  height::INTEGER AS height,
  error::VARCHAR AS error
FROM images
WHERE image_id IN (SELECT unnest($image_ids))
ORDER BY image_id
