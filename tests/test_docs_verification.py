"""docs/verification.md says what is so: its code runs in order, its flags and files exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from halo_forge import sql
from halo_forge.cli import flags
from halo_forge.presets import PRESETS
from halo_forge.vlm import validate
from halo_forge.vlm.config import VLMRAFTConfig

PAGE = (Path(__file__).parents[1] / "docs/verification.md").read_text(encoding="utf-8")


def test_the_code_on_the_page_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "docs/verification.md", "exec"), names)
    assert len(blocks) == 7
    assert names["on_topic"]({"claims": [{"verdict": "supported"}]}) == 1.0


def test_the_flags_and_files_on_the_page_exist() -> None:
    words = ["--dataset", "rows.jsonl", "--verifier", "my_rules.py:on_topic", "--weight", "0.2", "--preset", "vqa"]
    assert flags.parse(VLMRAFTConfig, words).weights == PRESETS["vqa"]
    assert flags.parse(validate.Config, ["--dataset", "textvqa", "--limit", "500"]).limit == 500
    assert "auc" in sql.text("reward/agreement")
    for name, weights in PRESETS.items():
        assert name == "default" or f"({', '.join(map(str, weights))})" in PAGE
