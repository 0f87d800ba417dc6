"""Rollouts with vLLM, in a process of its own (halo_forge.engines.vllm_child), which is gone when `close` returns.

- One request with n samples for each prompt. Its seed is the prompt's, so what is sampled does not depend on the
  prompts around it (to the bit on a CPU and with `batch_invariant`; elsewhere up to rounding).
- A cycle's LoRA adapter is applied by vLLM to the base; one that changes the vision tower is merged first.
- An engine that dies is started again once, and what it had not answered is asked again, with the same seeds. Where
  it died for memory it comes back smaller. Rows on which it dies twice are transient errors.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from halo_forge.engines.adapters import loads_directly, merged, rank_of
from halo_forge.engines.engine import Answer, NoEngine, Request, RowError, Sampling, say
from halo_forge.engines.process import Child, Gone
from halo_forge.engines.vllm_child import Setup
from halo_forge.errors import UserError
from halo_forge.models.resolve import ModelRef

START_S = 1800.0
"""A large model read from a slow disk, with its graphs captured, takes minutes."""
ANSWER_S = 1800.0
"""Between two messages of an engine that is answering."""
_MEMORY = re.compile(r"out of memory|OutOfMemory|less than desired GPU memory utilization|bad_alloc", re.IGNORECASE)
_REASON = re.compile(r"\b(\w+(Error|Exception)): (.+)")


@dataclass(frozen=True)
class Run:
    """How vLLM runs; of these only the pixels, `dtype` and `batch_invariant` change what is sampled."""

    device: str = "auto"
    dtype: str = "auto"
    max_pixels: int | None = None
    min_pixels: int | None = None
    tensor_parallel: int = 1
    batch_invariant: bool = False
    threads: int = 0
    trust_remote_code: bool = False


@dataclass
class _Process:
    """The child of the moment with its log, and what else has to go in the end."""

    stack: ExitStack
    log: Path
    child: Child | None = None

    def stop(self, grace: float = 20.0) -> None:
        if self.child is not None:
            self.child.stop(grace)
            self.child = None

    def close(self) -> None:
        self.stop()
        self.stack.close()
        self.log.unlink(missing_ok=True)


class VLLMEngine:
    """A running vLLM that answers with the policy `ref`. Raises NoEngine when it does not start."""

    together: int | None = None

    def __init__(self, ref: ModelRef, run: Run | None = None, tell: Callable[[str], None] = say) -> None:
        run = run or Run()
        handle, log = tempfile.mkstemp(prefix="halo-forge-vllm-", suffix=".log")
        os.close(handle)
        self.tell, self.env = tell, environment(ref, run)
        self.process = _Process(ExitStack(), Path(log))
        self._close = weakref.finalize(self, self.process.close)
        self.fruitless = 0
        """Calls in a row in which it died without one answer."""
        try:
            self.setup = setup_of(ref, run, self.process.stack)
            self._start()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the process and everything it started; their memory is free then."""
        self._close()

    def answer(self, requests: Sequence[Request], samplings: Sequence[Sampling]) -> list[Answer]:
        """Per request its completions, the samplings' one after the other, or why there are none.

        Raises UserError when the engine died in two calls in a row without answering anything.
        """
        answers: dict[int, Answer] = {}
        for last in (False, True):
            try:
                if self.process.child is None:
                    self._start_again()
                self._ask(requests, samplings, answers)
                break
            except (Gone, TimeoutError) as error:
                reason = self._died(error)
                left = [place for place in range(len(requests)) if place not in answers]
                again = "they can be tried again later" if last else "it is started again for them"
                self.tell(f"generate: vLLM ended ({reason}) with {len(left)} prompts unanswered; {again}")
        else:
            self.fruitless += not answers
            if self.fruitless == 2:
                raise UserError(f"vLLM ends whatever it is asked ({reason}): use --engine transformers")
            answers |= {place: RowError(f"vLLM ended twice on the way: {reason}", "transient") for place in left}
            return [answers[place] for place in range(len(requests))]
        self.fruitless = 0
        return [answers[place] for place in range(len(requests))]

    def _ask(self, requests: Sequence[Request], samplings: Sequence[Sampling], answers: dict[int, Answer]) -> None:
        """Put answers to what is not in `answers` there as they come. Raises Gone."""
        child = self.process.child
        assert child is not None
        waiting = iter([(place, request) for place, request in enumerate(requests) if place not in answers])
        child.send(("answer", list(samplings)))
        while True:
            kind, *values = child.receive(ANSWER_S)
            if kind == "more":
                child.send(list(itertools.islice(waiting, values[0])))
            elif kind == "done":
                answers[values[0]] = values[1]
            elif kind == "failed":
                raise UserError(values[0])
            else:
                return

    def _start(self) -> None:
        """Start it; where it does not fit into memory, once more and smaller. Raises NoEngine."""
        try:
            self._launch()
        except (Gone, TimeoutError) as first:
            reason = self._died(first)
            if not _MEMORY.search(reason):
                raise self._refused(reason) from first
            self.tell(f"generate: vLLM does not fit ({reason}); trying with {self.setup.sequences} at a time")
            try:
                self._launch()
            except (Gone, TimeoutError) as second:
                raise self._refused(self._died(second)) from second

    def _launch(self) -> None:
        with open(self.process.log, "wb") as log:
            child = self.process.child = Child("halo_forge.engines.vllm_child:serve", log, self.env)
        child.send(self.setup)
        kind, said = child.receive(START_S)
        if kind == "failed":
            raise Gone(said)

    def _start_again(self) -> None:
        try:
            self._start()
        except NoEngine as error:  # it ran before: no reason to go over to another engine in the middle of a table
            raise UserError(str(error)) from error

    def _died(self, error: Exception) -> str:
        """Clean up after an engine that ended; why it did. Smaller from now on where it was for memory."""
        reason = f"{error}{_from_log(self.process.log)}"
        self.process.stop(grace=0)
        if _MEMORY.search(reason):
            self.setup = smaller(self.setup)
        return reason

    def _refused(self, reason: str) -> NoEngine:
        kept = self.process.log.with_suffix(".kept.log")
        shutil.copyfile(self.process.log, kept)
        return NoEngine(f"vLLM does not start: {reason}; its log is {kept}")


def smaller(setup: Setup) -> Setup:
    """`setup` with a quarter of the completions at a time and less memory taken beforehand."""
    return replace(setup, sequences=max(setup.sequences // 4, 1), memory=round(setup.memory * 0.85, 3))


def setup_of(ref: ModelRef, run: Run, stack: ExitStack) -> Setup:
    """What to load for `ref`; a merged copy that has to be made lives until `stack` closes."""
    folder, lora, rank = ref.base, None, 0
    if ref.adapter and loads_directly(Path(ref.adapter), ref.family):
        lora, rank = ref.adapter, rank_of(Path(ref.adapter))
    elif ref.adapter:
        folder = str(stack.enter_context(merged(ref, run.trust_remote_code)))
    return Setup(
        ref,
        folder,
        lora,
        lora_rank=rank,
        dtype=run.dtype,
        max_pixels=run.max_pixels,
        min_pixels=run.min_pixels,
        tensor_parallel=run.tensor_parallel,
        trust_remote_code=run.trust_remote_code,
    )


def environment(ref: ModelRef, run: Run) -> dict[str, str]:
    """Environment variables of the child."""
    env = {**os.environ, "VLLM_NO_USAGE_STATS": "1", "VLLM_BATCH_INVARIANT": str(int(run.batch_invariant))}
    env.setdefault("VLLM_CPU_KVCACHE_SPACE", "4")  # GiB; its own default is nearly all of main memory
    if Path(ref.base).is_dir():
        env.setdefault("HF_HUB_OFFLINE", "1")  # nothing to ask the hub
    if run.threads:
        env |= {"OMP_NUM_THREADS": str(run.threads), "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    if run.device.startswith("cuda:"):
        number = int(run.device.partition(":")[2])
        visible = env.get("CUDA_VISIBLE_DEVICES", "")
        env["CUDA_VISIBLE_DEVICES"] = visible.split(",")[number] if visible else str(number)
    return env


def _from_log(log: Path) -> str:
    """The error that vLLM's own processes ended with, to be put behind what we know; "" where there is none."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-400:]
    named = [match[0].strip() for line in lines if (match := _REASON.search(line))]
    telling = [line for line in named if _MEMORY.search(line)] or [line for line in named if "See " not in line]
    return f": {telling[0][:200]}" if telling else ""
