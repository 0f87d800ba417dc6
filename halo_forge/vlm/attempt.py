"""`vlm try`: one image, one question; what the model says, what of it is true, and what it would earn."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge.config import execution, identity, source, weights
from halo_forge.datasets.cards import FILES, load_card
from halo_forge.datasets.prompts_table import render
from halo_forge.errors import UserError
from halo_forge.images import ImageError, image_info


@dataclass(frozen=True)
class Config:
    """What is asked, and who looks."""

    model: str = weights(help="folder, adapter (cycle_N), hub id, or bundled:shapes/base")
    image: str = source("images", help="an image file")
    question: str = identity(help="what is asked about it")
    answer: tuple[str, ...] = identity((), "the right answer, or several that count, comma separated")
    style: str = identity("grounded", "direct, or grounded: with a line of evidence", choices=("direct", "grounded"))
    prompt: str = identity("", "the whole prompt instead, with {question} in it ('': the usual one of the style)")
    detector: str = identity("yolov8n.pt", "detector weights: name, PATH.pt, bundled:PATH, transformers:ID, none")
    ocr: str = identity("rapidocr", "text reader: rapidocr, rapidocr:SIDE, easyocr, none")
    temperature: float = identity(0.0, "0: the most likely completion")
    max_new_tokens: int = identity(256, "longest completion, in tokens")
    seed: int = identity(0, "of the sampling")
    device: str = execution("auto", "auto, cpu, cuda, cuda:N, xpu or mps")
    trust_remote_code: bool = execution(False, "run code that a model brings along")


def run(config: Config) -> int:
    """Ask, verify, print; the exit code. Raises UserError before the model loads."""
    from halo_forge.models.resolve import resolve
    from halo_forge.perception.detectors import resolve_detector
    from halo_forge.perception.ocr import resolve_ocr
    from halo_forge.rewards import judge
    from halo_forge.vlm.verifiers import PerceptionChecker

    data = _bytes(Path(config.image))
    resolve(config.model)
    eyes = {"detector": config.detector, "ocr": config.ocr}
    resolve_detector(config.detector), resolve_ocr(config.ocr)
    scene = PerceptionChecker(**eyes).look(data)
    said = _ask(config, data)
    judged = judge(config.question, list(config.answer) or None, said, scene)
    print("\n".join(page(said, scene, judged)))
    return 0


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        image_info(data)
    except OSError as error:
        raise UserError(f"cannot read the image {path}: {error.strerror}") from error
    except ImageError as error:
        raise UserError(f"{path} is no image that can be used: {error}") from error
    return data


def _ask(config: Config, data: bytes) -> str:
    """The completion."""
    from halo_forge.engines.engine import Request, RowError, Sampling
    from halo_forge.engines.transformers import Generator
    from halo_forge.models import load_policy, resolve

    card = load_card(FILES)
    asked = {"question": config.question, "choices": None, "extra": None}
    ref = resolve(config.model)
    model, processor = load_policy(ref, config.device, trust_remote_code=config.trust_remote_code)
    prompt = config.prompt.replace("{question}", config.question) or render(
        card.prompt(config.style), asked, card, True
    )
    drawn = Sampling(1, config.temperature, 1.0, config.max_new_tokens, config.seed)
    answer = Generator(model, processor, ref.family).answer([Request(prompt, (data,))], [drawn])[0]
    if isinstance(answer, RowError):
        raise UserError(f"the model cannot answer: {answer.message}")
    return answer[0].text


def page(said: str, scene: Any, judged: dict[str, Any]) -> list[str]:
    """What is printed."""
    seen = [f"{box.label} {box.confidence:.2f}" for box in scene.objects]
    read = [f"{line.text!r} {line.confidence:.2f}" for line in scene.texts]
    lines = ["completion:", *textwrap.wrap(_plain(said), 110, initial_indent="  ", subsequent_indent="  "), "evidence:"]
    lines += [f"  objects: {', '.join(seen) or 'none'}", f"  text: {_plain(', '.join(read)) or 'none'}"]
    lines += ["claims:"] if judged["claims"] else ["claims: none that can be judged"]
    for claim in judged["claims"]:
        p = "" if claim["p"] is None else f" {claim['p']:.2f}"
        lines.append(f"  {claim['verdict']}{p}: {_plain(claim['claim'])} ({_plain(claim['evidence'] or '')})")
    lines.append("scores:")
    for stage in ("perception", "reasoning", "output"):
        parts = [f"{n.removeprefix(stage + '_')} {_number(v)}" for n, v in judged.items() if n.startswith(stage + "_")]
        lines.append(f"  {stage} {_number(judged[stage])} ({', '.join(parts)})")
    verdict = {True: "right", False: "wrong", None: "no ground truth"}[judged["correct"]]
    answer = "none found" if judged["answer"] is None else repr(judged["answer"])
    return [*lines, f"answer: {_plain(answer)} ({verdict})", f"reward: {judged['reward']:.3f}"]


def _plain(text: str) -> str:
    """Model output for a terminal: no control characters that it would obey."""
    return "".join(c if c.isprintable() else " " for c in text)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
