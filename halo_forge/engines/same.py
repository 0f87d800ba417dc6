"""Does another engine make the trainer's token ids of our prompts?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halo_forge.models.prompts import prompt_ids


class SamePrompts:
    """Compares the first prompt with an image, and each with a larger or smaller image than any compared before:
    where pixels are bounded differently, those are the ones that differ."""

    def __init__(self, processor: Any, nested: bool) -> None:
        self.processor, self.nested = processor, nested
        self.areas: list[int] = []
        """Pixels of the smallest and the largest image compared."""

    def check(self, prompt: str, images: Sequence[Any], ids: Sequence[int] | None) -> None:
        """Raises ValueError saying how the ids of the engine differ."""
        areas = [image.width * image.height for image in images]
        if not self.wanted(areas):
            return
        ours = prompt_ids(self.processor, prompt, images, nested=self.nested)
        if ids is None or list(ids) != ours:
            count = "no" if ids is None else len(ids)
            how = f"{count} token ids of a prompt of which the trainer makes {len(ours)}"
            raise ValueError(how if count != len(ours) else f"{how} others")
        self.areas = self._range(areas)

    def wanted(self, areas: Sequence[int]) -> bool:
        """Whether a prompt with images of so many pixels is to be compared."""
        return bool(areas) and self._range(areas) != self.areas

    def _range(self, areas: Sequence[int]) -> list[int]:
        together = [*self.areas, *areas]
        return [min(together), max(together)]
