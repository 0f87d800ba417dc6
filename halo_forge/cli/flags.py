"""Flags from a config dataclass, read before anything runs.

`--name value`, `--name=value`, `--switch` and `--no-switch`; underscores and dashes are the same; lists are
comma separated. An unknown flag or a value of the wrong type is one line that names the nearest right one.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Sequence
from typing import Any, TypeVar

from halo_forge.errors import UserError, nearest

Config = TypeVar("Config")


def flag_of(field: dataclasses.Field[Any]) -> str:
    """The flag of a field, without dashes in front: its `flag` metadata or its name."""
    return str(field.metadata.get("flag", field.name)).replace("_", "-")


def _split_optional(kind: Any) -> tuple[Any, bool]:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        inner = [a for a in typing.get_args(kind) if a is not type(None)]
        return inner[0], len(inner) < len(typing.get_args(kind))
    return kind, False


def convert(text: str, kind: Any, flag: str, choices: tuple[str, ...] | None = None) -> Any:
    """`text` as a value of type `kind` (bool, int, float, str, tuple of those, each optionally None)."""
    kind, optional = _split_optional(kind)
    if optional and text.lower() in ("none", "null"):
        return None
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)[0]
        return tuple(convert(part.strip(), inner, flag) for part in text.split(",") if part.strip())
    try:
        if kind is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
        value = int(text) if kind is int else float(text) if kind is float else text
    except (KeyError, ValueError) as exc:
        name = {bool: "true or false", int: "a whole number", float: "a number"}.get(kind, kind.__name__)
        raise UserError(f"--{flag} takes {name}, not '{text}'") from exc
    if isinstance(value, float) and not abs(value) < float("inf"):
        raise UserError(f"--{flag} takes a finite number, not '{text}'")
    if choices and value not in choices:
        raise UserError(f"--{flag} {text} is not known: {nearest(text, choices)}")
    return value


def read(cls: type, argv: list[str], positional: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of `cls` that `argv` sets, converted; words that stand alone are those of `positional`
    that are not set yet, in order.

    Raises UserError on anything it does not understand.
    """
    kinds = typing.get_type_hints(cls)
    by_flag = {flag_of(f): f for f in dataclasses.fields(cls) if not f.metadata.get("hidden")}
    values: dict[str, Any] = {}
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            unnamed = next((name for name in positional if name not in values), None)
            if unnamed is None:
                raise UserError(f"'{word}' is not a flag: flags start with --, as in --{next(iter(by_flag), 'help')} …")
            values[unnamed] = word
            continue
        flag, equals, text = word[2:].partition("=")
        flag = flag.replace("_", "-")
        negated = flag.startswith("no-") and flag not in by_flag
        name = flag[3:] if negated else flag
        if name not in by_flag:
            raise UserError(f"unknown flag --{flag}: {nearest(flag, by_flag).replace(chr(39), '')}")
        field = by_flag[name]
        kind, _ = _split_optional(kinds[field.name])
        if kind is bool and not equals:
            follows = rest and rest[0].lower() in ("true", "false")
            values[field.name] = (rest.pop(0).lower() == "true" if follows else True) is not negated
            continue
        if negated:
            raise UserError(f"--{flag} is not a switch: give --{name} VALUE")
        if not equals:
            if not rest or (rest[0].startswith("--") and len(rest[0]) > 2):
                raise UserError(f"--{name} needs a value")
            text = rest.pop(0)
        values[field.name] = convert(text, kinds[field.name], name, field.metadata.get("choices"))
    return values


def build(cls: type[Config], values: dict[str, Any]) -> Config:
    """An instance of `cls`; a required field that is missing is one line naming its flag."""
    for field in dataclasses.fields(typing.cast(Any, cls)):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in values:
            raise UserError(f"--{flag_of(field)} is missing: {field.metadata.get('help', '')}")
    return cls(**values)


def parse(cls: type[Config], argv: list[str], positional: Sequence[str] = ()) -> Config:
    """`argv` as an instance of `cls`."""
    return build(cls, read(cls, argv, positional))


def usage(cls: type, prog: str, doc: str = "") -> str:
    """The help page of a config: one line for each flag with its default."""
    kinds = typing.get_type_hints(cls)
    lines = [f"usage: {prog} [flags]", "", *doc.strip().splitlines()[:1], "", "flags:"]
    for field in dataclasses.fields(cls):
        if field.metadata.get("hidden"):
            continue
        kind, _ = _split_optional(kinds[field.name])
        name = "" if kind is bool else f" {getattr(kind, '__name__', 'list').upper()}"
        default = "required" if field.default is dataclasses.MISSING else f"default {_shown(field.default)}"
        lines.append(f"  --{flag_of(field)}{name}".ljust(34) + f" {field.metadata.get('help', '')} ({default})")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return "none" if value is None else "''" if value == "" else str(value)
