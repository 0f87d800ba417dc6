"""Reading from a hub over HTTP, with the real client: what is read, what is refused, what breaks and goes on."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub_files import TEXTVQA, png, textvqa_rows, write
from hub_server import COMMIT, Hub

from tests.tiny import qwen2_vl

NOWHERE = "http://127.0.0.1:9"
CONFIGS = "---\nconfigs:\n- config_name: a\n  data_files: a/*\n- config_name: b\n  data_files: b/*\n---\n"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    root = tmp_path_factory.mktemp("hub")
    for place in ("signs/data", "gated/data", "two/a", "two/b"):
        write(root / f"datasets/owner/{place}/train-00000-of-00001.parquet", textvqa_rows(30), TEXTVQA)
    (root / "datasets/owner/two/README.md").write_text(CONFIGS)
    (root / "datasets/owner/empty").mkdir()
    (root / "datasets/owner/empty/README.md").write_text("nothing")
    qwen2_vl(root / "owner/tiny")
    (root / "owner/locked").mkdir()
    (root / "owner/locked/config.json").write_text('{"model_type": "qwen2_vl"}')
    (root / "owner/drawing").mkdir()
    (root / "owner/drawing/config.json").write_text('{"model_type": "qwen2_vl"}')
    with Hub(root) as server:
        server.gated |= {"owner/gated", "owner/locked"}
        yield server


def read(url: str, home: Path, *words: str) -> list[dict[str, Any]]:
    """What a process that reads says, line by line."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env = {**usual, "HF_ENDPOINT": url, "HF_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    command = [sys.executable, str(Path(__file__).with_name("hub_reader.py")), *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_rows_come_as_they_are_stored_and_a_broken_connection_goes_on(hub: Hub, tmp_path: Path) -> None:
    hub.breaks["train-00000-of-00001.parquet"] = 1
    (found,) = read(hub.url, tmp_path, "data", "owner/signs")
    assert found["rows"] == 30
    assert found["images"] == hashlib.sha256(b"".join(png(n) for n in range(30))).hexdigest()
    assert found["source"] == {"hub": "owner/signs", "config": None, "split": "train", "revision": COMMIT}
    ranges = [asked for _, path, asked in hub.seen if path.endswith("parquet") and asked]
    assert hub.breaks["train-00000-of-00001.parquet"] == 0 and len(ranges) > 1


def test_a_model_whose_download_breaks_is_loaded_and_found_again_without_a_network(hub: Hub, tmp_path: Path) -> None:
    hub.breaks["model.safetensors"] = 1
    (online,) = read(hub.url, tmp_path, "model", "owner/tiny")
    assert online["digest"] == f"commit:{COMMIT}" and online["weights"] > 100_000
    assert hub.breaks["model.safetensors"] == 0
    offline, other = read(NOWHERE, tmp_path, "model", "owner/tiny", "model", "owner/other")
    assert offline == online
    assert "cannot find the model owner/other: no such folder here, it is not in the local cache" in other["error"]


def test_what_cannot_be_read_is_one_line_that_says_what_to_do(hub: Hub, tmp_path: Path) -> None:
    expected = {
        "data owner/gated": "owner/gated: the set is gated: accept its terms on the hub, then `hf auth login`",
        "data owner/nothing": "owner/nothing: no such dataset on the hub, or it is private or gated: check its name",
        "data owner/two": "owner/two: choose from: a, b (see --subset)",
        "data owner/two:c": "owner/two (config c): choose from: a, b (see --subset)",
        "data owner/two:a:val": "has no split 'val'; choose from: train (see --train-split",
        "data owner/empty": "owner/empty: the repository has no files with rows",
        "model owner/locked": "the model owner/locked is gated: accept its licence at",
        "model owner/drawing": "owner/drawing on the hub has no weights (.safetensors, .bin): name a repository",
        "model owner/nothing": "no model owner/nothing: neither a folder here nor a model on the hub",
    }
    found = read(hub.url, tmp_path, *(word for words in expected for word in words.split()))
    found += read(NOWHERE, tmp_path, "data", "owner/signs")
    for (words, line), said in zip(
        [*expected.items(), ("data owner/signs", "check the network, or pass --data-dir")], found, strict=True
    ):
        assert line in said.get("error", ""), (words, said)
        assert "\n" not in said["error"]
