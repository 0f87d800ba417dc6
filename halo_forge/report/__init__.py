"""`vlm report`: a run as one self-contained HTML file.

- `tables` asks the queries of `sql/` about the run; a table that is not there is a line of the page, never an error.
- `sections` and `plots` turn their rows into charts (Vega-Lite, drawn as SVG by `drawing`), each with its numbers as a
  table, and the `answer` that the page opens with.
- `gallery` picks the prompts worth looking at, with `pictures` as thumbnails and texts made harmless by `clean`.
- `page` writes the file. Nothing in it is fetched, and nothing from data or model is markup or code.
"""
