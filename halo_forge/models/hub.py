"""The hub, as far as naming a model goes: pin it to a commit and fetch its small files.

Offline, the commit is the one in the local cache. Weights are downloaded only by `load_policy`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from halo_forge.errors import UserError

_TIMEOUT_S = 20.0
WEIGHTS = (".safetensors", ".bin")
"""How a file of weights that transformers reads may end."""


def pinned_commit(model: str, revision: str | None = None) -> str:
    """Commit of a hub model at `revision` (default: main), asked online, else read from the cache.

    Raises UserError: no such model, gated, or neither network nor cache.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        info = HfApi().model_info(model, revision=revision, timeout=_TIMEOUT_S)
    except GatedRepoError as error:
        raise _gated(model) from error
    except RevisionNotFoundError as error:
        raise UserError(f"the model {model} has no revision {revision!r}") from error
    except RepositoryNotFoundError as error:
        raise UserError(f"no model {model}: neither a folder here nor a model on the hub") from error
    except Exception as error:  # the network's many faces: the cache decides whether it matters
        cached = _cached_commit(model, revision)
        if cached is None:
            _unreachable(model, error)
        _go_on_offline(model, cached)
        return cached
    if not info.sha:
        raise UserError(f"the hub names no commit for {model}: try again, or pass a local folder")
    names = [file.rfilename for file in info.siblings or ()]
    if names and not info.gated and not any(name.endswith(WEIGHTS) for name in names):
        raise UserError(f"{model} on the hub has no weights ({', '.join(WEIGHTS)}): name a repository that has")
    return info.sha


def config_files(model: str, commit: str) -> Path:
    """Folder with config.json of a hub model, or the whole adapter where the repository is one."""
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(model, "config.json", revision=commit)).parent
    except GatedRepoError as error:  # anybody may ask for the commit, not for the files
        raise _gated(model) from error
    except LocalEntryNotFoundError as error:
        adapter = _adapter_in_cache(model, commit)
        if adapter is None:
            _unreachable(model, error)
        return adapter
    except EntryNotFoundError:
        folder = Path(snapshot_download(model, revision=commit, allow_patterns=["adapter_*", "*.json", "*.jinja"]))
        if not (folder / "adapter_config.json").is_file():
            raise UserError(f"{model} on the hub has neither config.json nor adapter_config.json") from None
        return folder
    except Exception as error:
        _unreachable(model, error)


def _cached_commit(model: str, revision: str | None) -> str | None:
    from huggingface_hub import try_to_load_from_cache

    for name in ("config.json", "adapter_config.json"):
        path = try_to_load_from_cache(model, name, revision=revision)
        if isinstance(path, str):
            return Path(path).parent.name
    return None if revision else _newest_commit(model)


def _go_on_offline(model: str, commit: str) -> None:
    """Spare this process and its children a minute of tries at every file of a model that is here already."""
    from huggingface_hub import constants

    if not constants.HF_HUB_OFFLINE:
        print(f"the hub cannot be reached: {model} is the cached {commit[:12]}; offline from here on", file=sys.stderr)
    constants.HF_HUB_OFFLINE = True
    os.environ["HF_HUB_OFFLINE"] = "1"


def _newest_commit(model: str) -> str | None:
    """Of the commits in the cache the one fetched last: what was fetched by its commit has no branch there."""
    from huggingface_hub.constants import HF_HUB_CACHE

    folders = (Path(HF_HUB_CACHE) / f"models--{model.replace('/', '--')}" / "snapshots").glob("*")
    whole = [path for path in folders if any((path / name).exists() for name in ("config.json", "adapter_config.json"))]
    return max(whole, key=lambda path: path.stat().st_mtime).name if whole else None


def _adapter_in_cache(model: str, commit: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(model, "adapter_config.json", revision=commit)
    return Path(path).parent if isinstance(path, str) else None


def _gated(model: str) -> UserError:
    return UserError(
        f"the model {model} is gated: accept its licence at https://huggingface.co/{model} "
        "and log in with `hf auth login`"
    )


def _unreachable(model: str, error: BaseException) -> NoReturn:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    raise UserError(
        f"cannot find the model {model}: no such folder here, it is not in the local cache, and the hub "
        f"cannot be reached ({reason}); go online once, or pass a local folder"
    ) from error


@dataclass(frozen=True)
class Sizes:
    """What the hub says of a repository: bytes to download that are not in the cache yet, and weights in the model.
    None: it does not say, or cannot be reached."""

    download: int | None = None
    parameters: int | None = None


def sizes(model: str, revision: str | None = None) -> Sizes:
    """Sizes of a hub model, asked online; of a cached one nothing is left to download."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    try:
        info = HfApi().model_info(model, revision=revision, files_metadata=True, timeout=_TIMEOUT_S)
    except Exception:  # the network's many faces: a plan does without
        return Sizes()
    missing = [
        file.size or 0
        for file in info.siblings or ()
        if file.rfilename.endswith((".safetensors", ".json", ".jinja", ".txt", ".model"))
        and not isinstance(try_to_load_from_cache(model, file.rfilename, revision=revision), str)
    ]
    counted = info.safetensors.total if info.safetensors else None
    return Sizes(sum(missing), counted)


def dataset_size(repository: str, splits: Collection[str]) -> int | None:
    """Bytes of the Parquet files of some splits of a hub dataset; None where the hub does not say."""
    from huggingface_hub import HfApi

    try:
        info = HfApi().dataset_info(repository, files_metadata=True, timeout=_TIMEOUT_S)
    except Exception:  # the network's many faces: a plan does without
        return None
    files = [file for file in info.siblings or () if file.rfilename.endswith(".parquet")]
    named = [file for file in files if any(split in file.rfilename for split in splits)]
    return sum(file.size or 0 for file in named or files) or None


def cached_whole(model: str, commit: str | None) -> bool:
    """Whether the weights of a hub model are in the local cache: then it can be tried without downloading."""
    from huggingface_hub import try_to_load_from_cache

    names = ("model.safetensors", "model.safetensors.index.json")
    return any(isinstance(try_to_load_from_cache(model, name, revision=commit), str) for name in names)
