"""Other engines' prompts against the trainer's."""

from __future__ import annotations

from pathlib import Path

import pytest

from halo_forge.engines.same import SamePrompts
from halo_forge.images import open_image
from halo_forge.models import resolve
from halo_forge.models.load import load_processor
from halo_forge.models.prompts import prompt_ids
from tests.tiny import picture


def test_the_first_prompt_and_every_extreme_is_compared(qwen_folder: Path) -> None:
    processor = load_processor(resolve(str(qwen_folder)))
    small, middle, large = (open_image(picture(0, (side, side))) for side in (28, 56, 140))
    ids = {image.width: prompt_ids(processor, "How many?", [image]) for image in (small, middle, large)}
    same = SamePrompts(processor, nested=False)
    same.check("No image.", [], None)
    same.check("How many?", [middle], ids[56])
    same.check("How many?", [middle], [1, 2, 3])  # of a size seen before: not looked at
    for image, others in ((small, ids[56]), (large, ids[140][:-1])):
        with pytest.raises(ValueError, match=f"{len(others)} token ids of a prompt of which the trainer makes"):
            same.check("How many?", [image], others)
        same.check("How many?", [image], ids[image.width])
    with pytest.raises(ValueError, match="no token ids"):
        same.check("How many?", [open_image(picture(0, (168, 168)))], None)
