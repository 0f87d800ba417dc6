"""Flags: what is understood, and the line for what is not."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from halo_forge.cli import flags
from halo_forge.config import execution, identity, target
from halo_forge.errors import UserError


@dataclass(frozen=True)
class Config:
    output: str = target(help="where")
    weights: tuple[float, ...] = identity((0.3, 0.4, 0.3), "weights")
    limit: int | None = identity(None, "rows")
    temperature: float = identity(0.7, "temperature")
    engine: str = execution("auto", "engine", choices=("auto", "vllm"))
    quiet: bool = execution(False, "no lines")
    samples_per_prompt: int = identity(4, "samples", flag="samples")


def test_all_forms() -> None:
    words = [
        "--output=o",
        "--weights",
        "0.2,0.2,0.6",
        "--limit",
        "1",
        "--temperature",
        "1e-1",
        "--quiet",
        "--samples",
        "8",
        "--engine",
        "vllm",
    ]
    made = flags.parse(Config, words)
    assert made == Config("o", (0.2, 0.2, 0.6), 1, 0.1, "vllm", True, 8)
    assert flags.parse(Config, ["--output", "o", "--no-quiet", "--limit", "none"]) == Config("o")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--output o --temprature 1", "unknown flag --temprature: did you mean temperature"),
        ("--output o --limit ten", "--limit takes a whole number, not 'ten'"),
        ("--output o --limit 1e3", "--limit takes a whole number"),
        ("--output o --temperature nan", "finite number"),
        ("--output o --temperature", "--temperature needs a value"),
        ("--output o --temperature --quiet", "--temperature needs a value"),
        ("--output o --engine vlm", "--engine vlm is not known: did you mean 'vllm'"),
        ("--output o stray", "'stray' is not a flag"),
        ("--output o --no-limit", "--no-limit is not a switch"),
        ("--quiet", "--output is missing: where"),
    ],
)
def test_mistakes_are_one_clear_line(words: str, line: str) -> None:
    with pytest.raises(UserError) as caught:
        flags.parse(Config, words.split())
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_negative_numbers_are_values() -> None:
    assert flags.parse(Config, ["--output", "o", "--limit", "-3"]).limit == -3


def test_words_that_stand_alone_are_the_named_fields_in_order() -> None:
    made = flags.parse(Config, ["o", "--temperature", "0.1", "vllm"], ("output", "engine"))
    assert made == Config("o", temperature=0.1, engine="vllm")
    with pytest.raises(UserError, match="'third' is not a flag"):
        flags.parse(Config, ["o", "vllm", "third"], ("output", "engine"))
    assert flags.parse(Config, ["--output", "o", "vllm"], ("output", "engine")).engine == "vllm"


def test_usage_lists_every_flag() -> None:
    text = flags.usage(Config, "x")
    for field in ("output", "weights", "limit", "temperature", "engine", "quiet", "samples"):
        assert f"--{field}" in text
    assert "(required)" in text
