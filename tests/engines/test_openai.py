"""The engine for servers: against a real vLLM server, and against a small one that fails in every way there is."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from halo_forge.engines import choose
from halo_forge.engines.engine import Request, RowError, Sampling
from halo_forge.engines.http import Server, checked_url
from halo_forge.engines.openai import OpenAIEngine
from halo_forge.engines.transformers import Generator
from halo_forge.errors import UserError
from halo_forge.models import load_policy, resolve
from halo_forge.models.families import BY_NAME
from tests.engines.parts import adapter, completions, needs_vllm, scenes
from tests.tiny import picture

BASE = "bundled:shapes/base"
KEY = "a-secret-word"
GREEDY = Sampling(1, 0.0, 1.0, 40)
DRAWN = Sampling(3, 1.0, 1.0, 8)

Said = tuple[int, Any]


class Small:
    """A server whose answers a test writes: `reply(path, body, count)` gives status and JSON."""

    def __init__(self, reply: Callable[[str, Any, int], Said]) -> None:
        self.seen: list[tuple[str, Any, str | None]] = []
        lock, small = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *words: Any) -> None: ...

            def do_GET(self) -> None:
                self.answer(None)

            def do_POST(self) -> None:
                self.answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def answer(self, body: Any) -> None:
                with lock:
                    small.seen.append((self.path, body, self.headers.get("authorization")))
                    count = sum(path == self.path for path, _, _ in small.seen)
                status, said = reply(self.path, body, count)
                data = said if isinstance(said, bytes) else json.dumps(said).encode()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.send_response(status)
                    self.send_header("content-length", str(len(data)))
                    if status == 302:
                        self.send_header("location", "http://127.0.0.1:1/elsewhere")
                    self.end_headers()
                    self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def asked(self) -> list[Any]:
        """Bodies of the completions asked for."""
        return [body for path, body, _ in self.seen if path.endswith("/chat/completions")]


@pytest.fixture
def small() -> Iterator[Callable[..., tuple[Small, OpenAIEngine]]]:
    """Makes a small server, and an engine on it that does not wait long."""
    made: list[Small] = []

    def make(reply: Callable[[Any, int], Said], **named: Any) -> tuple[Small, OpenAIEngine]:
        def all_paths(path: str, body: Any, count: int) -> Said:
            return (200, {"data": [{"id": "m", "owned_by": "me"}]}) if path == "/v1/models" else reply(body, count)

        made.append(Small(all_paths))
        server = Server(made[-1].url, **{"timeout_s": 5.0, "tries": 3, "pause_s": 0.01, **named})
        return made[-1], OpenAIEngine(server, "m")

    yield make
    for each in made:
        each.server.shutdown()


def text(body: Any, count: int) -> Said:
    """What a server that knows neither n nor token ids says."""
    words = f"seed {body['seed']}"
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    return 200, {"choices": [{"message": {"content": words}, "finish_reason": "length"}], "usage": usage}


def test_plain_servers_are_asked_for_one_completion_at_a_time(small: Any) -> None:
    server, engine = small(text)
    asked = [Request("How many?", (picture(0), picture(1)), seed=2**33 + 5), Request("?", seed=3)]
    first, second = (completions(answer) for answer in engine.answer(asked, [GREEDY, DRAWN]))
    assert [c.seed for c in first] == [5, 6, 7, 8] and [c.seed for c in second] == [3, 4, 5, 6]
    assert [c.text for c in second] == ["seed 3", "seed 4", "seed 5", "seed 6"]
    one = first[0]
    assert (one.token_ids, one.logprobs, one.finish_reason) == (None, None, "length")
    assert (one.prompt_tokens, one.completion_tokens) == (7, 2)
    body = next(body for body in server.asked() if body["seed"] == 5 and body["temperature"] == 0)
    assert body["model"] == "m" and body["max_tokens"] == 40 and set(body) & {"n", "top_k", "logit_bias"} == set()
    parts = body["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["image_url", "image_url", "text"]
    assert parts[0]["image_url"]["url"].startswith("data:image/png;base64,") and parts[2]["text"] == "How many?"


def test_what_passes_is_tried_again(small: Any) -> None:
    for failure in ((429, {"error": {"message": "slow down"}}), (503, b""), (200, b"no json"), (500, {"detail": "x"})):
        server, engine = small(lambda body, count, failure=failure: failure if count < 3 else text(body, count))
        answer = engine.answer([Request("?", seed=1)], [GREEDY])[0]
        if failure[0] == 200:
            assert isinstance(answer, RowError) and answer.kind == "transient", "an answer that is none"
        else:
            assert completions(answer)[0].text == "seed 1" and len(server.asked()) == 3


def test_a_busy_server_says_how_long_to_wait(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    _, engine = small(lambda body, count: (500, {}))
    assert isinstance(engine.answer([Request("?")], [GREEDY])[0], RowError)
    assert len(waits) == 2 and waits[0] < waits[1]


def test_what_does_not_pass_is_a_transient_error(small: Any) -> None:
    _, engine = small(lambda body, count: (502, {"error": {"message": "bad gateway"}}))
    error = engine.answer([Request("?")], [GREEDY])[0]
    assert isinstance(error, RowError) and error.kind == "transient"
    assert "in 3 tries" in error.message and "502 bad gateway" in error.message


def test_a_server_that_hangs_or_goes_away(small: Any) -> None:
    free = threading.Event()
    server, engine = small(lambda body, count: (free.wait(20), (200, {}))[1], timeout_s=0.2, tries=2)
    began = time.monotonic()
    error = engine.answer([Request("?")], [GREEDY])[0]
    free.set()
    assert isinstance(error, RowError) and error.kind == "transient" and "Timeout" in error.message
    assert time.monotonic() - began < 5
    server.server.shutdown()
    server.server.server_close()
    errors = engine.answer([Request(str(n)) for n in range(20)], [GREEDY])
    assert {error.kind for error in errors if isinstance(error, RowError)} == {"transient"} and len(errors) == 20


def test_what_the_server_refuses_is_that_prompts_error(small: Any) -> None:
    def picky(body: Any, count: int) -> Said:
        long = "too long" in json.dumps(body["messages"])
        return (400, {"error": {"message": "maximum context\n length"}}) if long else text(body, count)

    server, engine = small(picky)
    asked = [Request("fine", seed=1), Request("too long"), Request("?", (b"not an image",)), Request("fine", seed=2)]
    answers = engine.answer(asked, [GREEDY])
    errors = [(answer.kind, answer.message) for answer in answers if isinstance(answer, RowError)]
    assert errors[0] == ("data", "the server refused it (400): maximum context length")
    assert errors[1][0] == "data" and "not an image" in errors[1][1]
    assert [completions(answers[place])[0].text for place in (0, 3)] == ["seed 1", "seed 2"]
    assert len(server.asked()) == 3, "what is refused for good is not tried again"


def test_keys_stay_with_the_server(small: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server, engine = small(lambda body, count: (401, {"error": {"message": f"wrong key {KEY}"}}))
    with pytest.raises(UserError, match="OPENAI_API_KEY") as caught:
        engine.answer([Request("?")], [GREEDY])
    assert {key for _, _, key in server.seen} == {f"Bearer {KEY}"}
    shown = "".join([str(caught.value), repr(engine.server), *capsys.readouterr()])
    assert KEY not in shown
    _, moved = small(lambda body, count: (302, {}))
    error = moved.answer([Request("?")], [GREEDY])[0]
    assert isinstance(error, RowError) and "302" in error.message, "no redirect is followed with the key"


def test_an_answer_that_repeats_the_key_is_not_repeated(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for status in (400, 500):
        _, engine = small(lambda body, count, status=status: (status, {"error": {"message": f"key {KEY} is bad"}}))
        error = engine.answer([Request("?")], [GREEDY])[0]
        assert isinstance(error, RowError) and "is bad" in error.message and KEY not in error.message


def test_models_that_are_not_there(small: Any) -> None:
    server, _ = small(text)
    with pytest.raises(UserError, match="serves m, not other: give --model served:NAME"):
        OpenAIEngine(Server(server.url), "other")
    _, gone = small(lambda body, count: (404, {"error": {"message": "no model m"}}))
    with pytest.raises(UserError, match="no longer serves m"):
        gone.answer([Request("?")], [GREEDY])


def test_no_server_is_one_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(UserError, match="no OpenAI-compatible server at --base-url") as caught:
        OpenAIEngine(Server(url, tries=1), "m")
    assert "vllm serve MODEL" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "localhost:8000/v1", "ftp://host/v1", "http://me:pass@host/v1"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(UserError, match="--base-url"):
        checked_url(url)


def test_training_needs_a_server_that_takes_adapters(small: Any) -> None:
    server, _ = small(lambda body, count: (404, {"detail": "Not Found"}))
    with pytest.raises(UserError, match="takes no adapters at run time: start it with VLLM_ALLOW"):
        choose.check_for_training("openai", server.url)
    server, _ = small(lambda body, count: (400, {"error": {"message": "lora_name missing"}}))
    choose.check_for_training("openai", server.url)
    choose.check_for_training("transformers")


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """A real vLLM server with the bundled policy; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "HF_HUB_OFFLINE": "1"}
    env = {**os.environ, **own, "VLLM_NO_USAGE_STATS": "1", "OMP_NUM_THREADS": "1"}
    flags = (
        "--dtype float32 --enforce-eager --no-enable-chunked-prefill --enable-lora --max-lora-rank 16 --host 127.0.0.1"
    )
    words = ["--model", resolve(BASE).base, "--port", str(port), "--api-key", KEY, *flags.split()]
    process = subprocess.Popen(
        [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *words],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 240
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None and time.monotonic() < end, "the server did not start"
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)


@needs_vllm
def test_a_vllm_server_answers_as_the_engine_does(served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    choose.check_for_training("openai", served)
    asked, seen = scenes(12), []
    learned = adapter(BASE, tmp_path / "adapter", BY_NAME["qwen_vl"].lora_targets)
    for model in (BASE, str(learned)):
        ref = resolve(model)
        engine = OpenAIEngine(Server(served), model, ref)
        answers = engine.answer(asked, [GREEDY, Sampling(2, 1.0, 1.0, 12)])
        generator = Generator(*load_policy(ref, "cpu"), ref.family)
        for answer, expected in zip(answers, generator.answer(asked, [GREEDY]), strict=True):
            greedy, *drawn = completions(answer)
            theirs = completions(expected)[0]
            assert (greedy.text, greedy.token_ids, greedy.prompt_tokens) == (
                theirs.text,
                theirs.token_ids,
                theirs.prompt_tokens,
            )
            assert greedy.logprobs == pytest.approx(theirs.logprobs, abs=2e-4)
            assert [c.seed - greedy.seed for c in drawn] == [1, 2]
        seen.append([completions(answer)[0].text for answer in answers])
        engine.close()
    assert seen[0] != seen[1]
    text_only = OpenAIEngine(Server(served), resolve(BASE).base)
    assert [completions(answer)[0].text for answer in text_only.answer(asked, [GREEDY])] == seen[0]


@needs_vllm
def test_a_server_with_other_pixels_is_refused(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    engine = OpenAIEngine(Server(served), BASE, resolve(BASE), max_pixels=28 * 28)
    with pytest.raises(UserError, match=r"of which the trainer makes .* --mm-processor-kwargs"):
        engine.answer(scenes(1), [GREEDY])
