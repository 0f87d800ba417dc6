"""The model card of a cycle's model: what a run's tables say of it, in the hub's form (YAML header, then Markdown).

Every number is read from the run. What came from a dataset, a model or a folder is escaped, and paths of this machine
are called by their last name.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from halo_forge import sql
from halo_forge.datasets.cards import load_card
from halo_forge.errors import UserError
from halo_forge.files import read_json
from halo_forge.models.folder import record_of
from halo_forge.models.known import MODELS
from halo_forge.models.resolve import BUNDLED
from halo_forge.vlm import summary
from halo_forge.vlm.config import VLMRAFTConfig
from halo_forge.vlm.run_dir import RunDir
from halo_forge.vlm.watch import kept_in

TEMPLATE = Path(__file__).with_name("model_card.md")
SETTINGS = (
    "num_cycles", "samples_per_prompt", "samples_max", "prompts_per_cycle", "style", "temperature", "filter",
    "objective", "mode", "start", "learning_rate", "lr_decay_per_cycle", "rank", "alpha", "epochs", "max_steps",
    "batch_size", "detector", "ocr", "semantic", "combine", "seed",
)  # fmt: skip
"""What of a run's settings a reader asks for."""
WEIGHTS = ("preset", "perception_weight", "reasoning_weight", "output_weight")
MARKS = re.compile(r"([\\`*_{}\[\]()#!|<>~$&])")
LONGEST = 300
Facts = dict[str, Any]


def facts(place: RunDir, cycle: int, model: Path, repo: str) -> Facts:
    """What the card of `model`, that of `cycle`, says. Raises UserError where the run has no run.json."""
    about, record = read_json(place.about), record_of(model) or {}
    if about is None:
        raise UserError(f"{place.root} has no {place.about.name}: give the folder of a run that vlm train made")
    config: dict[str, Any] = about["config"]
    last = place.cycles("eval/benchmark")[-1]
    found = summary.outcome(place, cycle, last)
    base, dataset = str(record.get("base", config["model_name"])), _dataset(str(config["dataset"]))
    tables = {name: table for name in ("sft", "rewards") if (table := place.tables(name, name)) is not None}
    yielded = sql.query(sql.text("kept/yield"), tables).to_pylist() if len(tables) == 2 else []
    given: dict[str, Any] = {name: config.get(name) for name in WEIGHTS}
    weights = VLMRAFTConfig(dataset="x", **given).weights
    adapter = (model / "adapter_config.json").exists()
    return {
        "repo": repo,
        "name": repo.rpartition("/")[2],
        "adapter": adapter,
        "merged": "merged_digest" in record,
        "base": public(base),
        "base_on_hub": on_hub(base),
        "base_revision": record.get("base_revision"),
        "base_licence": next((one.licence for one in MODELS if one.name == base), None),
        "max_pixels": int(config.get("max_pixels") or dataset.get("max_pixels") or 0),
        "dataset": dataset,
        "cycle": cycle,
        "last": last,
        "best": found.best == cycle,
        "gain": found.gain,
        "accuracy": [row for row in found.accuracy if row["decoding"] == "greedy"],
        "controls": found.controls,
        "rewards": found.rewards,
        "trained_on": {row["cycle"]: row["trained_on"] for row in yielded},
        "weights": dict(zip(("perception", "reasoning", "output"), weights, strict=True)),
        "settings": {name: public(config[name]) for name in SETTINGS if config.get(name) not in (None, "", 0)},
        "verifiers": [public(one) for one in config.get("verifier") or ()],
        "agpl": str(config.get("detector", "")).endswith(".pt"),
        "warnings": [one for one in (read_json(kept_in(place)) or {}).get("warnings", []) if one["cycle"] <= cycle],
        "versions": about.get("versions", {}),
    }


def text(card: Facts) -> str:
    """The whole card: its header, and the template filled."""
    from huggingface_hub import EvalResult, ModelCardData
    from jinja2 import Environment, StrictUndefined

    results = [
        EvalResult(
            task_type="visual-question-answering",
            dataset_type=card["dataset"]["hub_id"] or card["dataset"]["name"],
            dataset_name=f"{card['dataset']['name']}, held-out test half",
            dataset_split="test",
            metric_type=card["dataset"]["metric"],
            metric_name=f"{card['dataset']['metric']}, {row['decoding']}, {row['style']} prompt",
            metric_value=round(100 * row["after"], 2),
        )
        for row in card["gain"]
    ]
    header = ModelCardData(
        base_model=card["base"] if card["base_on_hub"] else None,
        base_model_relation=("adapter" if card["adapter"] else "finetune") if card["base_on_hub"] else None,
        library_name="peft" if card["adapter"] else "transformers",
        pipeline_tag="image-text-to-text",
        license=_licence(card["base_licence"]),
        datasets=[card["dataset"]["hub_id"]] if card["dataset"]["hub_id"] else None,
        tags=["halo-forge", "raft", "verifiable-rewards", *(["lora"] if card["adapter"] else [])],
        model_name=card["name"],
        eval_results=results or None,
    )
    shown = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    shown.filters |= {"plain": plain, "points": _points, "signed": _signed, "quoted": json.dumps}
    body = shown.from_string(TEMPLATE.read_text(encoding="utf-8")).render(card)
    return f"---\n{header.to_yaml()}\n---\n\n{body}"


def public(value: Any) -> Any:
    """A setting as others may see it: of a path its last name; hub ids and bundled names stay."""
    if isinstance(value, (list, tuple)):
        return [public(one) for one in value]
    if not isinstance(value, str) or value.startswith(BUNDLED):
        return value
    head, colon, tail = value.partition(":")
    if on_hub(head) or (head == "transformers" and on_hub(tail)):
        return value
    return Path(head).name + colon + tail


def on_hub(name: str) -> bool:
    """Whether a word is a hub id and no folder."""
    return bool(re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name)) and not Path(name).exists()


def plain(value: Any) -> str:
    """Any text as one line of Markdown that says just that: no mark-up, no HTML, no cell's end."""
    line = "".join(char if char.isprintable() else " " for char in " ".join(str(value).split()))
    return MARKS.sub(r"\\\1", line[:LONGEST])


def _dataset(name: str) -> dict[str, Any]:
    try:
        card = load_card(name, must_exist=False)
    except UserError:
        return {"name": public(name), "hub_id": None, "licence": None, "metric": "score", "max_pixels": 0}
    places = [split.places[0].hub for split in card.splits.values() if split.places]
    return {
        "name": public(card.name),
        "hub_id": places[0] if places else None,
        "licence": card.licence,
        "metric": card.metric,
        "max_pixels": card.max_pixels,
    }


def _licence(name: str | None) -> str | None:
    """The hub's word for a licence that it has a word for."""
    return name.lower() if name and re.fullmatch(r"(?i)(apache-2\.0|mit|llama\d.*)", name) else None


def _points(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def _signed(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:+.1f}"
