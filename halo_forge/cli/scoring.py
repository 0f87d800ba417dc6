"""vlm benchmark, try and validate."""

from __future__ import annotations

from halo_forge.cli.words import wants_help


def benchmark(words: list[str]) -> int:
    """Score models."""
    from halo_forge.cli import flags
    from halo_forge.vlm.benchmark import Config, run

    if wants_help(words):
        print(flags.usage(Config, "halo-forge vlm benchmark", "Score a model with the dataset's metric."))
        return 0
    return run(flags.parse(Config, words))


def attempt(words: list[str]) -> int:
    """One image and question."""
    from halo_forge.cli import flags
    from halo_forge.vlm.attempt import Config, run

    if wants_help(words):
        doc = 'One image, one question: halo-forge vlm try MODEL photo.jpg "How many?" [--answer 2]'
        print(flags.usage(Config, "halo-forge vlm try MODEL IMAGE QUESTION", doc))
        return 0
    names = ("model", "image", "question")
    first = [word for word in words[:3] if not word.startswith("--")]
    named = [part for name, word in zip(names, first, strict=False) for part in (f"--{name}", word)]
    return run(flags.parse(Config, [*named, *words[len(first) :]]))


def validate(words: list[str]) -> int:
    """Is the ground truth readable?"""
    from halo_forge.cli import flags
    from halo_forge.vlm.validate import Config, run

    if wants_help(words):
        print(flags.usage(Config, "halo-forge vlm validate", "Does every gold answer score full output marks?"))
        return 0
    return run(flags.parse(Config, words))
