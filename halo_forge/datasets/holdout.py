"""Which images train and which evaluate, decided by the image alone, so that the roles never share one.

A set with its own eval split keeps it; a set without one gives a share of its images. Eval is halved into dev
(where the best cycle is chosen) and test (where the gain is reported). The role depends on nothing but the
image's bytes: the same image has the same role in every run, whatever the seed, the order or the number of
rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

TRAIN, DEV, TEST = "train", "dev", "test"


def fraction(image_id: str, salt: str) -> float:
    """A number in [0, 1) that is fixed for an image and a purpose: the first 53 bits of
    sha256(salt:image_id)."""
    digest = hashlib.sha256(f"{salt}:{image_id}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def eval_half(image_id: str) -> str:
    """`dev` or `test`, each for half of all images."""
    return DEV if fraction(image_id, "half") < 0.5 else TEST


def role(image_id: str, hold_out: float) -> str:
    """`train`, or the half of eval that an image falls into; `hold_out` is the share of images held out."""
    return eval_half(image_id) if fraction(image_id, "hold out") < hold_out else TRAIN


def common_role(roles: Iterable[str]) -> str | None:
    """The role that all images of a row share; None where they differ and the row cannot be used anywhere."""
    found = set(roles)
    return found.pop() if len(found) == 1 else None
