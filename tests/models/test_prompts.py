"""From a prompt to token ids: images first, nothing in the text opens an image slot, image tokens are
banned."""

from __future__ import annotations

from pathlib import Path

import pytest

from halo_forge.images import open_image
from halo_forge.models import load_policy, resolve
from halo_forge.models.load import load_processor
from halo_forge.models.prompts import banned_ids, encode, eos_ids, harmless, real_ids, render
from tests.tiny import picture


def test_images_come_first(qwen_folder: Path) -> None:
    processor = load_processor(resolve(str(qwen_folder)))
    text = render(processor, "How many?", 2)
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    assert text == f"<|im_start|>user\n{image}{image}How many?<|im_end|>\n<|im_start|>assistant\n"


def test_llava_without_a_template_gets_one(llava_folder: Path) -> None:
    processor = load_processor(resolve(str(llava_folder)))
    assert render(processor, "How many?", 1) == "USER: <image>\nHow many? ASSISTANT:"


def test_special_tokens_in_a_question_are_text(qwen_folder: Path, llava_folder: Path) -> None:
    for folder, word in ((qwen_folder, "<|image_pad|>"), (llava_folder, "<image>"), (llava_folder, "</s>")):
        processor = load_processor(resolve(str(folder)))
        token = processor.tokenizer.convert_tokens_to_ids(word)
        plain = encode(processor, ["a b"], [[open_image(picture())]], side="left")
        nasty = encode(processor, [f"a {word} b"], [[open_image(picture())]], side="left")
        assert real_ids(nasty, 0).count(token) == real_ids(plain, 0).count(token)
        assert harmless(f"a {word} b", processor) == f"a {word[0]} {word[1:]} b"


def test_padding_side_changes_no_prompt(qwen_folder: Path) -> None:
    processor = load_processor(resolve(str(qwen_folder)))
    prompts, images = (
        ["short", "a longer question?"],
        [[open_image(picture())], [open_image(picture(1, (84, 56)))]],
    )
    left, right = (encode(processor, prompts, images, side=side) for side in ("left", "right"))
    assert [real_ids(left, row) for row in (0, 1)] == [real_ids(right, row) for row in (0, 1)]
    assert left["attention_mask"][0, 0] == 0 and right["attention_mask"][0, -1] == 0
    one = encode(processor, prompts[:1], images[:1], side="left")
    assert real_ids(one, 0) == real_ids(left, 0)


def test_one_start_token(llava_folder: Path) -> None:
    processor = load_processor(resolve(str(llava_folder)))
    ids = real_ids(encode(processor, ["hello"], [[]], side="left"), 0)
    assert ids.count(processor.tokenizer.bos_token_id) == 1
    processor.chat_template = "<s>" + processor.chat_template
    assert real_ids(encode(processor, ["hello"], [[]], side="left"), 0) == ids


@pytest.mark.parametrize(("pixels", "tokens"), [(28 * 28, 1), (56 * 56, 4), (84 * 84, 9)])
def test_the_pixel_budget_bounds_image_tokens(qwen_folder: Path, pixels: int, tokens: int) -> None:
    processor = load_processor(resolve(str(qwen_folder)), max_pixels=pixels)
    ids = real_ids(encode(processor, ["?"], [[open_image(picture(0, (840, 840)))]], side="left"), 0)
    assert ids.count(processor.image_token_id) == tokens


def test_banned_and_end_tokens(qwen_folder: Path) -> None:
    model, processor = load_policy(resolve(str(qwen_folder)), "cpu")
    tokenizer = processor.tokenizer
    names = {"<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"}
    vocabulary = model.get_output_embeddings().weight.shape[0]
    banned = banned_ids(processor, model.config, vocabulary)
    assert set(tokenizer.convert_tokens_to_ids(sorted(names))) | set(range(len(tokenizer), vocabulary)) == set(banned)
    assert eos_ids(model, processor) == tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
