"""Runs a stage file of this checkout: python stages/verify.py --completions C --prompts P --output S

The work is done by halo_forge.stages.<name>.main. Where this checkout is installed that happens in this
process. Otherwise the process is replaced by one of the environment that bin/ uses (HALO_FORGE_PYTHON or
.venv), which is set up first where there is none.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
MAIN = "import sys; from halo_forge.stages import {stem} as stage; sys.exit(stage.main())"
# `bash -c WORDS bootstrap-file python-code arguments…`
BOOTSTRAP = 'set -euo pipefail; . "$0"; hf_bootstrap; exec "$python" -P -c "$@"'


def installed(file: Path) -> bool:
    """True where importing halo_forge.stages here gives `file`, not another checkout's or a wheel's copy."""
    try:
        spec = importlib.util.find_spec(f"halo_forge.stages.{file.stem}")
    except ModuleNotFoundError:
        return False
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() == file


def run(file: str) -> NoReturn:
    """Run the stage in `file` with this process's arguments, then exit with its code."""
    path = Path(file).resolve()
    # The first entry is this folder: names such as `filter` and `train` must shadow nothing.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    if installed(path):
        sys.exit(importlib.import_module(f"halo_forge.stages.{path.stem}").main())
    bootstrap = HERE.parent / "bin" / "bootstrap"
    if not bootstrap.exists():
        sys.exit(f"error: {path} is not part of a checkout: run python -m halo_forge.cli instead")
    code = MAIN.format(stem=path.stem)
    sys.stdout.flush()
    os.execvp("bash", ["bash", "-c", BOOTSTRAP, str(bootstrap), code, *sys.argv[1:]])
