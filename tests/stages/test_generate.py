"""generate on tables: one row in, k rows out, resumable, errors as rows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from halo_forge import schema
from halo_forge.engines import choose, rollouts
from halo_forge.errors import UserError
from halo_forge.images import image_id
from halo_forge.keys import hash63
from halo_forge.progress import Progress
from halo_forge.stages import generate as stage
from halo_forge.stages.generate import STAGE, Config
from tests.engines.parts import needs_vllm
from tests.tiny import picture


def tables(folder: Path, rows: int = 5) -> Path:
    """prompts and images side by side; the prompts folder."""
    images: list[dict[str, Any]] = []
    prompts = []
    for number in range(rows):
        data = picture(number)
        images.append({"image_id": image_id(data), "image": {"bytes": data, "path": None}})
        prompts.append({"prompt_id": f"p{number}", "image_ids": [image_id(data)], "question": "q",
                        "prompt": f"How many in {number}?"})  # fmt: skip
    write(images, "images", folder)
    write(prompts, "prompts", folder)
    return folder / "prompts"


def write(rows: list[dict[str, Any]], name: str, folder: Path) -> None:
    (folder / name).mkdir(parents=True)
    pq.write_table(schema.from_rows(rows, name), folder / name / "part-00000.parquet")


def config(prompts: Path, model: Path, output: Path, **named: Any) -> Config:
    fixed = {
        "samples": 2,
        "max_new_tokens": 6,
        "temperature": 1.0,
        "batch_size": 2,
        "device": "cpu",
        "threads": 1,
    }
    return Config(prompts=str(prompts), model=str(model), output=str(output), **{**fixed, **named})


def test_k_rows_for_each_prompt(qwen_folder: Path, tmp_path: Path) -> None:
    prompts = tables(tmp_path)
    made = STAGE.run(config(prompts, qwen_folder, tmp_path / "c", cycle=3, seed=9)).read()
    assert made.schema.equals(schema.arrow("completions"))
    rows = made.to_pylist()
    keys = [(row["prompt_id"], row["sample_index"]) for row in rows]
    assert keys == [(f"p{number}", sample) for number in range(5) for sample in (0, 1)]
    for row in rows:
        assert row["error"] is None and row["cycle"] == 3 and row["temperature"] == 1.0
        assert row["model"] == str(qwen_folder) and len(row["model_digest"]) == 64
        assert row["completion_tokens"] == len(row["token_ids"]) == len(row["logprobs"]) <= 6
    assert [rows[place]["seed"] for place in (0, 3, 4, 8)] == [
        hash63(9, 3, "p0", "p1"), hash63(9, 3, "p0", "p1"), hash63(9, 3, "p2", "p3"), hash63(9, 3, "p4")
    ]  # fmt: skip


def test_greedy_beside_samples(qwen_folder: Path, tmp_path: Path) -> None:
    prompts = tables(tmp_path)
    both = STAGE.run(config(prompts, qwen_folder, tmp_path / "both", greedy=True)).read().to_pylist()
    alone = STAGE.run(config(prompts, qwen_folder, tmp_path / "g", samples=1, temperature=0.0)).read().to_pylist()
    assert [row["sample_index"] for row in both[:3]] == [0, 1, 2]
    assert [row["temperature"] for row in both[:3]] == [0.0, 1.0, 1.0]
    assert [row["completion"] for row in both if row["temperature"] == 0] == [row["completion"] for row in alone]


def test_the_same_bytes_again_and_after_a_kill(
    qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    prompts = tables(tmp_path, rows=6)
    small = dataclasses.replace(STAGE, part_rows=2)
    whole = small.run(config(prompts, qwen_folder, tmp_path / "whole"))
    real, calls = stage.rollouts, []

    def die(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(stage, "rollouts", die)
        small.run(config(prompts, qwen_folder, tmp_path / "broken"))
    assert len(list((tmp_path / "broken").glob("*.parquet"))) == 1
    resumed = small.run(config(prompts, qwen_folder, tmp_path / "broken"))
    assert [file.read_bytes() for file in resumed.files] == [file.read_bytes() for file in whole.files]


def test_a_finished_table_loads_no_model(qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = tables(tmp_path)
    STAGE.run(config(prompts, qwen_folder, tmp_path / "c"))
    monkeypatch.setattr(choose, "opened", lambda *_, **__: pytest.fail("loaded a model to do nothing"))
    STAGE.run(config(prompts, qwen_folder, tmp_path / "c", device="auto"))
    moved = shutil.copytree(qwen_folder, tmp_path / "elsewhere")
    STAGE.run(config(prompts, moved, tmp_path / "c"))
    for changed in ({"batch_size": 3}, {"temperature": 0.9}, {"seed": 1}, {"max_pixels": 784}):
        with pytest.raises(UserError, match="another run"):
            STAGE.run(config(prompts, qwen_folder, tmp_path / "c", **changed))


def test_errors_are_rows(qwen_folder: Path, tmp_path: Path) -> None:
    good, broken = picture(0), b"broken"
    images: list[dict[str, Any]] = [
        {"image_id": "good", "image": {"bytes": good, "path": None}},
        {"image_id": "broken", "image": {"bytes": broken, "path": None}},
        {"image_id": "failed", "image": None, "error": "could not be downloaded"},
    ]
    asked = {"fine": ["good"], "broken": ["broken"], "failed": ["failed"], "absent": ["nowhere"], "text": []}
    prompts: list[dict[str, Any]] = [
        {"prompt_id": name, "image_ids": ids, "question": "q", "prompt": "How many?"} for name, ids in asked.items()
    ]
    prompts.append({"prompt_id": "bad", "image_ids": ["good"], "question": "q", "error": "no question in row"})
    prompts.append({"prompt_id": "long", "image_ids": ["good"], "question": "q", "prompt": "x " * 600})
    write(images, "images", tmp_path)
    write(prompts, "prompts", tmp_path)
    made = STAGE.run(config(tmp_path / "prompts", qwen_folder, tmp_path / "c", batch_size=8)).read().to_pylist()
    assert len(made) == 2 * len(prompts)
    errors = {row["prompt_id"]: row["error"] for row in made if row["error"]}
    assert set(errors) == {"broken", "failed", "absent", "bad", "long"}
    assert "not an image" in errors["broken"] and "downloaded" in errors["failed"]
    assert "not in the images table" in errors["absent"] and "no question" in errors["bad"]
    assert "too long" in errors["long"]
    assert all((row["error_kind"] == "data") == (row["completion"] is None) for row in made)


def test_no_rows(qwen_folder: Path, tmp_path: Path) -> None:
    write([], "images", tmp_path)
    write([], "prompts", tmp_path)
    made = STAGE.run(config(tmp_path / "prompts", qwen_folder, tmp_path / "c")).read()
    assert made.num_rows == 0 and made.schema.equals(schema.arrow("completions"))


def test_as_a_function_of_tables(qwen_folder: Path, tmp_path: Path) -> None:
    prompts = tables(tmp_path, rows=2)
    chosen = config(prompts, qwen_folder, tmp_path / "c")
    batch = schema.conform(pq.read_table(prompts / "part-00000.parquet"), "prompts")
    images = schema.conform(pq.read_table(tmp_path / "images" / "part-00000.parquet"), "images")
    made = STAGE(batch, chosen, images=images)
    assert isinstance(made, pa.Table) and made.equals(STAGE.run(chosen).read())


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"engine": "vllm"}, "vLLM is not installed here"),
        ({"engine": "openai"}, "http://localhost:8000/v1"),
        ({"engine": "openai", "base_url": "localhost:8000"}, "http://localhost:8000/v1"),
        ({"engine": "openai", "base_url": "http://me:word@host/v1"}, "OPENAI_API_KEY"),
        ({"base_url": "http://localhost:8000/v1"}, "--engine openai"),
        ({"model": "served:a-model"}, "--engine openai"),
        ({"quantization": "fp8"}, "nf4"),
        ({"quantization": "nf4", "engine": "openai", "base_url": "http://a/v1"}, "another base"),
        ({"batch_invariant": True}, "--engine vllm"),
        ({"tensor_parallel": 2, "engine": "transformers"}, "--engine vllm"),
        ({"tensor_parallel": 2, "device": "cuda:1"}, "names one"),
        ({"engine": "vlm"}, "vllm"),
        ({"samples": 0}, "--samples"),
        ({"temperature": 0.0}, "--samples 1"),
        ({"top_p": 0.0}, "--top-p"),
        ({"max_pixels": -1}, "--max-pixels"),
    ],
)
def test_settings_that_make_no_sense(
    named: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "installed", lambda: False)
    named = {"model": tmp_path, **named}
    with pytest.raises(UserError) as caught:
        config(tmp_path, named.pop("model"), tmp_path, **named)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_images_must_be_somewhere(qwen_folder: Path, tmp_path: Path) -> None:
    prompts = tables(tmp_path)
    shutil.rmtree(tmp_path / "images")
    with pytest.raises(UserError, match="--images"):
        STAGE.run(config(prompts, qwen_folder, tmp_path / "c"))


class Kept(Progress):
    """Progress whose lines are looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def tell(self, event: str, text: str, **more: Any) -> None:
        self.lines.append(text)


def test_auto_goes_over_to_transformers_where_vllm_does_not_start(
    qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without vLLM its process fails to import it; with vLLM, to read its settings."""
    monkeypatch.setattr(choose, "accelerator_here", lambda: True)
    monkeypatch.setattr(choose, "installed", lambda: True)
    monkeypatch.setattr(choose, "refused", {})
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "no such level")
    prompts, show = tables(tmp_path, rows=2), Kept()
    asked = config(prompts, qwen_folder, tmp_path / "auto", device="auto")
    assert choose.settled(asked) == "vllm"
    made = STAGE.run(asked, progress=show)
    (line,) = (line for line in show.lines if "takes over" in line)
    assert line.startswith("generate: vLLM does not start: ") and line.endswith("engine transformers takes over")
    Path(line.partition("its log is ")[2].partition(";")[0]).unlink()
    plain = STAGE.run(config(prompts, qwen_folder, tmp_path / "plain", engine="transformers"), progress=show)
    assert made.read().equals(plain.read()) and choose.begun_with(tmp_path / "auto") == "transformers"
    again = Kept()
    STAGE.run(config(prompts, qwen_folder, tmp_path / "next", device="auto"), progress=again)
    assert not [line for line in again.lines if "takes over" in line], "it is not tried again"
    with pytest.raises(UserError, match="vLLM does not start") as caught:
        STAGE.run(config(prompts, qwen_folder, tmp_path / "must", engine="vllm"), progress=show)
    Path(str(caught.value).rpartition(" ")[2]).unlink()


@needs_vllm
def test_vllm_makes_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    prompts, others = tables(tmp_path), set(psutil.Process().children(recursive=True))
    named: dict[str, Any] = {"greedy": True, "engine": "vllm", "max_new_tokens": 12}
    base = Path("bundled:shapes/base")
    rows = STAGE.run(config(prompts, base, tmp_path / "c", **named)).read().to_pylist()
    assert set(psutil.Process().children(recursive=True)) <= others, "the engine and its memory are gone"
    assert [(row["prompt_id"], row["sample_index"]) for row in rows] == [
        (f"p{n}", i) for n in range(5) for i in range(3)
    ]
    for row in rows:
        assert row["error"] is None and row["completion_tokens"] == len(row["token_ids"]) == len(row["logprobs"])
        assert row["seed"] == hash63(0, 1, row["prompt_id"]) % rollouts.ROOM + row["sample_index"]
    monkeypatch.setattr(choose, "opened", lambda *_: pytest.fail("started an engine to do nothing"))
    STAGE.run(config(prompts, base, tmp_path / "c", **named, batch_size=7, tensor_parallel=1))
    STAGE.run(config(prompts, base, tmp_path / "c", **{**named, "engine": "auto"}))  # as it was begun
    for changed in ({"engine": "transformers"}, {"batch_invariant": True}):
        with pytest.raises(UserError, match="another run"):
            STAGE.run(config(prompts, base, tmp_path / "c", **{**named, **changed}))


def test_bits_of_seeds() -> None:
    chosen = config(Path("p"), Path("m"), Path("c"))
    seeds = [rollouts.prompt_seed(chosen, f"p{n}") for n in range(200)]
    assert len(set(seeds)) == 200 and max(seeds).bit_length() == 63 and max(seeds) + 2**20 <= 2**63


def test_further_samples_of_chosen_prompts_have_seeds_of_their_own(qwen_folder: Path, tmp_path: Path) -> None:
    prompts = tables(tmp_path)
    chosen = [{"prompt_id": f"p{n}", "asked": 3 * (n in (1, 4))} for n in (4, 3, 1, 0, 2)]
    write(chosen, "more", tmp_path)
    first = STAGE.run(config(prompts, qwen_folder, tmp_path / "c")).read()
    asked = config(prompts, qwen_folder, tmp_path / "d", more=str(tmp_path / "more"), samples=3, first_index=2)
    further = STAGE.run(asked).read()
    keys = [(row["prompt_id"], row["sample_index"]) for row in further.to_pylist()]
    assert keys == [(prompt, index) for prompt in ("p1", "p4") for index in (2, 3, 4)]
    assert set(further["seed"].to_pylist()).isdisjoint(first["seed"].to_pylist())
    again = STAGE.run(config(prompts, qwen_folder, tmp_path / "e", more=str(tmp_path / "more"), samples=3)).read()
    assert again["completion"].to_pylist() != further["completion"].to_pylist()  # by the first_index alone


def test_none_chosen_is_an_empty_table_and_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = tables(tmp_path)
    write([{"prompt_id": f"p{n}", "asked": 0} for n in range(5)], "more", tmp_path)
    monkeypatch.setattr(choose, "opened", lambda *_: pytest.fail("loaded a model to ask nobody"))
    asked = config(prompts, Path("bundled:shapes/base"), tmp_path / "c", more=str(tmp_path / "more"), first_index=2)
    assert STAGE.run(asked).rows == 0


def test_a_sequel_goes_on_in_seeds_too() -> None:
    first, sequel = (config(Path("p"), Path("m"), Path("c"), first_index=n) for n in (0, 4))
    assert rollouts.prompt_seed(sequel, "p0") == rollouts.prompt_seed(first, "p0") + 4
    assert rollouts.batch_seed(sequel, ["p0", "p1"]) != rollouts.batch_seed(first, ["p0", "p1"])
    with pytest.raises(UserError, match="--first-index goes on"):
        config(Path("p"), Path("m"), Path("c"), first_index=4, greedy=True)
