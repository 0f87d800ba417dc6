"""The eyes: object detectors and text readers behind two small interfaces.

- `detectors.load_detector(name)` gives `.detect(images) -> list[list[Box]]`, `ocr.load_ocr(name)` gives
  `.read(images) -> list[list[Line]]`; both give what they are (`name`, `digest`) for the keys of a run.
- `resolve_detector` and `resolve_ocr` answer the same identity without importing torch.
- A missing package or weights file is a `UserError` with the command that fixes it, never a silent nothing.
"""
