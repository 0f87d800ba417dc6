"""Requests to a server that may be busy, slow or gone: time limits, tries with growing pauses, bounded answers."""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from halo_forge.engines.engine import describe
from halo_forge.errors import UserError

PASSING = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 529))
"""Status codes after which a later try may succeed."""
MAX_BYTES = 64 * 2**20
"""Longest answer that is read."""
CONNECT_S = 10.0


class Unavailable(Exception):
    """No answer in spite of several tries; another time there may be one."""


class Refused(Exception):
    """The server understood and said no. `status` is its code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Server:
    """A server below `base_url`, such as http://localhost:8000/v1."""

    base_url: str
    timeout_s: float = 600.0
    """Longest wait for an answer."""
    tries: int = 6
    pause_s: float = 0.5
    """Before the second try; it doubles each time, up to half a minute."""
    connections: int = 32
    key: str = field(default="", init=False, repr=False)
    down: bool = field(default=False, init=False)
    """Whether it was unreachable when it was last asked, to the last try: then one try has to do."""

    def __post_init__(self) -> None:
        import httpx

        self.base_url = checked_url(self.base_url)
        self.key = key = os.environ.get("OPENAI_API_KEY", "")
        self.client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(self.timeout_s, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=self.connections, max_keepalive_connections=self.connections),
        )

    def close(self) -> None:
        """Close its connections."""
        self.client.close()

    def get(self, path: str) -> Any:
        """The JSON at `path`."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        """The JSON that `path` answers to the JSON of `body`.

        Raises Unavailable or Refused; UserError where the key is missing or wrong.
        """
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        import httpx

        tries = 1 if self.down else self.tries
        for number in range(tries):
            wait = 0.0
            try:
                status, text, wait = self._once(method, path, body)
                if status < 300:
                    self.down = False
                    return _json(text)
                if status not in PASSING:
                    raise self._refused(status, text)
                reason = f"{status} {self._message(text)}"
            except (httpx.TransportError, ValueError) as error:
                reason = f"{type(error).__name__} {describe(error)}".strip()
            if number + 1 < tries:
                time.sleep(max(wait, min(self.pause_s * 2**number, 30.0) * random.uniform(0.75, 1.25)))
        self.down = True
        times = f" in {tries} tries" if tries > 1 else ""
        raise Unavailable(f"no answer from {self.base_url}{times}: {reason}")

    def _once(self, method: str, path: str, body: Any) -> tuple[int, str, float]:
        """Status, text, and the seconds that the server asks to wait."""
        with self.client.stream(method, f"{self.base_url}{path}", json=body) as response:
            data = bytearray()
            for piece in response.iter_bytes():
                data += piece
                if len(data) > MAX_BYTES:
                    raise ValueError(f"the answer is longer than {MAX_BYTES:,} bytes")
            after = response.headers.get("retry-after", "")
            wait = min(float(after), 60.0) if after.isdigit() else 0.0
            return response.status_code, data.decode("utf-8", "replace"), wait

    def _refused(self, status: int, text: str) -> Exception:
        if status in (401, 403):
            return UserError(f"{self.base_url} wants another key ({status}): set OPENAI_API_KEY")
        return Refused(status, self._message(text))

    def _message(self, text: str) -> str:
        """What an error answer says, in one line, without the key where it is repeated there."""
        said = _error_of(text)
        return said.replace(self.key, "[key]") if self.key else said


def checked_url(text: str) -> str:
    """`text` as the address of a server. Raises UserError for what is none, or holds a password."""
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"--base-url {text!r} is no address: give one like http://localhost:8000/v1")
    if parts.username or parts.password:
        raise UserError("--base-url must not hold a user or password: put the key into OPENAI_API_KEY")
    return text.strip().rstrip("/")


def _json(text: str) -> Any:
    """Raises ValueError for what is no JSON. Some answers have no body, or one plain word."""
    return json.loads(text) if text[:1] in "{[" and text else text


def _error_of(text: str) -> str:
    """What an error answer says, in one line."""
    try:
        found = json.loads(text)
        found = found.get("error", found) if isinstance(found, dict) else found
        found = found.get("message") or found.get("detail") or found if isinstance(found, dict) else found
    except ValueError:
        found = text
    return " ".join(str(found).split())[:300]
