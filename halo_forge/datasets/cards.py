"""The dataset cards there are: bundled ones by name, YAML files, one's own rows, hub ids.

The bundled ones are in `halo_forge.cards` (`data/*.yaml`); `--dataset my.yaml` adds a set without Python.
Files without a card (`.jsonl`, `.parquet`, a folder) and plain hub ids get the columns, prompts and metric of
`_files.yaml`. Nothing here imports more than YAML, so that listing the sets answers at once.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from halo_forge.datasets.card import METRICS, STYLES, Card, Place, Published, Split
from halo_forge.datasets.card_file import parse_card
from halo_forge.datasets.overrides import Overrides
from halo_forge.errors import UserError, nearest

__all__ = [
    "METRICS",
    "STYLES",
    "Card",
    "Place",
    "Published",
    "Split",
    "card_of",
    "list_cards",
    "load_card",
    "parse_card",
]

ORDER = ("shapes", "textvqa", "docvqa", "chartqa", "realworldqa", "mathvista")
FILES = "_files"
"""What a file without a card is read by; not listed."""
FILE_ENDINGS = (".jsonl", ".parquet")


def list_cards() -> list[Card]:
    """The bundled cards, in the order of the documentation."""
    names = sorted(_bundled(), key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    return [_bundled_card(name) for name in names]


def card_of(config: Any, must_exist: bool = True) -> Card:
    """The card of `config.dataset`, with what the config's own fields say in its place (see `Overrides`).
    `must_exist` False: a file that is gone is told only when it is read."""
    return load_card(config.dataset, Overrides.of(config), must_exist)


def load_card(name: str, said: Overrides | None = None, must_exist: bool = True) -> Card:
    """A bundled card, a card file (.yaml), one's own rows (.jsonl, .parquet, folder), or a hub id
    `owner/name`; what is `said` goes before it.

    A hub id may name a config and a split: `owner/name:config:split` (both optional; the split is `train`).
    Raises UserError for anything else, with the nearest bundled name.
    """
    return (said or Overrides()).on(_card(name, must_exist))


def _card(name: str, must_exist: bool) -> Card:
    if name in _bundled() or name == FILES:
        return _bundled_card(name)
    path = Path(name).expanduser()
    if path.suffix.lower() in (".yaml", ".yml"):
        if not path.is_file():
            raise UserError(f"--dataset {name}: no such card file")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"--dataset {name}: cannot be read: {error}") from None
        return parse_card(text, str(path))
    if path.suffix.lower() in FILE_ENDINGS or path.exists():
        return file_card(path, must_exist)
    owner, slash, rest = name.partition("/")
    if slash and owner and rest and "/" not in rest and not name.startswith((".", "~")):
        return hub_card(name)
    raise UserError(
        f"--dataset {name}: no such dataset; {nearest(name, _bundled())}"
        " (or give a .yaml card, a .jsonl or .parquet file, a folder, a hub id owner/name)"
    )


def file_card(path: Path, must_exist: bool = True) -> Card:
    """The card of rows in a file or a folder: all of them are `train`, eval is held out by image."""
    if must_exist and not path.exists():
        raise UserError(f"--dataset {path}: no such file or folder")
    if path.is_file() and path.suffix.lower() not in FILE_ENDINGS:
        raise UserError(f"--dataset {path}: rows are read from .jsonl and .parquet files, or from a folder")
    rows = Split("train", "train", files=(str(path),))
    name = path.stem or path.name
    return replace(_bundled_card(FILES), name=name, splits={"train": rows}, path=str(path), plain=True)


def hub_card(name: str) -> Card:
    """The card of a hub id without one: `owner/name[:config[:split]]`."""
    hub, *rest = name.split(":")
    config = rest[0] if rest and rest[0] else None
    split = rest[1] if len(rest) > 1 and rest[1] else "train"
    rows = Split("train", split, places=(Place(hub, config, split),))
    return replace(_bundled_card(FILES), name=hub, splits={"train": rows}, plain=True)


@cache
def _bundled() -> frozenset[str]:
    from importlib.resources import files

    names = (entry.name for entry in files("halo_forge.cards").iterdir())
    return frozenset(name[:-5] for name in names if name.endswith(".yaml") and not name.startswith("_"))


@cache
def _bundled_card(name: str) -> Card:
    from importlib.resources import files

    entry = files("halo_forge.cards") / f"{name}.yaml"
    return parse_card(entry.read_text(encoding="utf-8"), str(entry))
