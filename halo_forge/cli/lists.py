"""vlm datasets and models."""

from __future__ import annotations

import json
from typing import Any

from halo_forge.cli.words import print_table, wants_help
from halo_forge.errors import UserError


def datasets(words: list[str]) -> int:
    """The cards."""
    from halo_forge.datasets.cards import list_cards

    unknown = [word for word in words if word not in ("--json", "--help", "-h")]
    if unknown:
        raise UserError(f"vlm datasets takes --json only, not '{unknown[0]}'")
    if wants_help(words):
        print("usage: halo-forge vlm datasets [--json]")
        return 0
    cards = list_cards()
    rows = [
        {
            "name": card.name,
            "task": card.task,
            "train": _rows(card, "train") if card.trainable else None,
            "eval": _rows(card, "eval"),
            "metric": card.metric,
            "licence": card.licence,
        }
        for card in cards
    ]
    if "--json" in words:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    print_table(rows)
    return 0


def models(words: list[str]) -> int:
    """The models people use."""
    from halo_forge.models import known
    from halo_forge.models.families import FAMILIES

    unknown = [word for word in words if word not in ("--json", "--help", "-h")]
    if unknown:
        raise UserError(f"vlm models takes --json only, not '{unknown[0]}'")
    if wants_help(words):
        print("usage: halo-forge vlm models [--json]")
        return 0
    if "--json" in words:
        print(json.dumps(known.rows(), indent=1, ensure_ascii=False))
        return 0
    print_table(known.rows())
    print("\nGB are peaks with the defaults as vlm plan estimates them. Any size of these kinds works, by model_type:")
    for family in FAMILIES:
        kinds = ", ".join(family.model_types) or "any other image-text-to-text model of transformers"
        print(f"  {family.name}: {kinds}")
    return 0


def _rows(card: Any, split: str) -> int | None:
    return card.splits[split].rows if split in card.splits else None
