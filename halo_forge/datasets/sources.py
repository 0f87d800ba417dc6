"""Where the rows of a card's split come from: the hub, a local mirror of it, files, or a generator.

`open_source(card, split)` answers with a `Source`; `source.rows()` yields one `SourceRow` after another, in
order, with flat memory. Own rows: `.jsonl`, `.parquet`, or a folder with `metadata.jsonl` / `metadata.csv`
(or Parquet files, or files named after the split); their image paths are relative to the file and stay below its
folder. A local mirror (`--data-dir`) holds Parquet files as on the hub: `DIR/owner/name`, `DIR/name` or `DIR`
itself, then `data/`, the config, or the split.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from halo_forge.datasets import hub, readers
from halo_forge.datasets.card import Card, Place, Split
from halo_forge.datasets.overrides import COLUMNS
from halo_forge.datasets.readers import Only, ParquetRows, Raw
from halo_forge.datasets.row_images import Fetch
from halo_forge.datasets.rows import SourceRow, to_row
from halo_forge.errors import UserError, nearest

LOOK = 50  # rows that are looked at for their columns
METADATA = ("metadata.jsonl", "metadata.csv")
OTHER_NAMES = {"validation": "val", "val": "validation"}


@dataclass(frozen=True)
class Source:
    """The rows of one split. `total()`: how many there are (None: unknown before reading). `files`: the local
    files behind them."""

    card: Card
    split: Split
    where: str
    raw: Callable[[Only], Iterator[Raw]]
    total: Callable[[], int | None]
    root: Path | None = None
    files: tuple[str, ...] = ()

    def rows(self, only: Only = None, fetch: Fetch | None = None) -> Iterator[SourceRow]:
        """Every row, or those whose index is in `only`; rows that cannot be used carry their `error`. `fetch`: how
        image URLs are read (None: they are not)."""
        for index, origin, row, error in self.raw(only):
            if row is None:
                yield SourceRow(index, origin=origin, error=error)
            else:
                yield to_row(row, self.card, index, origin, self.root, fetch)


def open_source(
    card: Card, name: str, data_dir: str | None = None, revisions: Mapping[str, str] | None = None
) -> Source:
    """The rows of a role or split of a card. Raises UserError when they are not there."""
    split = card.split(name)
    if card.generator:
        return _generated(card, split)
    if split.files:
        return _own(card, split)
    if data_dir:
        files = mirror_files(Path(data_dir).expanduser(), split)
        return _parquet(card, split, files, root=Path(files[0]).parent, tops=_tops(card))
    if not split.places:
        raise UserError(f"the card {card.name} says neither hub nor file for its split {split.name}")
    found = hub.resolve(split.places[0], (revisions or {}).get(split.places[0].hub))
    where = f"{found.place.hub}, split {found.place.split}"
    if not found.parquet:
        raw = partial(hub.streamed, found)
        _checked(card, where, raw)
        return Source(card, split, where, raw, lambda: None)
    reader = ParquetRows(list(found.urls), _tops(card))
    _check_columns(card, reader.columns(), where)
    return Source(card, split, where, reader.rows, reader.total)


def mirror_files(folder: Path, split: Split) -> list[str]:
    """The Parquet files of a split in a local copy of the hub's repository, sorted. UserError when there are
    none."""
    if not folder.is_dir():
        raise UserError(f"--data-dir {folder}: no such folder")
    for root, place in ((folder / place.hub, place) for place in split.places):
        if files := _split_files(root, place):
            return files
    for place in split.places:
        for root in (folder / place.hub.split("/")[-1], folder):
            if files := _split_files(root, place):
                return files
    first = split.places[0] if split.places else Place(folder.name, None, split.split)
    raise UserError(
        f"--data-dir {folder}: no Parquet files of split {first.split}; looked for "
        f"{first.hub}/data/{first.split}-*.parquet and the like. Get them with: hf download {first.hub} "
        f"--repo-type dataset --local-dir {folder / first.hub}"
    )


def _split_files(root: Path, place: Place) -> list[str]:
    """Files named after the split in the places that hub repositories use."""
    if not root.is_dir():
        return []
    folders = [root / place.config, root / "data" / place.config] if place.config else []
    folders += [root / "data", root, root / "default"]
    names = [place.split] + ([OTHER_NAMES[place.split]] if place.split in OTHER_NAMES else [])
    for name in names:
        for folder in folders:
            for pattern in (f"{name}-*.parquet", f"{name}.parquet", f"{name}/*.parquet"):
                if files := sorted(str(path) for path in folder.glob(pattern)):
                    return files
    return []


def _tops(card: Card) -> frozenset[str] | None:
    """Top-level columns that a card reads; None where it keeps all."""
    if card.keep:
        return None
    names = {name for names in card.columns.values() for name in names}
    return frozenset(names | {name.split(".")[0] for name in names})


def _parquet(card: Card, split: Split, files: list[str], root: Path, tops: frozenset[str] | None) -> Source:
    reader = ParquetRows(files, tops)
    _check_columns(card, reader.columns(), files[0])
    where = files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
    return Source(card, split, where, reader.rows, reader.total, root, tuple(files))


def _check_columns(card: Card, columns: list[str], where: str) -> None:
    """A whole file without a question or image column is one mistake, not one per row."""
    _check_chosen(card, columns, where)
    for role in ("question", "image"):
        names = card.columns[role]
        if not any(name in columns or name.split(".")[0] in columns for name in names):
            raise UserError(
                f"{where}: no {role} column: looked for {', '.join(names)}; it has {_few(columns)} "
                f"(say which with --{COLUMNS[role].replace('_', '-')})"
            )


def _check_chosen(card: Card, columns: list[str], where: str) -> None:
    """A column that the user names has to be there."""
    for role in card.chosen:
        (name,) = card.columns[role]
        if name not in columns and name.split(".")[0] not in columns:
            flag = COLUMNS[role].replace("_", "-")
            raise UserError(f"--{flag} {name}: {where} has no such column; {nearest(name, columns[:50])}")


def _few(names: list[str]) -> str:
    return ", ".join(names[:30]) + (", …" if len(names) > 30 else "")


def _checked(card: Card, where: str, raw: Callable[[Only], Iterator[Raw]]) -> None:
    """Of rows without a schema the first ones have to show the columns that the user names."""
    if card.chosen:
        seen = [row for _, _, row, _ in islice(raw(None), LOOK) if row]
        if seen:
            _check_chosen(card, list(dict.fromkeys(str(key) for row in seen for key in row)), where)


def _own(card: Card, split: Split) -> Source:
    """Rows of one's own: one file, several of a kind, or a folder."""
    paths = [path for name in split.files for path in _members(Path(name), split)]
    kinds = {path.suffix.lower() for path in paths}
    if len(kinds) != 1:
        raise UserError(f"{split.files[0]}: files of different kinds ({', '.join(sorted(kinds))}): name one kind")
    names = [str(path) for path in paths]
    if kinds == {".parquet"}:
        return _parquet(card, split, names, root=paths[0].parent, tops=_tops(card))
    if len(paths) != 1:
        raise UserError(f"{split.files[0]}: {len(paths)} files; put the rows into one .jsonl, or use Parquet")
    path = paths[0]
    read = readers.read_csv if path.suffix.lower() == ".csv" else readers.read_jsonl
    total = partial(readers.count_lines, path)
    raw = partial(read, path)
    _checked(card, str(path), raw)
    return Source(card, split, str(path), raw, total, path.parent, (str(path),))


def _members(path: Path, split: Split) -> list[Path]:
    if path.is_file():
        if path.suffix.lower() not in (".jsonl", ".csv", ".parquet"):
            raise UserError(f"{path}: rows are read from .jsonl, .csv and .parquet files, or from a folder")
        return [path]
    if not path.is_dir():
        raise UserError(f"{path}: no such file or folder")
    named = [path / split.split / name for name in METADATA] + [path / f"{split.split}.jsonl"]
    whole = [] if split.chosen else [path / name for name in METADATA]
    for file in (*whole, *named):
        if file.is_file():
            return [file]
    if found := _split_files(path, Place("", None, split.split)):
        return [Path(file) for file in found]
    if split.chosen:
        raise UserError(
            f"{path}: no rows of split {split.split}: looked for {split.split}-*.parquet, {split.split}.jsonl and "
            f"{split.split}/metadata.jsonl"
        )
    tables = sorted(path.rglob("*.parquet")) or sorted(path.glob("*.jsonl"))
    if not tables:
        raise UserError(f"{path}: a folder of images needs a metadata.jsonl (or .csv) with file_name and question")
    return tables


def _generated(card: Card, split: Split) -> Source:
    """Rows that a bundled module makes: `halo_forge.cards.<generator>.scenes.rows(split, limit)`."""
    module = importlib.import_module(f"halo_forge.cards.{card.generator}.scenes")

    def raw(only: Only) -> Iterator[Raw]:
        limit = None if only is None else max(only, default=-1) + 1
        for index, row in enumerate(module.rows(split.split, limit)):
            if only is None or index in only:
                yield index, f"{card.name}/{split.split}:{index + 1}", dict(row), None

    return Source(card, split, f"{card.name}, split {split.split}", raw, lambda: split.rows)
