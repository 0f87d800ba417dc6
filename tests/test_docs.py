"""README and docs: every command in them runs, in order, on the bundled dataset; the reference is what the code says.

A command that needs a GPU, the hub or a server is not run: its flags are read instead.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from halo_forge.cli import commands, main, reference
from halo_forge.vlm import summary
from halo_forge.vlm.run_dir import RunDir

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OTHERS = ("vllm", "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True", "duckdb", "harlequin", "tensorboard", "cd", "git", "trl")
"""Programs of other projects, and what a shell does itself."""
HERE = ("bin/test", "bin/bench", ".venv/bin/pre-commit")
"""Run by hand or by the whole check; not from within a test."""
AWAY = re.compile(
    r"Qwen/|llava-hf/|textvqa|docvqa|chartqa|HuggingFaceTB/|localhost|push-to-hub|OWNER/|rows\.jsonl|my\.yaml|MODEL"
)
"""A model or set of the hub, a server, or a file of the reader's own."""


@dataclasses.dataclass(frozen=True)
class Line:
    """A command and where it stands."""

    page: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.number}"


def lines(page: Path) -> list[Line]:
    """The commands of a page: lines of fenced blocks without a language, comments taken off."""
    found, fence = [], None
    for number, text in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if text.startswith("```"):
            fence = text[3:].strip() if fence is None else None
        elif fence in ("", "bash") and starts(text):
            found.append(Line(page.name, number, text))
    return found


def starts(text: str) -> bool:
    """Whether a line of a block is a command, and not part of a drawing or an output."""
    return text.startswith(("bin/", "python ", ".venv/bin/", "halo-forge ", *OTHERS))


COMMANDS = [line for page in PAGES for line in lines(page)]


def words_of(line: Line) -> list[str]:
    """The words of a command, without its comment."""
    return shlex.split(line.text, comments=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what a checkout has, so that paths on a page are right and nothing is written into the tree."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "tmp").mkdir()
    for name in ("bin", "data", "stages", "sql", "tests", "halo_forge", "docs", "README.md"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture(scope="module")
def trained(home: Path) -> Path:
    """What the first command of the README makes, whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        assert main(["vlm", "train", "--dataset", "shapes", "--quiet"]) == 0
    return home


def test_the_first_command_teaches(trained: Path) -> None:
    """Held-out accuracy rises by more than chance, and by more than without verification."""
    run = trained / "models/vlm_raft"
    best = int((run / "best").resolve().name.removeprefix("cycle_"))
    found = summary.outcome(RunDir(run), best, 3)
    assert min(row["low"] for row in found.gain) > 0.25
    assert max(row["gain"] for row in found.controls["unverified"]) < 0.1


def test_every_command_of_readme_and_docs(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the pages, README first."""
    monkeypatch.chdir(trained)
    failed = [f"{line}: {line.text}: {why}" for line in COMMANDS if (why := tried(line, trained))]
    assert not failed, "\n".join(failed)
    assert len(COMMANDS) > 30


def tried(line: Line, home: Path) -> str:
    """Run a command, or read its flags; what is wrong with it."""
    words = words_of(line)
    if words[0] in (*OTHERS, *HERE):
        return ""
    if AWAY.search(line.text):
        return parsed(words)
    try:
        return run([word.replace("/tmp/", f"{home}/tmp/") for word in words], home)
    except Exception as error:
        return repr(error)


def run(words: list[str], home: Path) -> str:
    """The command itself, in this process where it is ours."""
    if words[0] in ("bin/halo-forge", "halo-forge"):
        return said(main(words[1:]))
    if words[0] == "python" and words[1].startswith("stages/"):
        return said(importlib.import_module(f"halo_forge.stages.{Path(words[1]).stem}").main(words[2:]))
    if words[0] in ("python", ".venv/bin/python"):
        words = [sys.executable, *words[1:]]
    env = {**os.environ, "HALO_FORGE_PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=home, env=env, capture_output=True, text=True, timeout=600, check=False)
    return "" if done.returncode == 0 else done.stderr.strip()[-300:]


def said(code: int) -> str:
    return f"ended with {code}" if code else ""


def parsed(words: list[str]) -> str:
    """Whether each flag of a command is one that it has."""
    if words[0] in ("bin/halo-forge", "halo-forge"):
        page = reference.said([*words[1:3], "--help"])
    elif words[0] == "python" and words[1].startswith("stages/"):
        stage = importlib.import_module(f"halo_forge.stages.{Path(words[1]).stem}")
        page = reference.said_by(lambda: int(stage.main(["--help"])))
    else:
        return ""
    known = set(re.findall(r"--([\w-]+)", page))
    flags = {word[2:].split("=")[0] for word in words if word.startswith("--")}
    unknown = {flag for flag in flags if flag not in known and flag.removeprefix("no-") not in known}
    return f"no such flags: {unknown}" if unknown else ""


def test_the_reference_is_what_the_code_says() -> None:
    page = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    assert page == reference.page(), "python -m halo_forge.cli.reference > docs/cli.md"
    assert all(f"## halo-forge vlm {name}\n" in page for name in commands.COMMANDS["vlm"])


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_named_in_the_readme() -> None:
    readme = PAGES[0].read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if f"docs/{page.name}" not in readme] == []


def test_the_messages_of_the_troubleshooting_page_exist() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for name in ("halo_forge", "stages", "data")
        for path in (ROOT / name).rglob("*")
        if path.suffix in (".py", ".yaml") and path.is_file()
    )
    messages = re.findall(r"\*\*`([^`]+)`\*\*", page)
    assert len(messages) > 20
    assert [text for text in messages if text not in source] == []
