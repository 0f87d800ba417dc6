"""Rollouts from a server that speaks the OpenAI protocol: a running `vllm serve`, or another.

- Where the server runs vLLM and `--model` is a model that halo-forge can read too, prompts are the trainer's to the
  token (checked), image tokens are banned, token ids and log-probabilities are kept, and a cycle's adapter is loaded.
- Of any other (`--model served:NAME`) only text is asked, one request for each completion.
- What passes (429, 5xx, no connection, no answer in time) is tried again, later and later, and is a transient error
  in the end. What the server refuses for good is a data error of that prompt.
- The key is OPENAI_API_KEY from the environment: sent to the server alone, written down nowhere.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from halo_forge.engines.adapters import loads_directly
from halo_forge.engines.engine import Answer, Completion, Request, RowError, Sampling, seeds
from halo_forge.engines.http import Refused, Server, Unavailable
from halo_forge.engines.same import SamePrompts
from halo_forge.errors import UserError
from halo_forge.images import ImageError, open_image
from halo_forge.models.families import BY_NAME
from halo_forge.models.resolve import ModelRef

LORA_HINT = "start it with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True vllm serve … --enable-lora --max-lora-rank 64"


class OpenAIEngine:
    """A model on a server. `ref` is the model as halo-forge reads it; None: `name` is all that is known of it."""

    together: int | None = None

    def __init__(
        self,
        server: Server,
        name: str,
        ref: ModelRef | None = None,
        *,
        max_pixels: int | None = None,
        min_pixels: int | None = None,
    ) -> None:
        self.server = server
        cards = models_of(server)
        self.is_vllm = any(card.get("owned_by") == "vllm" for card in cards)
        self.model = _served(server, cards, name, ref)
        self.same = _Same(ref, max_pixels, min_pixels) if ref is not None and self.is_vllm else None
        self.loaded = ""
        if ref is not None and ref.adapter:
            self._load_adapter(ref, cards)

    def close(self) -> None:
        """Take the adapter back and close the connections."""
        if self.loaded:
            with contextlib.suppress(Refused, Unavailable):  # it makes room by itself
                self.server.post("/unload_lora_adapter", {"lora_name": self.loaded})
            self.loaded = ""
        self.server.close()

    def answer(self, requests: Sequence[Request], samplings: Sequence[Sampling]) -> list[Answer]:
        """Per request its completions, the samplings' one after the other, or why there are none.

        Raises UserError where the key is wrong, the model is gone, or the server makes other prompts of ours.
        """
        pool = ThreadPoolExecutor(self.server.connections, thread_name_prefix="openai")
        try:
            return list(pool.map(lambda request: self._answer(request, samplings), requests))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _answer(self, request: Request, samplings: Sequence[Sampling]) -> Answer:
        made: list[Completion] = []
        try:
            images = [open_image(data) for data in request.images]
            messages = self._messages(request.prompt, images)
            for sampling, seed in zip(samplings, seeds(request, samplings), strict=True):
                made += self._draw(messages, sampling, seed, request.prompt, images)
        except ImageError as error:
            return RowError(str(error))
        except Unavailable as error:
            return RowError(str(error), "transient")
        except Refused as error:
            if error.status == 404:
                raise UserError(f"{self.server.base_url} no longer serves {self.model}: {error}") from error
            return RowError(f"the server refused it ({error.status}): {error}")
        if self.same and any(self.same.banned.intersection(completion.token_ids or ()) for completion in made):
            return RowError("the model wrote a token that stands for no text")
        return made

    def _messages(self, prompt: str, images: list[Any]) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": _url(image)}} for image in images]
        text = self.same.harmless(prompt) if self.same else prompt
        return [{"role": "user", "content": [*parts, {"type": "text", "text": text}]}]

    def _draw(self, messages: Any, sampling: Sampling, seed: int, prompt: str, images: list[Any]) -> list[Completion]:
        """The completions of one sampling: at once from vLLM, one by one from servers that may not know `n`."""
        body = {
            "model": self.model,
            "messages": messages,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_new_tokens,
        }
        if not self.is_vllm:
            few = [(seed + i) % 2**31 for i in range(sampling.n)]  # some servers read 32 bits
            return [self._read(self.server.post("/chat/completions", {**body, "seed": one}), one)[0] for one in few]
        own = {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}  # not the model's own sampling habits
        body |= {"n": sampling.n, "seed": seed, **own, **(self.same.body if self.same else {})}
        said = self.server.post("/chat/completions", body)
        if self.same:
            self._compare(self.same, prompt, images, said)
        return self._read(said, seed)

    def _compare(self, same: _Same, prompt: str, images: list[Any], said: Any) -> None:
        """Raises UserError where the server does not ask the model what the trainer asks it."""
        try:
            same.prompts.check(prompt, images, said.get("prompt_token_ids"))
        except ValueError as error:
            raise UserError(
                f"{self.server.base_url} makes {error}: serve the same model with its own chat template"
                f"{' and' + same.bounds if same.bounds else ''}, or use --engine vllm"
            ) from error

    def _read(self, said: Any, seed: int) -> list[Completion]:
        """The completions in an answer. Raises Unavailable for an answer that is none."""
        try:
            choices = sorted(said["choices"], key=lambda choice: int(choice.get("index", 0)))
            tokens = said.get("usage") or {}
            return [
                self._completion(choice, tokens, len(choices), seed + place) for place, choice in enumerate(choices)
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unavailable(f"{self.server.base_url} gave an answer without a completion: {error}") from error

    def _completion(self, choice: Any, tokens: Any, among: int, seed: int) -> Completion:
        ids = tuple(int(token) for token in choice["token_ids"]) if self.same else None
        logprobs = None
        if ids is not None:
            logprobs = tuple(float(step["logprob"]) for step in choice["logprobs"]["content"])
            if len(logprobs) != len(ids):
                raise ValueError(f"{len(ids)} token ids and {len(logprobs)} log-probabilities")
        count = len(ids) if ids is not None else int(tokens.get("completion_tokens") or 0) // among
        text = str(choice["message"].get("content") or "")
        reason = str(choice.get("finish_reason") or "stop")
        return Completion(text, ids, logprobs, reason, int(tokens.get("prompt_tokens") or 0), count, seed)

    def _load_adapter(self, ref: ModelRef, cards: list[dict[str, Any]]) -> None:
        folder = Path(str(ref.adapter))
        if not loads_directly(folder, ref.family):
            raise UserError(f"{ref.given} changes more than the language model: a server takes no such adapter")
        check_takes_adapters(self.server)
        self.model = f"halo-forge-{ref.digest[:16]}"
        if any(card.get("id") == self.model for card in cards):
            return
        try:
            self.server.post("/load_lora_adapter", {"lora_name": self.model, "lora_path": str(folder.resolve())})
        except (Refused, Unavailable) as error:
            raise UserError(
                f"{self.server.base_url} does not load the adapter {ref.given} ({error}): it has to see the same folder"
            ) from error
        self.loaded = self.model


class _Same:
    """What it takes for a vLLM server to sample as our own engines do: tokens, pixels, and a check of the prompt."""

    def __init__(self, ref: ModelRef, max_pixels: int | None, min_pixels: int | None) -> None:
        from halo_forge.models.load import declared_ends, load_processor, read_config
        from halo_forge.models.prompts import banned_ids, biased, ending_ids

        self.processor = load_processor(ref, max_pixels, min_pixels)
        family = BY_NAME[ref.family]
        self.prompts = SamePrompts(self.processor, family.nested_images)
        config = read_config(ref)
        vocabulary = int(config.get_text_config(decoder=True).vocab_size)
        self.banned = set(banned_ids(self.processor, config, vocabulary))
        self.body: dict[str, Any] = {
            "logprobs": True,
            "top_logprobs": 0,
            "return_token_ids": True,
            "stop_token_ids": ending_ids(declared_ends(ref), self.processor),
            "ignore_eos": True,
            "logit_bias": {str(token): -100 for token in biased(self.banned, self.processor)},  # the most allowed
        }
        self.bounds = ""
        """How to tell the server the pixels that the trainer allows; requests may not."""
        if family.pixel_budget:
            size = self.processor.image_processor.size
            edges = {edge: int(size[edge]) for edge in ("shortest_edge", "longest_edge")}
            self.bounds = f" --mm-processor-kwargs '{json.dumps({'size': edges})}'"

    def harmless(self, prompt: str) -> str:
        """`prompt` without special tokens."""
        from halo_forge.models.prompts import harmless

        return harmless(prompt, self.processor)


def models_of(server: Server) -> list[dict[str, Any]]:
    """The models that the server lists. Raises UserError where none answers there."""
    try:
        return [card for card in server.get("/models")["data"] if isinstance(card, dict)]
    except (Unavailable, Refused) as error:
        raise UserError(
            f"no OpenAI-compatible server at --base-url {server.base_url} ({error}): start one, such as "
            "`vllm serve MODEL`, or give its address, which ends in /v1"
        ) from error
    except (KeyError, TypeError) as error:
        raise UserError(f"{server.base_url} is no OpenAI-compatible server: it lists no models") from error


def check_takes_adapters(server: Server) -> None:
    """Raises UserError for a server that cannot load an adapter while it runs."""
    try:
        server.post("/load_lora_adapter", {})
    except Refused as error:
        if error.status in (400, 422):  # it has that door, and misses the words
            return
    except Unavailable:
        pass
    raise UserError(f"the server {server.base_url} takes no adapters at run time: {LORA_HINT}")


def _served(server: Server, cards: list[dict[str, Any]], name: str, ref: ModelRef | None) -> str:
    """The server's name for the model."""
    names = {name} if ref is None else {name, ref.base, ref.base_given}
    for card in cards:
        if card.get("id") in names or (ref is not None and card.get("root") in names):
            return str(card["id"])
    known = ", ".join(sorted(str(card.get("id")) for card in cards)[:5]) or "nothing"
    wanted = name if ref is None else ref.base_given
    raise UserError(f"{server.base_url} serves {known}, not {wanted}: give --model served:NAME, or serve that model")


def _url(image: Any) -> str:
    """The opened image as a data URL: the server sees the pixels that every other engine sees."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
