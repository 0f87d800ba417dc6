"""The hub's server for writers: who somebody is, new repositories, uploads, commits.

    with WritableHub(folder, tokens={"hf_me": "write"}) as hub: ...     # the user is `me`, in the organization `lab`

A commit's files are below `folder` as the other questions find them; `hub.commits` holds (repository, title, names).
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from hub_server import COMMIT, Hub, _Handler

IGNORED = {"shouldIgnore": False, "oid": None}


class _Writer(_Handler):
    hub: WritableHub

    def do_PUT(self) -> None:
        self.hub.large[self.path.rpartition("/")[2]] = self._body()
        self._send(200, b"", {})

    def do_GET(self) -> None:
        if self.path != "/api/whoami-v2":
            return super().do_GET()
        role = self.hub.tokens.get(self._token())
        if role is None:
            return self._refuse(401, "", "Invalid user token.")
        return self._json({"name": "me", "orgs": [{"name": "lab"}], "auth": {"accessToken": {"role": role}}})

    def do_POST(self) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        writes = parts[-2:-1] in (["commit"], ["preupload"]) or parts[-1] in ("create", "batch")
        if not writes and parts[-1] != "validate-yaml":
            return super().do_POST()
        body = self._body()
        if parts[-1] == "validate-yaml":
            return self._json({"errors": [], "warnings": []})
        if self.hub.tokens.get(self._token()) != "write" or self.hub.closed:
            return self._refuse(403, "", "You don't have the rights required.")
        if parts[-1] == "create":
            return self._create(json.loads(body))
        if parts[-1] == "batch":
            asked = json.loads(body)["objects"]
            actions = [{**one, "actions": {"upload": {"href": f"{self.hub.url}/put/{one['oid']}"}}} for one in asked]
            return self._json({"transfer": "basic", "objects": actions})
        if parts[-2] == "preupload":
            names = [one["path"] for one in json.loads(body)["files"]]
            return self._json({"files": [{"path": name, "uploadMode": _mode(name)} | IGNORED for name in names]})
        return self._commit("/".join(parts[2:4]), [json.loads(line) for line in body.splitlines()])

    def _create(self, asked: dict[str, str]) -> None:
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        self.hub.asked.append(asked)
        (self.hub.folder / name).mkdir(parents=True, exist_ok=True)
        self._json({"url": f"{self.hub.url}/{name}", "id": name})

    def _commit(self, name: str, lines: list[dict[str, dict[str, str]]]) -> None:
        names = []
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                title = value["summary"]
                continue
            data = self.hub.large[value["oid"]] if line["key"] == "lfsFile" else base64.b64decode(value["content"])
            (self.hub.folder / name / value["path"]).write_bytes(data)
            names.append(value["path"])
        self.hub.commits.append((name, title, sorted(names)))
        self._json({"success": True, "commitUrl": f"{self.hub.url}/{name}/commit/{COMMIT}", "commitOid": COMMIT})

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


def _mode(name: str) -> str:
    return "lfs" if name.endswith(".safetensors") else "regular"


class WritableHub(Hub):
    """The server, at `url` while it is entered; `closed` refuses all writing."""

    handler = _Writer

    def __init__(self, folder: Path, tokens: dict[str, str]) -> None:
        super().__init__(folder)
        self.tokens, self.closed = tokens, False
        self.large: dict[str, bytes] = {}
        self.asked: list[dict[str, str]] = []
        self.commits: list[tuple[str, str, list[str]]] = []
