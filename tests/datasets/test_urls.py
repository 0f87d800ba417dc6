"""Images behind URLs: fetched from a real server on this machine, within bounds, and from nowhere unasked."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hub_files import png

from halo_forge.datasets import urls
from halo_forge.datasets.row_images import RowError
from halo_forge.datasets.urls import Fetcher, public, target_of


class Server(ThreadingHTTPServer):
    """Serves a few fixed paths and counts what it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[str] = Counter()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_address[1]}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        moved = {"/moved": "/a.png", "/round": "/round", "/away": "http://example.invalid/a.png", "/file": "file:///x"}
        if self.path in moved:
            self.send_response(302)
            self.send_header("Location", moved[self.path])
            self.end_headers()
        elif self.path == "/flaky" and self.server.asked[self.path] < 3:
            self.send_error(503)
        elif self.path in ("/a.png", "/flaky", "/with%20space.png?x=1"):
            self._body(png(1))
        elif self.path == "/large":
            self._body(b"x" * 3000)
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 3000)
        elif self.path == "/down":
            self.send_error(500)
        else:
            self.send_error(404)

    def _body(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def fetch(tmp_path: Path) -> Fetcher:
    return Fetcher(tmp_path / "fetched", ("127.0.0.1", "localhost"), pause=0.0)


def refused(fetch: Fetcher, url: str) -> RowError:
    with pytest.raises(RowError) as caught:
        fetch(url)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    return caught.value


def test_bytes_come_as_they_are_and_once(server: Server, fetch: Fetcher, tmp_path: Path) -> None:
    for path in ("/a.png", "/moved", "/with space.png?x=1"):
        assert fetch(server.url(path)) == png(1)
    assert fetch(server.url("/a.png", "localhost")) == png(1)
    before = server.asked.total()
    again = Fetcher(tmp_path / "fetched", ("127.0.0.1", "localhost"))
    assert again(server.url("/a.png")) == png(1) and server.asked.total() == before
    assert not list((tmp_path / "fetched").glob(".*"))


def test_a_host_is_public_or_named(server: Server, fetch: Fetcher, tmp_path: Path) -> None:
    anyone = Fetcher(tmp_path / "other")
    for host in ("127.0.0.1", "localhost", "0.0.0.0", "2130706433", "169.254.169.254", "10.0.0.1", "[::1]"):
        error = refused(anyone, server.url("/a.png", host))
        assert "not a public one" in str(error) or "not found" in str(error)
    other = Fetcher(tmp_path / "other", ("images.example.org",))
    assert "not among --url-hosts" in str(refused(other, server.url("/a.png")))
    assert "not among --url-hosts" in str(refused(fetch, server.url("/away")))
    port = server.server_address[1]
    assert Fetcher(tmp_path / "port", (f"LOCALHOST:{port}",))(server.url("/a.png", "localhost")) == png(1)
    assert "not among" in str(
        refused(Fetcher(tmp_path / "p", (f"localhost:{port + 1}",)), server.url("/a", "localhost"))
    )
    assert server.asked == {"/a.png": 1, "/away": 1}


def test_what_is_the_rows_fault_and_what_may_pass(
    server: Server, fetch: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urls, "MAX_BYTES", 2000)
    monkeypatch.setattr(urls, "CHUNK", 500)
    for path, word in (
        ("/gone", "status 404"),
        ("/large", "larger than"),
        ("/endless", "larger than"),
        ("/round", "too many redirects"),
        ("/file", "only http and https"),
    ):
        error = refused(fetch, server.url(path))
        assert word in str(error) and error.kind == "data"
        assert server.asked[path] == (urls.REDIRECTS + 1 if path == "/round" else 1)
    assert fetch(server.url("/flaky")) == png(1) and server.asked["/flaky"] == 3
    error = refused(fetch, server.url("/down"))
    assert (error.kind, server.asked["/down"]) == ("transient", urls.TRIES)
    refused(fetch, server.url("/down"))
    assert server.asked["/down"] == urls.TRIES  # both roles of a row get the same answer


def test_a_host_that_never_answers_is_left_alone(fetch: Fetcher) -> None:
    import socket

    with socket.socket() as free:  # bound and not listening: connections are refused
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        errors = [refused(fetch, f"http://127.0.0.1:{port}/{i}.png") for i in range(4)]
    assert {error.kind for error in errors} == {"transient"}
    assert "does not answer" in str(errors[-1]) and "does not answer" not in str(errors[0])


@pytest.mark.parametrize(
    "url",
    ["ftp://a.org/x", "http://", "http://user:word@a.org/x", "http://a.org:99999/x", "http://[::1/x", "http://a..b/x"],
)
def test_urls_that_are_not_fetched(fetch: Fetcher, url: str) -> None:
    assert refused(fetch, url).kind == "data"


def test_a_url_cannot_write_headers() -> None:
    target = target_of("http://a.org/x y\r\nHost: b?ä=1")
    assert target.path.isascii() and not set(target.path) & set(" \r\n")


@pytest.mark.parametrize(
    ("address", "open_to_all"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("192.168.1.1", False),
        ("169.254.1.1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_public_addresses(address: str, open_to_all: bool) -> None:
    assert public(address) is open_to_all
