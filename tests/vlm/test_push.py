"""A model pushed to a hub over HTTP with the real client, and what its card says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hub_writer import WritableHub

from halo_forge import sql
from halo_forge.cli import main
from halo_forge.errors import UserError
from halo_forge.models.resolve import resolve
from halo_forge.store import Table
from halo_forge.vlm import model_card, push
from halo_forge.vlm.run_dir import STALE, RunDir

DOWNLOAD = "import sys, huggingface_hub as h; print(h.snapshot_download(sys.argv[1], local_dir=sys.argv[2]))"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[WritableHub]:
    (tmp_path / "hub").mkdir()
    with WritableHub(tmp_path / "hub", {"hf_me": "write", "hf_reader": "read"}) as server:
        yield server


def said(hub: WritableHub, *words: str, token: str = "hf_me", **more: str) -> tuple[int, str]:
    """Exit code and all output of a Python process that knows this hub only."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env = {**usual, "HF_ENDPOINT": hub.url, "HF_HOME": str(hub.folder.parent / "home"), "HF_HUB_DISABLE_XET": "1"}
    env |= {"HF_TOKEN": token} if token else {}
    done = subprocess.run([sys.executable, *words], env=env | more, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def pushed(hub: WritableHub, *words: str, token: str = "hf_me", **more: str) -> tuple[int, str]:
    return said(hub, "-m", "halo_forge.cli", "vlm", "push", *words, token=token, **more)


def test_what_was_pushed_comes_back_and_answers_as_before(finished: Path, hub: WritableHub, tmp_path: Path) -> None:
    code, text = pushed(hub, str(finished), "--cycle", "2", "--to", "lab/shapes-raft", "--private")
    assert code == 0 and text.startswith(f"{hub.url}/lab/shapes-raft\n")
    assert hub.asked[0]["organization"] == "lab" and hub.asked[0]["visibility"] == "private"
    assert [(name, title) for name, title, _ in hub.commits] == [("lab/shapes-raft", "Cycle 2 of vlm_raft")]
    code, text = said(hub, "-c", DOWNLOAD, "lab/shapes-raft", str(tmp_path / "back"))
    assert code == 0, text
    own, back = finished / "cycle_2", tmp_path / "back"
    same = ("adapter_model.safetensors", "tokenizer.json", "processor_config.json")
    assert all((own / name).read_bytes() == (back / name).read_bytes() for name in same)
    found = resolve(str(back))
    assert (found.base, found.adapter) == (resolve(str(own)).base, str(back))
    for file in back.glob("*.json"):
        assert str(finished) not in file.read_text()
    assert json.loads((back / "adapter_config.json").read_text())["base_model_name_or_path"] == "bundled:shapes/base"


def test_the_card_says_what_the_tables_say(copy: Path, tmp_path: Path) -> None:
    (copy / "warnings.json").write_text(
        json.dumps({"warnings": [{"cycle": 1, "warning": "x", "line": "<b>|`bad`|\nline [a](b)"}]})
    )
    assert main(["vlm", "push", str(copy), "--cycle", "2", "--to", "me/x", "--output", str(tmp_path / "card")]) == 0
    card = (tmp_path / "card" / "README.md").read_text()
    header = yaml.safe_load(card.split("---")[1])
    scored = Table(f"{copy}/eval/benchmark/cycle=*/part-*.parquet", "benchmark")
    gain = sql.query(sql.text("benchmark/gain"), {"benchmark": scored}, cycle=2, baseline=0, split="test").to_pylist()
    assert gain
    told = {one["name"]: one["value"] for one in header["model-index"][0]["results"][0]["metrics"]}
    for row in gain:
        assert told[f"match, {row['decoding']}, {row['style']} prompt"] == pytest.approx(100 * row["after"], abs=0.01)
        assert (
            f"| {row['n']} | {100 * row['before']:.1f} | {100 * row['after']:.1f} | {100 * row['gain']:+.1f} |" in card
        )
    assert "base_model" not in header and header["library_name"] == "peft"
    rows = sql.query("SELECT count(*) AS n FROM sft WHERE keep", {"sft": Table(f"{copy}/sft/cycle=2", "sft")})
    assert f" | {rows['n'][0]} |" in next(line for line in card.splitlines() if line.startswith("| 2 | 96 |"))
    assert r"- cycle 1: \<b\>\|\`bad\`\| line \[a\]\(b\)" in card
    assert str(copy.parent) not in card
    weights = tmp_path / "card" / "adapter_model.safetensors"
    weights.write_bytes(b"")  # a copy: the run keeps its own
    assert (copy / "cycle_2" / "adapter_model.safetensors").stat().st_size


@pytest.mark.parametrize(
    ("repo", "token", "line"),
    [
        ("me/x", "", "no token to push to me/x with: set HF_TOKEN or run hf auth login"),
        ("me/x", "hf_old", "the hub does not know the token for me/x: set HF_TOKEN"),
        ("me/x", "hf_reader", "the token of me may only read: make one with write access for me/x"),
        ("you/x", "hf_me", "the token is of lab, me, not of you: give --to lab/"),
        ("x", "hf_me", "x names no owner: give OWNER/x"),
        ("me/a b", "hf_me", "me/a b is no name for a repository"),
    ],
)
def test_what_is_refused_is_one_line(finished: Path, hub: WritableHub, repo: str, token: str, line: str) -> None:
    code, text = pushed(hub, str(finished), "--to", repo, token=token)
    assert code == 2 and line in text and text.count("\n") == 1
    assert not hub.commits


def test_without_a_way_to_the_hub_it_is_one_line(finished: Path, hub: WritableHub) -> None:
    code, text = pushed(hub, str(finished), "--to", "me/x", HF_ENDPOINT="http://127.0.0.1:9")
    assert code == 2 and "cannot reach the hub to push to me/x" in text and text.count("\n") == 1
    code, text = pushed(hub, str(finished), "--to", "me/x", HF_HUB_OFFLINE="1")
    assert code == 2 and "HF_HUB_OFFLINE is set" in text


def test_train_pushes_when_it_is_done_and_stands_when_that_fails(copy: Path, hub: WritableHub) -> None:
    config = json.loads((copy / "run.json").read_text())["config"]
    words = ["--dataset", "shapes", "--output", str(copy), "--cycles", str(config["num_cycles"])]
    words += ["--limit", "24", "--eval-limit", "24", "--max-steps", "4", "--threads", "1", "--push-to-hub", "me/x"]
    code, text = said(hub, "-m", "halo_forge.cli", "vlm", "train", *words, token="hf_reader")
    assert code == 2 and "may only read" in text and not hub.commits
    hub.closed = True
    code, text = said(hub, "-m", "halo_forge.cli", "vlm", "train", *words)
    assert code == 2 and f"the run is done, and halo-forge vlm push {copy} --to me/x pushes it" in text
    hub.closed = False
    code, text = said(hub, "-m", "halo_forge.cli", "vlm", "train", *words)
    assert code == 0, text
    assert f"pushed: {hub.url}/me/x" in text
    name, title, files = hub.commits[0]
    assert (name, title.split(" of ")[0]) == ("me/x", f"Cycle {(copy / 'best').resolve().name[6:]}")
    assert {"README.md", "adapter_config.json", "adapter_model.safetensors"} <= set(files)


def test_a_model_that_is_not_there_or_stale_is_refused(copy: Path) -> None:
    place = RunDir(copy)
    with pytest.raises(UserError, match="vlm train has not made it"):
        push.model_of(place, 9)
    with pytest.raises(UserError, match=r"halo-forge vlm merge .*cycle_1 writes it"):
        push.model_of(place, 1, whole=True)
    (copy / "cycle_1" / STALE).write_text('{"reason": "rows went"}')
    with pytest.raises(UserError, match=r"cycle_1 is stale: rows went; run vlm train again"):
        push.model_of(place, 1)
    (copy / "best").unlink()
    with pytest.raises(UserError, match="no best model yet"):
        push.model_of(place, 0)


def test_paths_of_this_machine_stay_here(tmp_path: Path) -> None:
    shown = {
        str(tmp_path / "rows.jsonl"): "rows.jsonl",
        "/home/me/rules.py:on_topic": "rules.py:on_topic",
        "transformers:ustc-community/dfine-small-coco": "transformers:ustc-community/dfine-small-coco",
        "Qwen/Qwen2-VL-7B-Instruct": "Qwen/Qwen2-VL-7B-Instruct",
        "bundled:shapes/base": "bundled:shapes/base",
        "rapidocr:192": "rapidocr:192",
    }
    assert {given: model_card.public(given) for given in shown} == shown
    assert model_card.public(0.5) == 0.5
