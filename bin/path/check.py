"""Names what an environment of the user's own lacks, in one line; exit code 2 then.

    python check.py pyproject.toml [extra …]

Runs under any Python, also one that is too old, so it keeps to old syntax until the version is known.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.stderr.write("halo-forge: " + sys.executable + " is older than Python 3.11, which is needed\n")
    sys.exit(2)

import re
import tomllib
from importlib import metadata


def missing(requirements: list[str]) -> list[str]:
    """Those of `requirements` whose package is not installed; versions are the owner's affair."""
    lacks = []
    for requirement in requirements:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            lacks.append(name)
    return lacks


def main(pyproject: str, *extras: str) -> int:
    """0 when the base requirements and those of `extras` are all there, else 2."""
    with open(pyproject, "rb") as file:
        project = tomllib.load(file)["project"]
    wanted = list(project.get("dependencies", []))
    for extra in extras:
        wanted += project.get("optional-dependencies", {}).get(extra, [])
    lacks = missing(wanted)
    if not lacks:
        return 0
    names = " ".join(lacks)
    install = f"{sys.executable} -m pip install {names}"
    print(f"halo-forge: {sys.executable} lacks {names}: {install}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
