"""What a prompts table is known by: the card's say and the content of its sources, for the key of the
stage."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from halo_forge.datasets import hub
from halo_forge.datasets.build import Request, at_hand, check, roles, styles
from halo_forge.datasets.card import Card, Split
from halo_forge.datasets.readers import column_of_paths
from halo_forge.datasets.row_images import URL, RowError, locate
from halo_forge.datasets.rows import pick
from halo_forge.datasets.sources import Source, open_source
from halo_forge.errors import UserError
from halo_forge.keys import DigestCache, sha256_json

LARGE = 64 * 2**20
BLOCK = 64 * 2**10
RESULT = ("name", "columns", "labels", "keep", "choices_in_question", "instructions", "metric", "generator")
"""Fields of a card that change the table; the prompts of the styles asked for come on top."""


def identity(request: Request, cache: DigestCache | None = None) -> dict[str, Any]:
    """`{"dataset": name, "card": what it says, "rows": {role: source}}`: files by their digests (images they point
    to included, and how many of those are missing), hub rows by repository and commit, generated rows by the
    generator's version. Raises UserError."""
    card = check(request)
    eval_name, train = roles(card, request.split)
    names = [*(["train"] if train else []), *([eval_name] if eval_name else [])]
    if "eval" in names and "eval" not in card.splits:
        names = ["train"]  # held out from the same rows
    cache = cache or DigestCache()
    found = {name: _rows(request, card, card.split(name), cache) for name in names}
    if names == ["train"] and "eval" in card.splits and at_hand(request, card):
        with contextlib.suppress(UserError):  # its images are kept out of train; a mirror may do without it
            found["eval"] = _rows(request, card, card.split("eval"), cache)
    cache.save()
    return {"dataset": card.name, "card": said(card, request.style), "rows": found}


def said(card: Card, style: str) -> dict[str, Any]:
    """What the card says about the table, so that a changed column is told by its name; prompts as digests."""
    found: dict[str, Any] = {name: value for name in RESULT if (value := _plain(getattr(card, name)))}
    found["prompts"] = {name: sha256_json(card.prompt(name)) for name in styles(card, style)}
    return found


def revisions(found: dict[str, Any]) -> dict[str, str]:
    """The hub commits in an `identity`: what to pass as `Request.revisions` to read the same rows again."""
    return {row["hub"]: row["revision"] for row in found["rows"].values() if row.get("hub") and row.get("revision")}


def _rows(request: Request, card: Card, split: Split, cache: DigestCache) -> dict[str, Any]:
    if card.generator:
        module = importlib.import_module(f"halo_forge.cards.{card.generator}.scenes")
        return {"generator": card.generator, "split": split.split, "version": getattr(module, "VERSION", 1)}
    if split.places and not request.data_dir and not split.files:
        place = split.places[0]
        try:
            commit = hub.commit_of(place.hub, request.revisions.get(place.hub))
        except UserError as error:
            if card.plain:  # a folder's name looks like a hub id
                raise UserError(f"{error}; and there is no folder {place.hub} here") from None
            raise
        if commit is None:  # a local folder that `datasets` reads
            return {"files": [file_digest(Path(name), cache) for name in hub.resolve(place).urls]}
        return {"hub": place.hub, "config": place.config, "split": place.split, "revision": commit}
    source = open_source(card, split.name, request.data_dir)
    digests = [file_digest(Path(name), cache) for name in source.files]
    found = pictures(source, cache)
    images = {"images": sha256_json(found.digests)} if found.digests else {}
    return {"files": digests} | images | ({"missing": found.missing} if found.missing else {})


@dataclass
class Pictures:
    """The image files that rows point to: digests of those that are there, and how many are not."""

    digests: list[str] = field(default_factory=list)
    missing: int = 0


def pictures(source: Source, cache: DigestCache) -> Pictures:
    """The images beside the rows of a source, each once. Images inside the rows belong to the file's digest."""
    found = Pictures()
    if source.root is None:
        return found
    seen: set[str] = set()
    for name in _names(source):
        if name in seen:
            continue
        seen.add(name)
        if URL.match(name):
            continue
        try:
            found.digests.append(cache.digest(Path(locate(name, source.root))))
        except RowError as error:
            found.missing += str(error).startswith("missing")
        except OSError:  # told when the row is read
            continue
    return found


def _names(source: Source) -> Iterator[str]:
    """Values of the image column that are paths or URLs. Of Parquet only that column is read, and only where it
    holds text."""
    columns = source.card.columns["image"]
    if source.files[0].endswith(".parquet"):
        yield from column_of_paths(source.files, columns)
        return
    for _, _, row, _ in source.raw(None):
        value = pick(row or {}, columns)
        for name in value if isinstance(value, list | tuple) else [value]:
            if isinstance(name, str):
                yield name


def file_digest(path: Path, cache: DigestCache) -> str:
    """sha256 of a file. Of one above 64 MiB: of its size, its last MiB (the footer of a Parquet file) and 64
    blocks spread over it, so that a few rows of a large mirror do not cost reading all of it."""
    size = path.stat().st_size
    if size <= LARGE:
        return cache.digest(path)
    found = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for block in range(64):
            file.seek(size * block // 64)
            found.update(file.read(BLOCK))
        file.seek(size - 2**20)
        found.update(file.read())
    return found.hexdigest()


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "items"):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
