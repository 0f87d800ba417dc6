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
from dataclasses import dataclass
from pathlib import Path

from halo_forge.engines.engine import Answer, NoEngine, Request, RowError, Sampling, say
from halo_forge.engines.process import Child, Gone
from halo_forge.engines.vllm_setup import Run, environment, setup_of, smaller
from halo_forge.errors import UserError
from halo_forge.models.resolve import ModelRef

START_S = 1800.0
"""A large model read from a slow disk, with its graphs captured, takes minutes."""
ANSWER_S = 1800.0
"""Between two messages of an engine that is answering."""
_MEMORY = re.compile(r"out of memory|OutOfMemory|less than desired GPU memory utilization|bad_alloc", re.IGNORECASE)
_REASON = re.compile(r"\b(\w+(Error|Exception)): (.+)")


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


def _from_log(log: Path) -> str:
    """The error that vLLM's own processes ended with, to be put behind what we know; "" where there is none."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-400:]
    named = [match[0].strip() for line in lines if (match := _REASON.search(line))]
    telling = [line for line in named if _MEMORY.search(line)] or [line for line in named if "See " not in line]
    return f": {telling[0][:200]}" if telling else ""
