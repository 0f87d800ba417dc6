"""Rollouts of real tiny models: what they depend on, what is noted, what is banned, what goes wrong row by
row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from halo_forge.engines import transformers
from halo_forge.engines.engine import Completion, Request, RowError, Sampling
from halo_forge.engines.transformers import Generator
from halo_forge.images import open_image
from halo_forge.models import load_policy, resolve
from halo_forge.models.prompts import encode, real_ids
from tests.tiny import picture

DRAWN = Sampling(n=3, temperature=1.0, max_new_tokens=12, seed=7)
GREEDY = Sampling(n=1, temperature=0.0, max_new_tokens=12)
REQUESTS = [
    Request("How many?", (picture(0),)),
    Request("Is the red one left of the blue one?", (picture(1, (84, 56)), picture(2))),
    Request("No image here."),
]


@pytest.fixture(scope="module")
def qwen(qwen_folder: Path) -> Generator:
    ref = resolve(str(qwen_folder))
    return Generator(*load_policy(ref, "cpu"), ref.family)


def completions(answer: list[Completion] | RowError) -> list[Completion]:
    assert isinstance(answer, list)
    return answer


def ids_of(completion: Completion) -> list[int]:
    assert completion.token_ids is not None
    return list(completion.token_ids)


def logprobs_of(completion: Completion) -> list[float]:
    assert completion.logprobs is not None
    return list(completion.logprobs)


def test_same_seed_same_bytes_other_seed_other_samples(qwen: Generator) -> None:
    import torch

    first = qwen.answer(REQUESTS, [DRAWN])
    torch.rand(5)  # the process's own random stream has no part in it
    assert qwen.answer(REQUESTS, [DRAWN]) == first
    other = Sampling(n=3, temperature=1.0, max_new_tokens=12, seed=8)
    assert qwen.answer(REQUESTS, [other]) != first


def test_sampling_leaves_the_processes_random_stream_alone(qwen: Generator) -> None:
    import torch

    torch.manual_seed(3)
    expected = torch.rand(2).tolist()
    torch.manual_seed(3)
    qwen.answer(REQUESTS[:1], [DRAWN])
    assert torch.rand(2).tolist() == expected


def test_every_row_has_its_samples_in_the_order_of_the_plan(qwen: Generator) -> None:
    answers = qwen.answer(REQUESTS, [GREEDY, DRAWN])
    assert [len(completions(answer)) for answer in answers] == [4, 4, 4]
    assert [completions(answer)[0] for answer in answers] == [
        completions(answer)[0] for answer in qwen.answer(REQUESTS, [GREEDY])
    ]
    assert len({completion.token_ids for completion in completions(answers[0])[1:]}) > 1


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN], ids=["greedy", "sampled"])
@pytest.mark.parametrize("kind", ["qwen_folder", "llava_folder", "llava_next_folder"])
def test_logprobs_are_the_models_own(kind: str, sampling: Sampling, request: pytest.FixtureRequest) -> None:
    """One forward pass over prompt and completion gives the same numbers, at temperature 1 and without the
    ban."""
    import torch

    ref = resolve(str(request.getfixturevalue(kind)))
    model, processor = load_policy(ref, "cpu")
    generator = Generator(model, processor, ref.family)
    hot = Sampling(sampling.n, sampling.temperature * 0.6, 0.9 if sampling.temperature else 1.0, 12, 5)
    asked = [Request("How many?", (picture(0),)), Request("Is a longer prompt padded?", (picture(1),))]
    for row, answer in zip(asked, generator.answer(asked, [hot]), strict=True):
        inputs = encode(processor, [row.prompt], [[open_image(data) for data in row.images]], side="left")
        prompt = real_ids(inputs, 0)
        for completion in completions(answer):
            assert completion.prompt_tokens == len(prompt)
            ids = ids_of(completion)
            logits = model(**_extended(inputs, ids)).logits[0, len(prompt) - 1 : -1]
            expected = torch.log_softmax(logits.float(), -1)[range(len(ids)), ids]
            assert torch.allclose(torch.tensor(logprobs_of(completion)), expected, atol=2e-4)


def _extended(inputs: dict[str, Any], ids: list[int]) -> dict[str, Any]:
    import torch

    tail = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
    tail["mm_token_type_ids"] = torch.zeros(1, len(ids), dtype=torch.long)
    return {name: torch.cat([value, tail[name]], 1) if name in tail else value for name, value in inputs.items()}


def test_image_tokens_are_never_produced(qwen_folder: Path) -> None:
    """With a head that wants nothing but image tokens, none comes out; the log-probabilities still show
    the wish."""
    import torch

    ref = resolve(str(qwen_folder))
    model, processor = load_policy(ref, "cpu")
    generator = Generator(model, processor, ref.family)
    head = model.get_output_embeddings()
    head.weight.data.mul_(0.01)
    bias = torch.zeros(head.weight.shape[0])
    bias[generator.banned] = 9.0
    head.bias = torch.nn.Parameter(bias)
    for answer in generator.answer(REQUESTS, [GREEDY, DRAWN]):
        for completion in completions(answer):
            assert not set(generator.banned) & set(ids_of(completion))
            assert max(logprobs_of(completion)) < -5


def test_an_end_token_ends_and_stays(qwen_folder: Path) -> None:
    import torch

    ref = resolve(str(qwen_folder))
    model, processor = load_policy(ref, "cpu")
    generator = Generator(model, processor, ref.family)
    head = model.get_output_embeddings()
    bias = torch.zeros(head.weight.shape[0])
    bias[generator.eos[0]] = 3.0
    head.bias = torch.nn.Parameter(bias)
    seen = set()
    for answer in generator.answer(REQUESTS, [Sampling(n=8, temperature=1.0, max_new_tokens=4, seed=1)]):
        for completion in completions(answer):
            seen.add(completion.finish_reason)
            ids = ids_of(completion)
            ended = ids[-1] in generator.eos
            assert completion.finish_reason == ("stop" if ended else "length")
            assert not set(ids[:-1]) & set(generator.eos)
            assert len(ids) == len(logprobs_of(completion)) == completion.completion_tokens
            assert ended or len(ids) == 4
            assert "<|im_end|>" not in completion.text
    assert seen == {"stop", "length"}


def test_a_bad_row_harms_no_other(qwen: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    def choosy(processor: Any, prompts: list[str], images: Any, **named: Any) -> Any:
        if "Strange?" in prompts:
            raise ValueError("aspect ratio\nof this image")
        return encode(processor, prompts, images, **named)

    monkeypatch.setattr(transformers, "encode", choosy)
    good, strange = Request("How many?", (picture(0),)), Request("Strange?", (picture(0),))
    rows = [good, Request("?", (b"not an image",)), Request("x " * 600, (picture(1),)), strange, good]
    answers = qwen.answer(rows, [GREEDY])
    errors = {place: answer for place, answer in enumerate(answers) if isinstance(answer, RowError)}
    assert set(errors) == {1, 2, 3}
    assert {error.kind for error in errors.values()} == {"data"}
    assert "not an image" in errors[1].message and "too long" in errors[2].message
    assert errors[3].message == "the processor refused it: aspect ratio of this image"
    assert answers[0] == answers[4] == qwen.answer([good, good], [GREEDY])[0]


def test_only_bad_rows(qwen: Generator) -> None:
    answers = qwen.answer([Request("?", (b"",)), Request("?", (b"x",))], [DRAWN])
    assert all(isinstance(answer, RowError) for answer in answers)


def test_out_of_memory_halves_the_batch_for_good(qwen_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    ref, said = resolve(str(qwen_folder)), list[str]()
    small = Generator(*load_policy(ref, "cpu"), ref.family, together=4, tell=said.append)
    real, sizes = small._answer, list[int]()

    def limited(requests: Any, samplings: Any) -> Any:
        sizes.append(len(requests))
        if len(requests) > 2 or any(request.prompt == "too large" for request in requests):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return real(requests, samplings)

    monkeypatch.setattr(small, "_answer", limited)
    four = [Request(f"How many in {n}?", (picture(n),)) for n in range(4)]
    answers = small.answer(four, [DRAWN])
    assert sizes == [4, 2, 2] and len(said) == 1 and "going on with 2" in said[0]
    assert all(isinstance(answer, list) for answer in answers)
    seeds = [completions(answer)[0].seed for answer in answers]
    assert seeds[0] == seeds[1] != seeds[2] == seeds[3] and DRAWN.seed not in seeds
    again = [replace(DRAWN, seed=seed) for seed in (seeds[0], seeds[2])]
    assert answers == real(four[:2], again[:1]) + real(four[2:], again[1:]), "the seeds say how they were drawn"
    sizes.clear()
    failed = small.answer([four[0], Request("too large"), four[1]], [GREEDY])
    assert sizes == [2, 1, 1, 1]
    assert [isinstance(answer, RowError) and answer.kind for answer in failed] == [False, "transient", False]


@pytest.mark.parametrize("bad", [{"n": 0}, {"temperature": -1.0}, {"top_p": 0.0}, {"temperature": 0.0, "n": 2}])
def test_sampling_that_makes_no_sense(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Sampling(**bad)
