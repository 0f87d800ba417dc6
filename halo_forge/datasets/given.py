"""A `datasets.Dataset` as rows of one's own: a Parquet file that is named by its content."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from halo_forge import files, keys
from halo_forge.datasets.row_images import MAX_IMAGE_BYTES, URL
from halo_forge.errors import UserError

LOOK = 20
BATCH = 64  # rows, and so images, in memory at once


def from_dataset(dataset: Any, folder: str | Path, name: str = "dataset", image_column: str = "") -> str:
    """Write `dataset` to `folder` and return the path: what `--dataset` takes.

    Columns are those of one's own rows. Images of an `Image` feature are stored as they are encoded, those that
    are files elsewhere included; class labels get their names. The file's name holds the first letters of its
    sha256, so the same rows are the same path; an older file of this name is removed. Raises UserError for
    anything but a `datasets.Dataset`, and where the folder cannot be written to.
    """
    import datasets

    if isinstance(dataset, datasets.DatasetDict | datasets.IterableDatasetDict):
        raise UserError(f"a dataset of several splits: give one, such as dataset['{next(iter(dataset), 'train')}']")
    if not isinstance(dataset, datasets.Dataset):
        raise UserError(f"dataset: a name, a path or a datasets.Dataset is needed, not {type(dataset).__name__}")
    _refuse_paths(dataset, image_column)
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write to {target}: {files.reason(error)}") from error
    temporary = target / f".{name}.{os.getpid()}.tmp"
    try:
        _write(dataset, temporary)
        made = target / f"{name}-{keys.sha256_file(temporary)[:12]}.parquet"
        if not made.exists():  # else the same rows: the file stays as it is, its times included
            os.replace(temporary, made)
    except OSError as error:
        raise UserError(f"cannot write the dataset to {target}: {files.reason(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)
    for old in target.glob(f"{name}-*.parquet"):
        if old != made:
            old.unlink(missing_ok=True)
    return str(made)


def _refuse_paths(dataset: Any, image_column: str) -> None:
    """UserError for images that are paths in text: a Dataset has no folder that they could be relative to."""
    from halo_forge.datasets.cards import FILES, load_card

    names = (image_column,) if image_column else load_card(FILES).columns["image"]
    name = next((name for name in names if name in dataset.column_names), None)
    if name is None:
        return
    for value in dataset.with_format("arrow")[:LOOK][name].to_pylist():
        if isinstance(value, str) and not URL.match(value):
            raise UserError(
                f"dataset: the column {name!r} holds paths; make them images with "
                f"dataset.cast_column({name!r}, datasets.Image()), or give a .jsonl file beside them"
            )


def _write(dataset: Any, path: Path) -> None:
    import datasets

    features = {name: rule for name, feature in dataset.features.items() if (rule := _rule(feature))}
    stored = dataset.with_format("arrow")
    writer: pq.ParquetWriter | None = None
    for batch in stored.iter(BATCH) if len(dataset) else [stored[:]]:
        table = batch.replace_schema_metadata(None)
        for name, rule in features.items():
            place = table.column_names.index(name)
            values = [rule(value) for value in table[name].to_pylist()]
            label = isinstance(dataset.features[name], datasets.ClassLabel)
            kind = pa.string() if label else table.schema.field(name).type
            table = table.set_column(place, name, pa.array(values, kind))
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table.cast(writer.schema))
    assert writer is not None
    writer.close()


def _rule(feature: Any) -> Callable[[Any], Any] | None:
    """What turns a stored value of this feature into one that stands by itself; None where it does already."""
    import datasets

    if isinstance(feature, datasets.ClassLabel):
        names = feature.names
        return lambda value: names[value] if value is not None and 0 <= value < len(names) else None
    if isinstance(feature, datasets.Image):
        return _embedded
    inner = getattr(feature, "feature", feature[0] if isinstance(feature, list) and feature else None)
    if isinstance(inner, datasets.Image):
        return lambda values: None if values is None else [_embedded(value) for value in values]
    return None


def _embedded(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """An image struct with its bytes. One whose file cannot be read stays as it is: its row will say so."""
    if not value or value.get("bytes") is not None or not value.get("path") or URL.match(value["path"]):
        return value
    try:
        if os.path.getsize(value["path"]) > MAX_IMAGE_BYTES:
            return value
        with open(value["path"], "rb") as file:
            return {"bytes": file.read(), "path": os.path.basename(value["path"])}
    except (OSError, ValueError):
        return value
