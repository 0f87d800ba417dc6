"""A server that answers as the hub does, for the few questions that reading a repository asks.

    with Hub(folder) as hub: ...        # folder/datasets/owner/name/…, folder/owner/name/… (models)

`hub.gated` names repositories whose files are refused; a download of a file in `hub.breaks` ends in the middle so many
times. `hub.seen` holds (method, path, Range header).
"""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "c0ffee" * 6 + "c0ff"


class Hub:
    """The server, at `url` while it is entered."""

    handler: type[_Handler]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gated: set[str] = set()
        self.breaks: dict[str, int] = {}
        self.seen: list[tuple[str, str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (self.handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Hub:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        self.hub.seen.append((self.command, path, self.headers.get("Range", "")))
        parts = path.strip("/").split("/")
        asked = parts[0] == "api"
        parts = parts[1:] if asked else parts
        kind = parts.pop(0) if parts[0] in ("datasets", "models") else "models"
        name, rest = "/".join(parts[:2]), parts[2:]
        root = self.hub.folder / (kind if kind == "datasets" else "") / name
        if not root.is_dir():
            return self._refuse(401, "RepoNotFound", "Invalid username or password.")
        if name in self.hub.gated and not (asked and rest[:1] in ([], ["revision"])):
            return self._refuse(401, "GatedRepo", f"Access to {kind[:-1]} {name} is restricted.")
        if asked:
            return self._about(root, name, rest, body)
        return self._file(root, "/".join(rest[2:]))

    def _about(self, root: Path, name: str, rest: list[str], body: bytes) -> None:
        files = sorted(path for path in root.rglob("*") if path.is_file())
        if rest[:1] == ["revision"] and rest[1] not in ("main", COMMIT):
            return self._refuse(404, "RevisionNotFound", f"Invalid rev id: {rest[1]}")
        if rest[:1] in ([], ["revision"]):
            names = [{"rfilename": path.relative_to(root).as_posix()} for path in files]
            gated = "auto" if name in self.hub.gated else False
            return self._json({"id": name, "sha": COMMIT, "private": False, "gated": gated, "siblings": names})
        if rest[0] == "tree":
            top = root.joinpath(*rest[2:])
            if not top.exists():
                return self._refuse(404, "EntryNotFound", f"{rest[2:]} does not exist")
            every = "recursive=true" in self.path.lower()
            found = top.rglob("*") if every else top.iterdir()
            return self._json([_entry(path, root) for path in sorted(found)])
        if rest[0] == "paths-info":
            wanted = _paths(body)
            return self._json([_entry(root / path, root) for path in wanted if path and (root / path).exists()])
        return self._refuse(404, "EntryNotFound", "not served here")

    def _file(self, root: Path, name: str) -> None:
        path = root / name
        if not path.is_file():
            return self._refuse(404, "EntryNotFound", "Entry not found")
        data = path.read_bytes()
        start, end = _range(self.headers.get("Range", ""), len(data))
        part = data[start:end]
        self.send_response(206 if self.headers.get("Range") else 200)
        for header, value in (
            ("Content-Length", str(len(part))),
            ("Content-Range", f"bytes {start}-{end - 1}/{len(data)}"),
            ("Accept-Ranges", "bytes"),
            ("ETag", f'"{hashlib.sha256(data).hexdigest()}"'),
            ("X-Repo-Commit", COMMIT),
        ):
            self.send_header(header, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.hub.breaks.get(path.name, 0) and len(part) > 1:
            self.hub.breaks[path.name] -= 1
            self.wfile.write(part[: len(part) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.wfile.write(part)

    def _json(self, data: Any) -> None:
        self._send(200, json.dumps(data).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._send(status, json.dumps({"error": message}).encode(), {"X-Error-Code": code, "X-Error-Message": message})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for header, value in {**headers, "Content-Length": str(len(data)), "X-Repo-Commit": COMMIT}.items():
            self.send_header(header, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


Hub.handler = _Handler


def _entry(path: Path, root: Path) -> dict[str, Any]:
    name = path.relative_to(root).as_posix()
    if path.is_dir():
        return {"type": "directory", "path": name, "oid": "0" * 40, "size": 0}
    return {
        "type": "file",
        "path": name,
        "oid": hashlib.sha1(path.read_bytes()).hexdigest(),
        "size": path.stat().st_size,
    }


def _paths(body: bytes) -> list[str]:
    try:
        return [str(path) for path in json.loads(body)["paths"]]
    except ValueError:
        from urllib.parse import parse_qs

        return parse_qs(body.decode()).get("paths", [])


def _range(asked: str, size: int) -> tuple[int, int]:
    if not asked.startswith("bytes="):
        return 0, size
    start, _, end = asked.removeprefix("bytes=").partition("-")
    return int(start), min(int(end) + 1, size) if end else size
