"""vlm benchmark, try and validate."""

from __future__ import annotations

from halo_forge.cli.words import configured


def benchmark(words: list[str]) -> int:
    """Score models."""
    from halo_forge.vlm.benchmark import Config, run

    return configured(words, Config, run, "benchmark", "Score a model with the dataset's metric.")


def attempt(words: list[str]) -> int:
    """One image and question."""
    from halo_forge.vlm.attempt import Config, run

    doc = 'One image, one question: halo-forge vlm try MODEL photo.jpg "How many?" [--answer 2]'
    return configured(words, Config, run, "try MODEL IMAGE QUESTION", doc, "model", "image", "question")


def validate(words: list[str]) -> int:
    """Is the ground truth readable?"""
    from halo_forge.vlm.validate import Config, run

    return configured(words, Config, run, "validate", "Does every gold answer score full output marks?")
