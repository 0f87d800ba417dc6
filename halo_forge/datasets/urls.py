"""Images behind URLs, fetched only for who asked for it (`--allow-urls`).

- http and https, at most `REDIRECTS` redirects, at most `MAX_BYTES`, `SECONDS` in all; never through a proxy.
- Without a list of hosts: hosts whose every address is public. The connection goes to the address that was looked
  at, so that a name which changes its mind in between leads nowhere else.
- With a list (`--url-hosts images.example.org,localhost:8000`): those and no others; they may be local.
- What was fetched is kept beside the tables until they are finished: a stopped run does not fetch it again, and
  both roles of a row see the same bytes. A host that fails `PATIENCE` times in a row is not asked any more.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from halo_forge.datasets.row_images import RowError

if TYPE_CHECKING:
    from urllib3 import HTTPConnectionPool

MAX_BYTES = 32 * 2**20
SECONDS = 60.0
"""For one image, redirects included."""
REDIRECTS = 3
TRIES = 3
PATIENCE = 5
CHUNK = 64 * 2**10
PASSING = (408, 425, 429, 500, 502, 503, 504)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Target:
    """A URL taken apart: where to connect and what to ask for."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the header `Host` has them."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == {"http": 80, "https": 443}[self.scheme] else f"{name}:{self.port}"


@dataclass
class Fetcher:
    """Gets images by URL within the bounds above. `hosts` empty: any public one. `pause`: seconds before the
    second try."""

    folder: Path
    hosts: tuple[str, ...] = ()
    pause: float = 1.0
    failed: dict[str, RowError] = field(default_factory=dict)
    misses: Counter[str] = field(default_factory=Counter)

    def __call__(self, url: str) -> bytes:
        """The bytes behind `url`. Raises RowError: `transient` where another try may help."""
        kept = self.folder / hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
        if kept.exists():
            return kept.read_bytes()
        if url in self.failed:
            raise self.failed[url]
        try:
            data = self._patiently(url)
        except RowError as error:
            self.failed[url] = error
            raise
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_name(f".{kept.name}.{os.getpid()}.tmp")
        temporary.write_bytes(data)
        os.replace(temporary, kept)
        return data

    def _patiently(self, url: str) -> bytes:
        host = target_of(url).host
        until = time.monotonic() + SECONDS
        for attempt in range(TRIES):
            if self.misses[host] >= PATIENCE:
                raise RowError(f"image host does not answer: {host}", "transient")
            try:
                data = self._follow(url, until)
            except RowError as error:
                if error.kind != "transient":
                    raise
                self.misses[host] += 1
                if attempt == TRIES - 1 or time.monotonic() > until:
                    raise
                time.sleep(self.pause * 2**attempt)
            else:
                self.misses[host] = 0
                return data
        raise AssertionError("unreachable")

    def _follow(self, url: str, until: float) -> bytes:
        """The answer to `url`, redirects followed; each hop is looked at like the first."""
        for _ in range(REDIRECTS + 1):
            target = target_of(url)
            found = self._get(target, self._address(target), until)
            if isinstance(found, bytes):
                return found
            url = urljoin(url, found)
        raise RowError(f"too many redirects: {_shown(url)}")

    def _address(self, target: Target) -> str:
        """The address to connect to. Raises RowError for a host that may not be asked."""
        named = {target.host, f"{target.host}:{target.port}"} & {host.casefold().rstrip(".") for host in self.hosts}
        if self.hosts and not named:
            raise RowError(f"image host is not among --url-hosts: {target.host}")
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise RowError(f"image host not found: {target.host}: {error}", "transient") from None
        addresses = [str(entry[4][0]) for entry in found]
        if not named and not all(public(address) for address in addresses):
            raise RowError(f"image host is not a public one (name it with --url-hosts): {target.host}")
        return addresses[0]

    def _get(self, target: Target, address: str, until: float) -> bytes | str:
        """The body, or where the answer redirects to."""
        import urllib3

        left = max(until - time.monotonic(), 0.1)
        pool = _pool(target, address, urllib3.Timeout(connect=min(10.0, left), read=min(20.0, left)))
        try:
            with pool:
                answer = pool.urlopen(
                    "GET", target.path, redirect=False, retries=False, preload_content=False, decode_content=False,
                    headers={"Host": target.authority, "Accept": "image/*", "Accept-Encoding": "identity",
                             "User-Agent": "halo-forge"},
                )  # fmt: skip
                location = answer.get_redirect_location()
                if location:
                    return location
                if answer.status != 200:
                    kind = "transient" if answer.status in PASSING else "data"
                    raise RowError(f"image not fetched, status {answer.status}: {_shown(target)}", kind)
                return _body(answer, target, until)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = " ".join(str(error).split())[:160]
            raise RowError(f"image not fetched: {_shown(target)}: {reason}", "transient") from None


def _pool(target: Target, address: str, timeout: object) -> HTTPConnectionPool:
    """Connections to `address` alone; a certificate has to be that of the host's name."""
    import urllib3

    if target.scheme == "http":
        return urllib3.HTTPConnectionPool(address, target.port, timeout=timeout)  # type: ignore[arg-type]
    return urllib3.HTTPSConnectionPool(
        address,
        target.port,
        timeout=timeout,  # type: ignore[arg-type]
        server_hostname=target.host,
        assert_hostname=target.host,
    )


def _body(answer: object, target: Target, until: float) -> bytes:
    """What the answer holds, as it was sent. Raises RowError for more than the bound or a sender that trickles."""
    found = bytearray()
    for chunk in answer.stream(CHUNK, decode_content=False):  # type: ignore[attr-defined]
        found += chunk
        if len(found) > MAX_BYTES:
            raise RowError(f"image behind a URL larger than {MAX_BYTES // 2**20} MiB: {_shown(target)}")
        if time.monotonic() > until:
            raise RowError(f"image not fetched within {SECONDS:.0f} s: {_shown(target)}", "transient")
    return bytes(found)


def target_of(url: str) -> Target:
    """A URL taken apart. Raises RowError for one that is not fetched."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = (parts.hostname or "").rstrip(".").encode("idna").decode() if parts.hostname else ""
    except (ValueError, UnicodeError):
        raise RowError(f"not a URL that can be read: {url[:80]!r}") from None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise RowError(f"only http and https URLs without a user name are fetched: {url[:80]!r}")
    path = _quoted((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    return Target(parts.scheme, host, port or {"http": 80, "https": 443}[parts.scheme], path)


def _quoted(path: str) -> str:
    """Spaces, control characters and letters beyond ASCII as %XX; what is quoted already stays."""
    from urllib.parse import quote

    return quote(path, safe="/?&=%:;,+@!$'()*~#[]-._")


def public(address: str) -> bool:
    """Whether an IP address is one of the open internet; those that IPv6 wraps in its own count as what is in
    them."""
    found: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in _NAT64:
            return public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is not None:
            return public(str(inner))
    return found.is_global and not found.is_multicast


def _shown(where: Target | str) -> str:
    text = f"{where.scheme}://{where.authority}{where.path}" if isinstance(where, Target) else where
    return repr(text[:120])
