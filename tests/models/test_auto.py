"""The adapter `auto` on a model that it was not written for: SmolVLM, which cuts images into tiles."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file

from halo_forge.engines.engine import Completion, Request, Sampling
from halo_forge.engines.transformers import Generator
from halo_forge.errors import UserError
from halo_forge.images import open_image
from halo_forge.models import load_policy, resolve
from halo_forge.models.load import load_processor
from halo_forge.models.merge import merge
from halo_forge.models.prompts import encode, real_ids
from halo_forge.training.rows import Collator, Row
from halo_forge.training.settings import Settings
from tests.models.smol import smolvlm
from tests.tiny import picture
from tests.training.lessons import CPU, ROWS, SAID, image, short

SIZES = ((56, 56), (120, 40), (30, 200), (10, 10))
PROMPTS = ("How many?", "A longer question, with more words?", "c", "Which one?")
GREEDY = Sampling(1, 0.0, 1.0, 40)


@pytest.fixture(scope="module")
def smol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    torch.set_num_threads(1)
    return smolvlm(tmp_path_factory.mktemp("smol"))


def said(model: Path, requests: list[Request]) -> list[Completion]:
    ref = resolve(str(model))
    answers = Generator(*load_policy(ref, "cpu"), ref.family).answer(requests, [GREEDY])
    assert all(isinstance(answer, list) for answer in answers), answers
    return [answer[0] for answer in answers]  # type: ignore[index]


def requests() -> list[Request]:
    """One image each, of different sizes; two images; none."""
    asked = [Request(text, (picture(n, SIZES[n]),)) for n, text in enumerate(PROMPTS)]
    return [*asked, Request("Both?", (picture(8), picture(9, (90, 30)))), Request("No image here.")]


def test_it_is_known_by_its_config(smol: Path) -> None:
    ref = resolve(str(smol))
    assert (ref.family, ref.model_type) == ("auto", "idefics3")


def test_a_batch_of_different_image_sizes_answers_as_each_alone(smol: Path) -> None:
    together = said(smol, requests())
    assert [one.token_ids for one in together] == [said(smol, [asked])[0].token_ids for asked in requests()]
    assert len({one.prompt_tokens for one in together}) > 3


def test_prompt_ids_are_equal_in_engine_and_trainer(smol: Path) -> None:
    ref = resolve(str(smol))
    model, processor = load_policy(ref, "cpu")
    asked = requests()
    pictures = {f"{n}.{i}": data for n, one in enumerate(asked) for i, data in enumerate(one.images)}
    rows = [
        Row(str(n), one.prompt, tuple(name for name in pictures if name.startswith(f"{n}.")), "stop")
        for n, one in enumerate(asked)
    ]
    batch = Collator(model, processor, pictures.__getitem__, ref.family)(rows)
    opened = [[open_image(data) for data in one.images] for one in asked]
    engine = encode(processor, [one.prompt for one in asked], opened, side="left", nested=True)
    for n, completion in enumerate(said(smol, asked)):
        ids = batch["input_ids"][n][(batch["labels"][n] == -100) & batch["attention_mask"][n].bool()].tolist()
        assert ids == real_ids(engine, n) and completion.prompt_tokens == len(ids)
    tiles = [4 * 5, 4 * 3, 4 * 3, 4 * 5, 4 * (5 + 3), 0]  # of 32 x 32 pixels, and the whole image once more
    assert [real_ids(engine, n).count(processor.image_token_id) for n in range(len(asked))] == tiles


def test_it_learns_and_says_the_same_after_loading(smol: Path, tmp_path: Path) -> None:
    done = short(smol, tmp_path / "cycle_1", Settings(learning_rate=1e-2, max_steps=40, batch_size=8), CPU)
    assert done.before != done.after and done.log[-1]["loss"] < 0.2
    asked = [Request(ROWS[3].prompt, (image("3"),))]
    after = said(done.folder, asked)[0]
    assert said(smol, asked)[0].text != SAID == after.text and after.finish_reason == "stop"
    names = load_file(done.folder / "adapter_model.safetensors")
    assert names and all("text_model" in name for name in names)
    whole = said(merge(str(done.folder), tmp_path / "merged"), asked)[0]
    assert whole.token_ids == after.token_ids
    again = short(done.folder, tmp_path / "cycle_2", Settings(learning_rate=1e-2, max_steps=1, batch_size=8), CPU)
    assert again.before == done.after != again.after


@pytest.mark.skipif(importlib.util.find_spec("num2words") is not None, reason="its processor needs num2words")
def test_a_processor_whose_package_is_missing_is_one_line(smol: Path, tmp_path: Path) -> None:
    from transformers import SmolVLMVideoProcessor

    folder = shutil.copytree(smol, tmp_path / "m")
    SmolVLMVideoProcessor().save_pretrained(folder)
    settings = json.loads((folder / "processor_config.json").read_text())
    (folder / "processor_config.json").write_text(json.dumps({**settings, "processor_class": "SmolVLMProcessor"}))
    with pytest.raises(UserError, match="pip install num2words"):
        load_processor(resolve(str(folder)))


def test_pixels_are_bounded_only_where_a_size_is_an_area(smol: Path) -> None:
    from transformers import Glm4vImageProcessor

    from halo_forge.models.load import MAX_PIXELS, set_pixel_budget, takes_pixels

    tiles = load_processor(resolve(str(smol)), max_pixels=28 * 28)
    assert not takes_pixels(tiles) and tiles.image_processor.size.longest_edge == 64
    tiles.image_processor = Glm4vImageProcessor()  # takes an image at its own size, up to 11.8 million pixels
    assert takes_pixels(tiles)
    set_pixel_budget(tiles, None, None)
    assert tiles.image_processor.size.longest_edge == MAX_PIXELS
