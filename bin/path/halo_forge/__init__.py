"""Stands for halo_forge where this checkout is used without being installed (HALO_FORGE_PYTHON).

An installation maps stages, sql and data into the package. Here the links beside this file do that: the real
package is searched first, then this folder.
"""

from pathlib import Path

_here = Path(__file__).resolve().parent
_real = _here.parents[2] / "halo_forge"
__path__ = [str(_real), str(_here)]
__file__ = str(_real / "__init__.py")
exec(compile(Path(__file__).read_text(encoding="utf-8"), __file__, "exec"))
