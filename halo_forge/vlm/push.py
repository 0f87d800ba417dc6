"""`vlm push`: a cycle's adapter on the Hugging Face hub, with a model card that holds the run's own numbers.

    halo-forge vlm push models/vlm_raft --to OWNER/NAME
    halo-forge vlm push models/vlm_raft --cycle 2 --to OWNER/NAME --output /tmp/card     writes what would be pushed

What is pushed is the model's folder with README.md beside it. Paths of this machine stay here: a base or a dataset that
was a folder is called by its last name.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge import files
from halo_forge.config import execution, source, target
from halo_forge.errors import UserError
from halo_forge.files import read_json
from halo_forge.models.folder import record_of
from halo_forge.models.resolve import RECORD
from halo_forge.progress import Progress
from halo_forge.vlm import model_card, views
from halo_forge.vlm.run_dir import STALE, RunDir, merged

TOLD = ("base", "base_digest", "base_revision", "rows", "settings", "merged_digest")
"""What of the record beside a model is for others."""


@dataclass(frozen=True)
class Config:
    """Which model of which run goes where."""

    run: str = source("sft", help="the run directory")
    to: str = execution("", "repository on the hub: OWNER/NAME; made where it is missing")
    cycle: int = execution(0, "the model after this cycle (0: the best one)")
    merged: bool = execution(False, "base and adapter as one model (vlm merge, or vlm train --merge, writes it)")
    private: bool = execution(False, "a new repository is private")
    tag: str = execution("", "of a rerun that was kept with this tag")
    output: str = target("", "write what would be pushed to this folder, and push nothing")


def run(config: Config) -> int:
    """Push, or write the folder, and say where it is; the exit code."""
    if not config.to and not config.output:
        raise UserError(
            "--to is missing: name a repository, OWNER/NAME; or --output, a folder to look at what it would hold"
        )
    if not config.output:
        checked(config.to)
    place = views.place_of(config.run, config.tag)
    model, cycle = model_of(place, config.cycle, config.merged)
    if config.output:
        write(contents(place, cycle, model, config.to or f"OWNER/{place.root.resolve().name}"), Path(config.output))
        print(f"{config.output}: what would be pushed; read its README.md")
        return 0
    print(push(place, cycle, model, config.to, config.private))
    return 0


def model_of(place: RunDir, cycle: int, whole: bool = False) -> tuple[Path, int]:
    """The folder of a cycle's model (0: the best one), and which cycle it is of. Raises UserError where there is none,
    or where it was trained on rows that have been replaced since."""
    folder = place.model(cycle) if cycle else place.root / os.readlink(place.best) if place.best.is_symlink() else None
    if folder is None:
        raise UserError(f"{place.root} has no best model yet: let vlm train end, or give --cycle")
    number = cycle or int(folder.name.split("_")[1])
    folder = merged(folder) if whole else folder
    if not (folder / RECORD).exists():
        what = f": halo-forge vlm merge {place.model(number)} writes it" if whole else ": vlm train has not made it"
        raise UserError(f"there is no {folder}{what}")
    if (folder / STALE).exists():
        raise UserError(f"{folder} is stale: {place.stale().get(folder.name)}; run vlm train again first")
    return folder, number


def checked(repo: str) -> None:
    """Whether the token may write to `repo`, as far as the hub says before it is tried. Raises UserError."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, LocalTokenNotFoundError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise UserError(f"{repo} is no name for a repository: OWNER/NAME, of letters, digits, -, _ and .") from error
    owner, slash, _ = repo.partition("/")
    if not slash:
        raise UserError(f"{repo} names no owner: give OWNER/{repo}, with your name or that of your organization")
    with reachable(repo):
        try:
            who = HfApi().whoami()
        except LocalTokenNotFoundError as error:
            raise UserError(f"no token to push to {repo} with: set HF_TOKEN or run hf auth login") from error
    role = who.get("auth", {}).get("accessToken", {}).get("role")
    if role == "read":
        raise UserError(f"the token of {who.get('name')} may only read: make one with write access for {repo}")
    mine = {str(who.get("name")), *(str(one.get("name")) for one in who.get("orgs", []))}
    if owner not in mine:
        raise UserError(f"the token is of {', '.join(sorted(mine))}, not of {owner}: give --to {sorted(mine)[0]}/…")


@contextlib.contextmanager
def reachable(repo: str) -> Iterator[None]:
    """What the hub, or the way there, has against a push to `repo`, as one line."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except OfflineModeIsEnabled as error:
        raise UserError(f"cannot push to {repo}: HF_HUB_OFFLINE is set; unset it") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status == 401:
            raise UserError(f"the hub does not know the token for {repo}: set HF_TOKEN or run hf auth login") from error
        if status == 403:
            raise UserError(f"the token may not write to {repo}: give it write access, or another name") from error
        raise UserError(f"the hub refused {repo}: {' '.join(str(error).split())[:200]}") from error
    except UserError:
        raise
    except Exception as error:  # the network has many faces, and the client's own library of them changes
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UserError(f"cannot reach the hub to push to {repo}: {why}; the same command tries again") from error


def push(place: RunDir, cycle: int, model: Path, repo: str, private: bool = False) -> str:
    """Push `model` with its card, as one commit; the address of the repository. What the hub has already is not sent
    again. Raises UserError where the hub refuses or cannot be reached."""
    from huggingface_hub import CommitOperationAdd, HfApi

    given = contents(place, cycle, model, repo)
    api, title = HfApi(), f"Cycle {cycle} of {place.root.resolve().name}"
    with reachable(repo):
        made = api.create_repo(repo, private=private or None, exist_ok=True)
        api.create_commit(repo, [CommitOperationAdd(name, data) for name, data in given.items()], commit_message=title)
    return str(made)


def finished(place: RunDir, config: Any, show: Progress) -> None:
    """Push the best model of a run that is done, as its settings say. Raises UserError; the run stands all the same."""
    try:
        model, cycle = model_of(place, 0, whole=False)
        show.note(f"pushed: {push(place, cycle, model, config.push_to_hub, config.push_private)}")
    except UserError as error:
        tag = f" --tag {place.tag}" if place.tag else ""
        again = f"halo-forge vlm push {place.root} --to {config.push_to_hub}{tag}"
        raise UserError(f"{error}; the run is done, and {again} pushes it") from error


def contents(place: RunDir, cycle: int, model: Path, repo: str) -> dict[str, Path | bytes]:
    """What is pushed, by its name there: the model's files as they are, or bytes in their place."""
    record = record_of(model) or {}
    found: dict[str, Path | bytes] = {}
    for file in sorted(model.iterdir()):
        if file.is_file() and not file.name.startswith("."):
            found[file.name] = file
    base = model_card.public(record.get("base", ""))
    found[RECORD] = _json({**{name: record[name] for name in TOLD if name in record}, "base": base})
    if "adapter_config.json" in found:
        about = read_json(model / "adapter_config.json") or {}
        about |= {"base_model_name_or_path": base, "revision": record.get("base_revision")}
        found["adapter_config.json"] = _json(about)
    found["README.md"] = model_card.text(model_card.facts(place, cycle, model, repo)).encode()
    return found


def write(contents: dict[str, Path | bytes], folder: Path) -> None:
    """The same as files of their own. Raises UserError where `folder` is there or cannot be written."""
    try:
        folder.mkdir(parents=True)
        for name, data in contents.items():
            if isinstance(data, bytes):
                (folder / name).write_bytes(data)
            else:
                shutil.copyfile(data, folder / name)
    except FileExistsError as exc:
        raise UserError(f"{folder} is there already: give another --output or delete it") from exc
    except OSError as exc:
        raise UserError(f"cannot write {folder}: {files.reason(exc)}") from exc


def _json(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=2, sort_keys=True) + "\n").encode()
