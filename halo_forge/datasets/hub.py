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
        raise UserError(f"{where}: {_of_configs(place, commit) or _line(error)}") from None
    except (OSError, RuntimeError) as error:
        raise UserError(f"{where}: {_advice(error)}") from None
    files = builder.config.data_files or {}
    if place.split not in files:
        known = nearest(place.split, map(str, files))
        raise UserError(f"{where} has no split {place.split!r}; {known} (see --train-split and --eval-split)")
    return HubFiles(place, commit, tuple(str(url) for url in files[place.split]))


def _of_configs(place: Place, commit: str | None) -> str:
    """What is wrong with the config of a place, '' where it is something else."""
    import datasets

    try:
        known = datasets.get_dataset_config_names(place.hub, revision=commit)
    except (OSError, RuntimeError, ValueError):
        return ""
    if place.config in known:
        return ""
    return f"{nearest(place.config, known) if place.config else 'choose from: ' + ', '.join(known)} (see --subset)"


def commit_of(repository: str, revision: str | None) -> str | None:
    """The commit a repository is at; None for a local folder. Asked once and without retries, so that a
    missing network is told at once; a revision that is a commit already is not asked about."""
    if Path(repository).is_dir():
        return None
    if revision and len(revision) == 40:
        return revision
    import huggingface_hub

    api = huggingface_hub.HfApi()
    try:
        found = api.dataset_info(repository, revision=revision, timeout=20)
        if found.gated:  # anybody may read about it, its files come later
            api.auth_check(repository, repo_type="dataset")
        commit: str | None = found.sha
        return commit
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
    """What to do, by the kind of the error; its text may name several causes at once."""
    text, kind = _line(error), type(error).__name__
    if kind == "GatedRepoError":
        return "the set is gated: accept its terms on the hub, then `hf auth login` or set HF_TOKEN"
    if kind == "EmptyDatasetError":
        return "the repository has no files with rows (.parquet, .jsonl, .csv, …)"
    if "scripts are no longer supported" in text:
        return "the set is made by a script of its own, which is not run: get its rows as Parquet and pass --data-dir"
    if kind == "RevisionNotFoundError":
        return "the hub has no such revision of it"
    if kind in ("DatasetNotFoundError", "RepositoryNotFoundError"):
        return "no such dataset on the hub, or it is private or gated: check its name, or `hf auth login`"
    return f"the hub cannot be reached ({kind}: {text}); check the network, or pass --data-dir with a local copy"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
