"""Rows of a hub dataset through `datasets`: gated sets, `HF_HOME`, `HF_TOKEN` and offline mode behave as they
do there.

Parquet repositories are read row group by row group (columns and rows as needed, bytes untouched); anything
else is streamed by `datasets` with images left encoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge.datasets.card import Place
from halo_forge.datasets.readers import Only, Raw
from halo_forge.errors import UserError, nearest


@dataclass(frozen=True)
class HubFiles:
    """The files of one split, and the commit they were resolved at (None: a local repository)."""

    place: Place
    revision: str | None
    urls: tuple[str, ...]

    @property
    def parquet(self) -> bool:
        return bool(self.urls) and all(url.endswith(".parquet") for url in self.urls)


def resolve(place: Place, revision: str | None = None) -> HubFiles:
    """Asks the hub for the files of a split. Raises UserError in one line for every way this fails."""
    import datasets

    where = place.hub + (f" (config {place.config})" if place.config else "")
    commit = commit_of(place.hub, revision)
    try:
        builder = datasets.load_dataset_builder(place.hub, place.config, revision=commit)
    except ValueError as error:  # no or unknown config
        raise UserError(f"{where}: {_line(error)}") from None
    except (OSError, RuntimeError) as error:
        raise UserError(f"{where}: {_advice(error)}") from None
    files = builder.config.data_files or {}
    if place.split not in files:
        known = nearest(place.split, map(str, files))
        raise UserError(f"{where} has no split {place.split!r}; {known} (see --train-split and --eval-split)")
    return HubFiles(place, commit, tuple(str(url) for url in files[place.split]))


def commit_of(repository: str, revision: str | None) -> str | None:
    """The commit a repository is at; None for a local folder. Asked once and without retries, so that a
    missing network is told at once; a revision that is a commit already is not asked about."""
    if Path(repository).is_dir():
        return None
    if revision and len(revision) == 40:
        return revision
    import huggingface_hub

    try:
        found: str | None = huggingface_hub.HfApi().dataset_info(repository, revision=revision, timeout=20).sha
        return found
    except Exception as error:  # HTTP libraries differ in what they raise; each becomes the same line
        raise UserError(f"{repository}: {_advice(error)}") from None


def streamed(files: HubFiles, only: Only = None) -> Iterator[Raw]:
    """The raw rows of a split that is not Parquet, in order; see `readers` for the shape."""
    try:
        yield from _streamed(files, only)
    except OSError as error:
        raise UserError(f"{files.place.hub}: {_advice(error)}") from None


def _streamed(files: HubFiles, only: Only) -> Iterator[Raw]:
    import datasets

    place = files.place
    found = datasets.load_dataset(place.hub, place.config, split=place.split, streaming=True, revision=files.revision)
    for name, feature in (found.features or {}).items():
        found = found.cast_column(name, encoded(feature))
    last = max(only, default=-1) if only is not None else None
    for index, row in enumerate(found):
        if last is not None and index > last:
            return
        if only is None or index in only:
            yield index, f"{place.hub}/{place.split}:{index + 1}", row, None


def encoded(feature: Any) -> Any:
    """The feature with every image in it left as encoded bytes; decoding and encoding again would change
    pixels."""
    import datasets

    if isinstance(feature, datasets.Image):
        return datasets.Image(decode=False)
    if isinstance(feature, datasets.List):
        return datasets.List(encoded(feature.feature), length=feature.length)
    return feature


def _advice(error: Exception) -> str:
    text, kind = _line(error), type(error).__name__
    if "gated" in text.lower() or "Gated" in kind:
        return "the set is gated: accept its terms on the hub, then `hf auth login` or set HF_TOKEN"
    if kind in ("DatasetNotFoundError", "RepositoryNotFoundError"):
        return f"no such dataset on the hub, or it is private or gated ({text}); check it, or `hf auth login`"
    return f"the hub cannot be reached ({kind}: {text}); check the network, or pass --data-dir with a local copy"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
