"""A small run on the bundled dataset, and what is compared between runs."""

from __future__ import annotations

from pathlib import Path

from halo_forge import keys
from halo_forge.vlm.config import VLMRAFTConfig, from_flags

SMALL = ["--limit", "24", "--eval-limit", "24", "--max-steps", "4", "--threads", "1", "--quiet"]


def config(output: Path, *more: str) -> VLMRAFTConfig:
    """Two cycles on 24 prompts, four steps each."""
    return from_flags(["--dataset", "shapes", "--output", str(output), "--cycles", "2", *SMALL, *more])


def digests(run: Path) -> dict[str, str]:
    """Every table's files, and the weights, by their bytes."""
    files = [*run.rglob("part-*.parquet"), *run.rglob("adapter_model.safetensors")]
    return {str(file.relative_to(run)): keys.sha256_file(file) for file in sorted(files)}
