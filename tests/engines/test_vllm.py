"""vLLM itself, in its child process, on tiny models: what it samples is what the other engine samples and what the
trainer trains on; it comes back when it is killed."""

from __future__ import annotations

import dataclasses
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from halo_forge.engines.engine import Completion, NoEngine, Request, RowError, Sampling
from halo_forge.engines.isolated import accelerator_here
from halo_forge.engines.process import members
from halo_forge.engines.rollouts import ROOM, rollouts
from halo_forge.engines.transformers import Generator
from halo_forge.engines.vllm import VLLMEngine
from halo_forge.engines.vllm_setup import Run, setup_of, smaller
from halo_forge.images import open_image
from halo_forge.keys import hash63
from halo_forge.models import load_policy, resolve
from halo_forge.models.families import BY_NAME
from halo_forge.models.prompts import banned_ids, prompt_ids
from halo_forge.stages import generate
from tests.engines.parts import adapter, completions, llava, needs_vllm, scenes, uniform
from tests.tiny import picture

pytestmark = needs_vllm
RUN = Run(dtype="float32", threads=1)
BASE = "bundled:shapes/base"
GREEDY = Sampling(1, 0.0, 1.0, 40)


def started(model: Path | str, said: list[str] | None = None) -> VLLMEngine:
    kept: list[str] = [] if said is None else said
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
        return VLLMEngine(resolve(str(model)), RUN, kept.append)


def others(model: Path | str, requests: list[Request], sampling: Sampling) -> list[Completion]:
    """The greedy answers of the transformers engine."""
    ref = resolve(str(model))
    generator = Generator(*load_policy(ref, "cpu"), ref.family)
    return [completions(answer)[0] for answer in generator.answer(requests, [sampling])]


def same(ours: list[Completion], theirs: list[Completion]) -> None:
    assert [c.token_ids for c in ours] == [c.token_ids for c in theirs]
    assert [c.text for c in ours] == [c.text for c in theirs]
    assert [(c.finish_reason, c.prompt_tokens) for c in ours] == [(c.finish_reason, c.prompt_tokens) for c in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=2e-4)


@pytest.fixture(scope="module")
def base() -> Iterator[VLLMEngine]:
    engine = started(BASE)
    yield engine
    engine.close()


def test_greedy_is_what_transformers_says(base: VLLMEngine) -> None:
    asked = scenes(24)
    answers = base.answer(asked, [GREEDY, Sampling(2, 1.0, 1.0, 40)])
    same([completions(answer)[0] for answer in answers], others(BASE, asked, GREEDY))
    assert {c.finish_reason for answer in answers for c in completions(answer)} == {"stop"}


def test_prompt_ids_are_the_trainers(base: VLLMEngine) -> None:
    """Also where a question names the image placeholder, has no image, or two of other sizes."""
    from halo_forge.training.rows import IGNORED, Collator, Row

    model, processor = load_policy(resolve(BASE), "cpu")
    images = {"a": picture(0), "b": picture(1, (112, 56))}
    asked = {"One?": ("a",), "Two <|image_pad|> and <|im_end|>?": ("a", "b"), "None?": ()}
    collator = Collator(model, processor, images.__getitem__, "qwen_vl")
    requests = [Request(text, tuple(images[name] for name in names)) for text, names in asked.items()]
    made = [completions(answer)[0] for answer in base.answer(requests, [GREEDY])]
    for (text, names), completion in zip(asked.items(), made, strict=True):
        assert completion.token_ids
        batch = collator([Row("p", text, names, completion.text, completion.token_ids)])
        trained = batch["input_ids"][0][batch["labels"][0] == IGNORED].tolist()
        opened = [open_image(images[name]) for name in names]
        assert trained == prompt_ids(processor, text, opened) and len(trained) == completion.prompt_tokens
    same(made, others(BASE, requests, GREEDY))  # the same log-probabilities: the same ids, not only as many


def test_a_prompts_samples_do_not_depend_on_the_others(base: VLLMEngine) -> None:
    asked, drawn = scenes(12), Sampling(3, 1.3, 0.9, 20)
    together = base.answer(asked, [drawn])
    assert together == base.answer(asked[:5], [drawn]) + base.answer(asked[5:], [drawn])
    assert [completion.seed for completion in completions(together[2])] == [2000, 2001, 2002]
    alone = dataclasses.replace(asked[2], seed=2001)
    later = completions(base.answer([alone], [Sampling(1, 1.3, 0.9, 20)])[0])
    assert later == [completions(together[2])[1]], "the seed of a completion says how it was drawn"
    moved = base.answer([dataclasses.replace(request, seed=request.seed + 7) for request in asked], [drawn])
    assert moved != together


def test_later_samples_go_on_where_the_first_ones_ended(base: VLLMEngine) -> None:
    """Eight drawn at once are the first four and then the four from index 4 on: none comes twice, none is skipped."""
    asked = scenes(8)
    rows = [
        {"prompt_id": f"{i:064x}", "prompt": request.prompt, "image_ids": [str(i)], "error": None}
        for i, request in enumerate(asked)
    ]
    pictures = {str(i): request.images[0] for i, request in enumerate(asked)}

    def drawn(samples: int, first: int = 0) -> list[dict[str, object]]:
        named = {"engine": "vllm", "temperature": 1.0, "max_new_tokens": 40, "seed": 3, "cycle": 2}
        config = generate.Config(prompts="", model=BASE, output="", samples=samples, first_index=first, **named)
        return rollouts(rows, pictures, config, base, "digest")

    whole, parts = drawn(8), drawn(4) + drawn(4, first=4)
    assert whole == sorted(parts, key=lambda row: (row["prompt_id"], row["sample_index"]))
    first = {row["prompt_id"]: hash63(3, 2, row["prompt_id"]) % ROOM for row in rows}
    assert [row["seed"] for row in whole] == [first[row["prompt_id"]] + i for row in rows for i in range(8)]
    assert len({row["seed"] for row in whole}) == len(whole)


def test_a_bad_row_harms_no_other(base: VLLMEngine) -> None:
    good = scenes(1)[0]
    rows = [good, Request("?", (b"not an image",)), Request("x " * 3000, good.images), good]
    answers = base.answer(rows, [GREEDY])
    assert answers[0] == answers[3] == base.answer([good], [GREEDY])[0]
    errors = [answer for answer in answers if isinstance(answer, RowError)]
    assert [error.kind for error in errors] == ["data", "data"]
    assert "not an image" in errors[0].message and "maximum context length" in errors[1].message


def test_an_adapter_is_applied_as_it_is(base: VLLMEngine, tmp_path: Path) -> None:
    asked = scenes(8)
    folder = adapter(BASE, tmp_path / "adapter", BY_NAME["qwen_vl"].lora_targets)
    engine = started(folder)
    try:
        assert engine.setup.lora == str(folder) and engine.setup.folder == resolve(BASE).base
        ours = [completions(answer)[0] for answer in engine.answer(asked, [GREEDY])]
    finally:
        engine.close()
    same(ours, others(folder, asked, GREEDY))
    assert [c.text for c in ours] != [completions(a)[0].text for a in base.answer(asked, [GREEDY])]


def test_an_adapter_on_the_vision_tower_is_merged(base: VLLMEngine, tmp_path: Path) -> None:
    asked = scenes(8)
    folder = adapter(BASE, tmp_path / "adapter", r".*visual.*(qkv|proj|fc1|fc2)", strength=16)
    engine = started(folder)
    merged = Path(engine.setup.folder)
    try:
        assert engine.setup.lora is None and merged.is_dir()
        ours = [completions(answer)[0] for answer in engine.answer(asked, [GREEDY])]
    finally:
        engine.close()
    assert not merged.exists()
    same(ours, others(folder, asked, GREEDY))
    assert [c.text for c in ours] != [completions(a)[0].text for a in base.answer(asked, [GREEDY])]


def test_llava_and_its_adapter(tmp_path: Path) -> None:
    asked = [Request(f"How many in {n}?", (picture(n),)) for n in range(6)] + [Request("No image.")]
    plain = llava(tmp_path / "model")
    folder = adapter(str(plain), tmp_path / "adapter", BY_NAME["llava"].lora_targets)
    engine = started(folder)
    try:
        assert engine.setup.lora == str(folder)
        ours = [completions(answer)[0] for answer in engine.answer(asked, [GREEDY])]
    finally:
        engine.close()
    same(ours, others(folder, asked, GREEDY))
    assert [c.token_ids for c in ours] != [c.token_ids for c in others(plain, asked, GREEDY)]


def test_image_tokens_are_banned_and_a_killed_engine_comes_back(tmp_path: Path) -> None:
    folder, said = uniform(tmp_path / "model"), list[str]()
    model, processor = load_policy(resolve(str(folder)), "cpu")
    size = int(model.config.get_text_config().vocab_size)
    banned = set(banned_ids(processor, model.config, size))
    asked = [Request(f"How many in {n}?", (picture(n),), seed=100 * n) for n in range(48)]
    engine = started(folder, said)
    try:
        drawn = [Sampling(4, 1.0, 1.0, 120)]
        before = engine.answer(asked, drawn)
        every = [c for answer in before for c in completions(answer)]
        tokens = [token for c in every for token in c.token_ids or ()]
        assert len(tokens) * len(banned) / size > 100 and not banned.intersection(tokens)
        assert {round(p, 4) for c in every for p in c.logprobs or ()} == {round(-math.log(size), 4)}, "before the ban"

        child = engine.process.child
        assert child is not None
        killer = threading.Timer(0.3, os.kill, (child.pid, signal.SIGKILL))
        killer.start()
        after = engine.answer(asked, drawn)
        killer.join()
        assert engine.process.child is not child and not members(child.pid)
        assert after == before
        assert len(said) == 1 and "killed by SIGKILL" in said[0] and "started again" in said[0]
    finally:
        engine.close()
    assert engine.process.child is None and not engine.process.log.exists()


def test_what_cannot_start_says_why(tmp_path: Path, qwen_folder: Path) -> None:
    ref = dataclasses.replace(resolve(str(qwen_folder)), base=str(tmp_path / "gone"))
    began = time.time()
    with pytest.raises(NoEngine, match=r"vLLM does not start: .+; its log is .+\.log") as caught:
        VLLMEngine(ref, RUN)
    log = Path(str(caught.value).rpartition(" ")[2])
    assert log.read_text() and time.time() - began < 120
    log.unlink()


def test_batch_invariance_is_refused_where_there_is_none(qwen_folder: Path) -> None:
    if accelerator_here():
        pytest.skip("this machine may have it")
    with pytest.raises(NoEngine, match="no batch-invariant mode for CPUs") as caught:
        VLLMEngine(resolve(str(qwen_folder)), dataclasses.replace(RUN, batch_invariant=True))
    Path(str(caught.value).rpartition(" ")[2]).unlink()


def test_engines_that_die_for_memory_come_back_smaller() -> None:
    setup = setup_of(resolve(BASE), RUN, ExitStack())
    less = smaller(setup)
    assert less.sequences == setup.sequences // 4 and less.memory < setup.memory
    assert dataclasses.replace(less, sequences=setup.sequences, memory=setup.memory) == setup
