"""What an engine takes and gives, the same for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from halo_forge.errors import UserError
from halo_forge.progress import Progress


@dataclass(frozen=True)
class Request:
    """One prompt with the encoded bytes of its images, in order."""

    prompt: str
    images: tuple[bytes, ...] = ()
    seed: int = 0
    """Seed of the prompt's first completion, for engines that draw each prompt by itself."""


@dataclass(frozen=True)
class Sampling:
    """How completions are drawn. Temperature 0 is greedy."""

    n: int = 1
    temperature: float = 0.7
    top_p: float = 1.0
    max_new_tokens: int = 256
    seed: int = 0
    """Seed of the batch, for engines that draw a batch from one stream."""

    def __post_init__(self) -> None:
        if self.n < 1 or self.max_new_tokens < 1:
            raise ValueError(f"n and max_new_tokens must be at least 1, got {self.n} and {self.max_new_tokens}")
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ValueError(f"need temperature >= 0 and 0 < top_p <= 1, got {self.temperature} and {self.top_p}")
        if self.temperature == 0 and self.n != 1:
            raise ValueError("greedy decoding (temperature 0) gives one completion: n must be 1")


@dataclass(frozen=True)
class Completion:
    """One sampled answer. `token_ids` holds the end-of-sequence token where it was generated."""

    text: str
    token_ids: tuple[int, ...] | None
    """None where a server does not say them."""
    logprobs: tuple[float, ...] | None
    """Natural log, temperature 1, before any mask; one for each token id."""
    finish_reason: str
    """stop: the model ended it; length: cut at max_new_tokens."""
    prompt_tokens: int
    completion_tokens: int
    seed: int = 0
    """What it was drawn with."""


@dataclass(frozen=True)
class RowError:
    """Why a prompt has no completions. kind: data (final) or transient (owed)."""

    message: str
    kind: str = "data"


class NoEngine(UserError):
    """This engine does not start here; another one may."""


Answer = list[Completion] | RowError


def seeds(request: Request, samplings: Sequence[Sampling]) -> Iterator[int]:
    """Seed of each sampling's first completion, for engines that draw each prompt by itself: the request's, and one
    more for each completion before it, so that a completion's seed is the request's plus its place."""
    seed = request.seed
    for sampling in samplings:
        yield seed
        seed += sampling.n


def say(text: str) -> None:
    """One line on standard error, for what a user has to know also without progress lines."""
    Progress().note(text)


def too_long(tokens: int, room: int, limit: int) -> RowError:
    """The error of a prompt of `tokens` tokens where `room` are to follow and the model takes `limit`."""
    return RowError(f"prompt too long: {tokens} tokens and {room} to generate exceed the model's {limit}")


class Engine(Protocol):
    """A model ready to answer."""

    together: int | None
    """Prompts of one call that share a batch; None: each prompt is drawn by itself, any number may be asked."""

    def answer(self, requests: Sequence[Request], samplings: Sequence[Sampling]) -> list[Answer]:
        """Per request its completions, the samplings' one after the other, or why there are none."""

    def close(self) -> None:
        """Give back processes and memory. Does nothing the second time."""


def describe(error: BaseException) -> str:
    """The one-line reason of an exception (KeyError puts quotes around its own)."""
    text: object = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(str(text).split())[:300]
