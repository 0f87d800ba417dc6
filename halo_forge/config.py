"""Fields of a stage's config: each says at its definition what part it plays, so that keys and flags follow.

- `identity`: changes the result; part of the stage's key.
- `execution`: where and how fast it runs (device, processes, log); never part of a key.
- `source`: path of an input table; the key takes the table's content digest, never the path.
- `weights`: a model; the key takes the model's digest, never the name.
- `target`: where the result goes; never part of a key.

A config is a frozen dataclass of such fields. `halo_forge.cli.flags` makes the command line from it.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from halo_forge.errors import UserError, nearest

REQUIRED: Any = dataclasses.MISSING


def _field(role: str, default: Any, help: str, **extra: Any) -> Any:
    metadata = {"role": role, "help": help, **extra}
    if default is REQUIRED:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def identity(default: Any = REQUIRED, help: str = "", **extra: Any) -> Any:
    """A parameter that changes the result."""
    return _field("identity", default, help, **extra)


def execution(default: Any = REQUIRED, help: str = "", **extra: Any) -> Any:
    """A parameter that changes only where or how fast the stage runs."""
    return _field("execution", default, help, **extra)


def source(table: str, default: Any = REQUIRED, help: str = "", **extra: Any) -> Any:
    """Path of an input table (directory, file or glob) of schema `table`."""
    return _field("source", default, help or f"the {table} table: directory, file or glob", table=table, **extra)


def weights(default: Any = REQUIRED, help: str = "", **extra: Any) -> Any:
    """A model, named as the user names it; its digest is what identifies it."""
    return _field("weights", default, help, **extra)


def target(default: Any = REQUIRED, help: str = "", **extra: Any) -> Any:
    """Where the result is written."""
    return _field("target", default, help, **extra)


def check_choices(config: Any) -> None:
    """Whether the fields of `config` that have choices hold one of them. Flags are looked at when they are read; this
    is for values of a file, a card or Python. Raises UserError."""
    for field in dataclasses.fields(config):
        value, choices = getattr(config, field.name), field.metadata.get("choices")
        if choices and value not in choices:
            raise UserError(f"{field.name} {value}: {nearest(str(value), choices)}")


def fields_of(config: Any, role: str) -> dict[str, Any]:
    """Name to value of the fields of `config` (an instance) that have `role`."""
    return {
        f.name: getattr(config, f.name)
        for f in dataclasses.fields(config)
        if f.metadata.get("role", "identity") == role
    }
