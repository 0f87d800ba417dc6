"""Find the model that a word names, and its digest, without importing torch.

`--model` may be a folder with a full model, a folder with a LoRA adapter (the base is the one it was
trained on), `bundled:shapes/base` (shipped inside the package), or a hub id. A hub model is pinned to a
commit, which is its digest; a folder's digest is that of its files; an adapter's digest covers its base as
well.
"""

from __future__ import annotations

import difflib
import importlib.resources
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge.errors import UserError, nearest
from halo_forge.models.digest import combine, digest_adapter, digest_folder
from halo_forge.models.families import family_of

BUNDLED = "bundled:"
RECORD = "halo_forge.json"
"""Beside an adapter that we trained: its base as given, digests, hyper-parameters."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_MOST_HEADER = 100_000_000
"""Bytes of a safetensors header at most, as the format has it."""
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


@dataclass(frozen=True)
class ModelRef:
    """A model that was found; nothing is loaded."""

    given: str
    """What the user wrote."""
    base: str
    """Folder or hub id of the full model."""
    adapter: str | None
    """Folder of the LoRA adapter on it."""
    family: str
    """Key of `halo_forge.models.families.BY_NAME`."""
    digest: str
    """Identity of base and adapter together: `commit:<sha>` for a plain hub model, else sha256 hex."""
    config: Mapping[str, Any]
    """The base's config.json."""
    revision: str | None = None
    """Commit of the base on the hub."""
    base_digest: str = ""
    """Identity of the base alone."""
    base_given: str = ""
    """Word by which the base is found again: a hub id, `bundled:…`, or an absolute path."""

    @property
    def model_type(self) -> str:
        """`model_type` of the base's config.json."""
        return str(self.config.get("model_type"))


def resolve(model: str, revision: str | None = None) -> ModelRef:
    """Find `model` (see the module docstring); `revision` is a branch, tag or commit of a hub model.

    Raises UserError: no such model, not a model that reads images, an adapter whose base is missing or
    another than it was trained on, or no network.
    """
    word = model.strip()
    if not word:
        raise UserError("no model given: pass --model with a folder, a hub id or bundled:shapes/base")
    if word.startswith(BUNDLED):
        return _full(word, _bundled(word), None, "")
    folder = Path(word).expanduser()
    if folder.is_dir():
        return _folder(word, folder, None)
    if folder.exists():
        raise UserError(f"{word} is a file, not a model folder: pass the folder that holds config.json")
    if not _HUB_ID.fullmatch(word):
        raise UserError(f"no model at {word}: no such folder{_siblings(folder)}")
    return _hub(word, revision)


def _folder(given: str, folder: Path, commit: str | None) -> ModelRef:
    if (folder / "adapter_config.json").is_file():
        return _adapter(given, folder, commit)
    if (folder / "config.json").is_file():
        return _full(given, folder, None, "")
    raise UserError(f"{given} is not a model folder: it has neither config.json nor adapter_config.json")


def _full(given: str, folder: Path, commit: str | None, base_given: str) -> ModelRef:
    config = _json(folder / "config.json", given)
    family = _known(given, config)
    _check_weights(given, folder, _WEIGHTS)
    digest = f"commit:{commit}" if commit else digest_folder(folder)
    named = base_given or (given if given.startswith(BUNDLED) else str(folder.resolve()))
    return ModelRef(given, str(folder.resolve()), None, family, digest, config, commit, digest, named)


def _adapter(given: str, folder: Path, commit: str | None) -> ModelRef:
    settings = _json(folder / "adapter_config.json", given)
    record = _json(folder / RECORD, given) if (folder / RECORD).is_file() else {}
    word = record.get("base") or settings.get("base_model_name_or_path")
    if not isinstance(word, str) or not word:
        raise UserError(f"the adapter {given} does not say which base it belongs to (adapter_config.json)")
    _check_weights(given, folder, ("adapter_model.safetensors", "adapter_model.bin"))
    beside = folder / word
    try:
        base = resolve(
            str(beside) if not Path(word).is_absolute() and beside.is_dir() else word,
            record.get("base_revision") or settings.get("revision"),
        )
    except UserError as error:
        raise UserError(f"the base of adapter {given} is missing: {error}") from error
    if base.adapter:
        raise UserError(f"the base of adapter {given} is itself an adapter ({word}): merge that one first")
    if record.get("base_digest") not in (None, base.base_digest):
        raise UserError(f"the adapter {given} was trained on another version of {word}: its digest differs now")
    own = f"commit:{commit}" if commit else digest_adapter(folder, settings)
    return ModelRef(
        given,
        base.base,
        str(folder.resolve()),
        base.family,
        combine(base.base_digest, own),
        base.config,
        base.revision,
        base.base_digest,
        base.base_given,
    )


def _bundled(word: str) -> Path:
    """Folder of a model shipped in `halo_forge.cards`; only names made of letters, digits and single
    slashes."""
    name = word.removeprefix(BUNDLED)
    root = Path(str(importlib.resources.files("halo_forge.cards")))
    shipped = sorted(BUNDLED + path.parent.relative_to(root).as_posix() for path in root.glob("*/*/config.json"))
    if not re.fullmatch(r"\w+(/\w+)*", name) or not (root / name / "config.json").is_file():
        raise UserError(f"no bundled model {word}: {nearest(word, shipped)}")
    return root / name


def _hub(word: str, revision: str | None) -> ModelRef:
    from halo_forge.models.hub import config_files, pinned_commit

    commit = pinned_commit(word, revision)
    local = config_files(word, commit)
    if (local / "adapter_config.json").is_file():
        return _adapter(word, local, commit)
    config = _json(local / "config.json", word)
    digest = f"commit:{commit}"
    return ModelRef(word, word, None, _known(word, config), digest, config, commit, digest, word)


def _known(given: str, config: Mapping[str, Any]) -> str:
    """Name of the family; UserError when the model cannot read images or this transformers does not know
    it."""
    kind = config.get("model_type")
    family = family_of(config)
    if family is None:
        raise UserError(f"{given} has model_type {kind!r}, which is no vision-language model that halo-forge knows")
    if family.name == "auto" and "auto_map" not in config:
        types = _transformers_types()
        if types and kind not in types:
            near = difflib.get_close_matches(str(kind), types, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise UserError(f"{given} has model_type {kind!r}, unknown to the installed transformers{hint}")
    return family.name


def _transformers_types() -> list[str]:
    """Model types of the installed transformers, read off its folders: importing its registry imports
    torch."""
    spec = importlib.util.find_spec("transformers")
    if spec is None or spec.origin is None:
        return []
    return sorted(path.name for path in (Path(spec.origin).parent / "models").iterdir() if path.is_dir())


def _check_weights(given: str, folder: Path, patterns: tuple[str, ...]) -> None:
    """UserError when weights are missing, or only a pointer to large-file storage was checked out."""
    files = [path for pattern in patterns for path in folder.glob(pattern)]
    if not files:
        raise UserError(f"{given} has no weights ({' or '.join(patterns)}): was the download or training finished?")
    for index in folder.glob("*.safetensors.index.json"):
        listed = _json(index, given).get("weight_map", {})
        missing = sorted({str(name) for name in listed.values() if not (folder / str(name)).is_file()})
        if missing:
            raise UserError(f"{given} lacks {len(missing)} weight files, first {missing[0]}: finish the download")
    for path in files:
        if path.stat().st_size < 1024 and path.read_bytes().startswith(b"version https://git-lfs"):
            raise UserError(f"{path} is a Git LFS pointer, not weights: run `git lfs pull` in {folder}")
        if path.suffix == ".safetensors" and (lost := _cut_off(path)):
            raise UserError(f"{path} {lost}: download or copy it again")


def _cut_off(path: Path) -> str:
    """Why a safetensors file cannot be whole, by its header and size; '' where it can. The header: its length in 8
    bytes, then JSON with the place of each tensor (the format's own description)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= min(size - 8, _MOST_HEADER):
            return "is no safetensors file, or it is cut off"
        try:
            tensors = json.loads(file.read(length))
            end = max(
                (int(one["data_offsets"][1]) for name, one in tensors.items() if name != "__metadata__"), default=0
            )
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return "is no safetensors file"
    whole = 8 + length + end
    return "" if size == whole else f"has {size:,} bytes of {whole:,}"


def _siblings(folder: Path) -> str:
    """'; did you mean …?' from the folders beside a missing one."""
    if not folder.parent.is_dir():
        return ""
    names = sorted(path.name for path in folder.parent.iterdir() if path.is_dir())
    near = difflib.get_close_matches(folder.name, names, n=1, cutoff=0.55)
    return f"; did you mean {folder.parent / near[0]}?" if near else ""


def _json(path: Path, given: str) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path.name} of {given}: {str(error).splitlines()[0]}") from error
    if not isinstance(data, dict):
        raise UserError(f"{path.name} of {given} is not a JSON object")
    return data
