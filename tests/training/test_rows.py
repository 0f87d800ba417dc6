"""A training row: the prompt as the engine saw it, the loss on the completion, padding by position."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from halo_forge.engines.transformers import Generator, Request
from halo_forge.errors import UserError
from halo_forge.models import load_policy, resolve
from halo_forge.models.prompts import real_ids
from halo_forge.training.rows import IGNORED, Collator, Row
from tests.tiny import picture

KINDS = ["qwen_folder", "llava_folder", "llava_next_folder"]


def image(image_id: str) -> bytes:
    return picture(int(image_id), (56, 84) if int(image_id) % 2 else (56, 56))


ROWS = [
    Row("a", "How many? <|image_pad|> <image>", ("0",), "<answer>2</answer>"),
    Row("b", "Is it red or is it blue, and why?", ("1",), "red"),
    Row("c", "Compare.", ("2", "3"), "the same, <|im_end|> I think"),
]


@pytest.fixture(params=KINDS)
def loaded(request: pytest.FixtureRequest) -> tuple[Any, Any, str]:
    ref = resolve(str(request.getfixturevalue(request.param)))
    return *load_policy(ref, "cpu"), ref.family


def test_prompt_ids_equal_the_engines(loaded: tuple[Any, Any, str]) -> None:
    model, processor, family = loaded
    generator = Generator(model, processor, family)
    requests = [Request(row.prompt, tuple(image(name) for name in row.image_ids)) for row in ROWS]
    results: list[Any] = [[] for _ in requests]
    _, engine = generator._encode(requests, generator._open(requests, results), results, 8)
    assert engine is not None
    batch = Collator(model, processor, image, family)(ROWS)
    for place in range(len(ROWS)):
        prompt = real_ids(engine, place)
        assert batch["input_ids"][place, : len(prompt)].tolist() == prompt
        assert batch["labels"][place, : len(prompt)].eq(IGNORED).all()
        assert batch["labels"][place, len(prompt)] != IGNORED
    assert batch["pixel_values"].equal(engine["pixel_values"])


def test_labels_are_the_completion_and_its_end(loaded: tuple[Any, Any, str]) -> None:
    model, processor, family = loaded
    collator = Collator(model, processor, image, family)
    batch = collator(ROWS)
    for place, row in enumerate(ROWS):
        labels, ids, mask = (batch[name][place] for name in ("labels", "input_ids", "attention_mask"))
        learned = labels[labels != IGNORED].tolist()
        assert learned == collator.answer_ids(row)
        assert learned[-1] == processor.tokenizer.eos_token_id and learned.count(learned[-1]) == 1
        length = int(mask.sum())
        assert mask[:length].all() and ids[length - len(learned) : length].tolist() == learned
        assert labels[length:].eq(IGNORED).all()


def test_padding_is_by_position_even_when_it_looks_like_the_end_token(loaded: tuple[Any, Any, str]) -> None:
    model, processor, family = loaded
    processor.tokenizer.pad_token = processor.tokenizer.eos_token
    batch = Collator(model, processor, image, family)(ROWS)
    ends = (batch["labels"] == processor.tokenizer.eos_token_id).sum(dim=1)
    assert ends.tolist() == [1, 1, 1]
    assert batch["attention_mask"].sum() < batch["attention_mask"].numel()


def test_the_loss_does_not_depend_on_the_company_of_a_row(loaded: tuple[Any, Any, str]) -> None:
    import torch

    model, processor, family = loaded
    collator = Collator(model, processor, image, family)

    def losses(batch: dict[str, Any]) -> list[float]:
        labels = batch.pop("labels")
        with torch.no_grad():
            logits = model(**batch).logits[:, :-1]
        flat = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), reduction="none")
        return flat.view(len(labels), -1).sum(dim=1).tolist()

    together = losses(collator(ROWS))
    alone = [losses(collator([row]))[0] for row in ROWS]
    assert together == pytest.approx(alone, abs=1e-3)


def test_sampled_ids_are_used_as_they_are(qwen_folder: Path) -> None:
    ref = resolve(str(qwen_folder))
    collator = Collator(*load_policy(ref, "cpu"), image, ref.family)
    end = collator.eos[0]
    assert collator.answer_ids(Row("a", "?", (), "other text", (50, 60))) == [50, 60, end]
    assert collator.answer_ids(Row("a", "?", (), "other text", (50, 60, end))) == [50, 60, end]
    assert collator.answer_ids(Row("a", "?", (), "other text", (50, collator.eos[1]))) == [
        50,
        collator.eos[1],
    ]


def test_per_token_columns_are_extended_with_text(qwen_folder: Path) -> None:
    ref = resolve(str(qwen_folder))
    model, processor = load_policy(ref, "cpu")
    batch = Collator(model, processor, image, ref.family)(ROWS)
    kinds = batch["mm_token_type_ids"]
    assert kinds.shape == batch["input_ids"].shape
    assert kinds.bool().equal(batch["input_ids"] == processor.image_token_id)


def test_rows_that_cannot_be_trained_on_name_their_prompt(qwen_folder: Path) -> None:
    ref = resolve(str(qwen_folder))
    collator = Collator(*load_policy(ref, "cpu"), lambda name: b"broken", ref.family)
    banned = min(collator.banned)
    for row, reason in (
        (Row("bad-1", "?", ("0",), "x"), "image"),
        (Row("bad-2", "?", (), "x", (50, banned)), "image token"),
        (Row("bad-3", "? " * 600, (), "x"), "tokens"),
    ):
        with pytest.raises(UserError, match=row.prompt_id) as caught:
            collator([row])
        assert reason in str(caught.value)
