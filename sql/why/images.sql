-- purpose: the images of a prompt, and what detector and reader saw in them
-- parameters: $image_ids VARCHAR[]
-- tables: images, evidence
-- grain: one row per image
-- columns: image_id VARCHAR, width INTEGER, height INTEGER, format VARCHAR, seen BOOLEAN (there is evidence),
--   detector VARCHAR, objects, ocr VARCHAR, texts, error VARCHAR
SELECT
  i.image_id::VARCHAR AS image_id,
  i.width::INTEGER AS width,
  i.height::INTEGER AS height,
  i.format::VARCHAR AS format,
  (e.image_id IS NOT NULL)::BOOLEAN AS seen,
  e.detector::VARCHAR AS detector,
  e.objects AS objects,
  e.ocr::VARCHAR AS ocr,
  e.texts AS texts,
  coalesce(i.error, e.error)::VARCHAR AS error
FROM images AS i
LEFT JOIN evidence AS e USING (image_id)
WHERE list_contains($image_ids, i.image_id)
ORDER BY list_position($image_ids, i.image_id), e.cycle
