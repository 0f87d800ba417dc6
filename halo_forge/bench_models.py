"""What this code costs around a model: training against a bare loop, and generation against vLLM called directly.

Both are ratios of two measurements in one run, by turns, on the small model that the package brings: where a step
takes milliseconds, whatever is around it shows.
"""

from __future__ import annotations

import importlib.util
import io
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from halo_forge import bench_rows
from halo_forge.errors import UserError

MODEL = "bundled:shapes/base"
BATCH, MICRO = 16, 4
"""Rows of an optimizer step and of a forward pass."""
TURNS = 5
PIXELS = 84
"""Side of the images, as the small model knows them."""


def training(steps: int) -> dict[str, float]:
    """Seconds per optimizer step, the first not counted: the training stage's and a bare loop's on the same
    batches, and the median ratio of `TURNS` turns. A step of ours is everything from one log line to the next."""
    from halo_forge.models.resolve import resolve
    from halo_forge.training.rows import Row
    from halo_forge.training.settings import Settings

    ref = resolve(MODEL)
    pictures = {f"image-{i}": png(i) for i in range(BATCH * 2)}
    rows = [
        Row(f"{i:064x}", "How many dogs are there?", (name,), bench_rows.completion(i)["completion"])
        for i, name in enumerate(pictures)
    ]
    settings = Settings(batch_size=BATCH, micro_batch_size=MICRO, max_steps=steps + 1)
    order: list[str] = []
    _ours(ref, rows, pictures, settings, order)  # first-use costs, and the order of the rows
    by_image = {row.image_ids[0]: row for row in rows}
    batches = [[by_image[name] for name in order[at : at + MICRO]] for at in range(0, len(order), MICRO)]
    turns = []
    for turn in range(TURNS):
        both = {}
        for name in ("ours", "bare") if turn % 2 else ("bare", "ours"):
            both[name] = (
                _ours(ref, rows, pictures, settings, []) if name == "ours" else _bare(ref, batches, pictures, settings)
            )
        turns.append(both)
    return {
        "training step, seconds": median(turn["ours"] for turn in turns),
        "training step, bare loop, seconds": median(turn["bare"] for turn in turns),
        "training step, ours / bare": median(turn["ours"] / turn["bare"] for turn in turns),
    }


def _ours(ref: Any, rows: Sequence[Any], pictures: dict[str, bytes], settings: Any, order: list[str]) -> float:
    """Seconds per step of a training; `order` gets the images in the order in which they were shown."""
    from halo_forge.training.loop import Run, train

    ends: list[float] = []

    def tell(line: str) -> None:
        if line.startswith("train: step "):  # the first step's line and the last one's among others
            ends.append(time.perf_counter())

    def image(name: str) -> bytes:
        order.append(name)
        return pictures[name]

    with tempfile.TemporaryDirectory(prefix="halo_forge_bench_") as folder:
        train(ref, rows, image, Path(folder, "adapter"), settings, Run(), tell=tell)
    return (ends[-1] - ends[0]) / (settings.max_steps - 1)


def _bare(ref: Any, batches: Sequence[Sequence[Any]], pictures: dict[str, bytes], settings: Any) -> float:
    """Seconds per step of the shortest loop that does the same: the same rows in the same batches, the loss on
    completion tokens, logits for these alone, clipped gradients, AdamW."""
    import torch
    from torch.nn.functional import cross_entropy

    from halo_forge.models.load import load_policy
    from halo_forge.training.lora import add_adapter
    from halo_forge.training.rows import IGNORED, Collator

    torch.manual_seed(settings.seed)
    model, processor = load_policy(ref, trainable=True)
    model = add_adapter(model, ref, settings)
    collate = Collator(model, processor, pictures.__getitem__, ref.family)
    device = next(model.parameters()).device
    on_cpu = device.type == "cpu"
    if not on_cpu:  # as the training does by itself
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, settings.learning_rate, weight_decay=settings.weight_decay)
    ends = []
    for step in range(settings.max_steps):
        at = step * (BATCH // MICRO)
        collated = [collate(rows) for rows in batches[at : at + BATCH // MICRO]]
        tokens = sum(int((batch["labels"] != IGNORED).sum()) for batch in collated)
        for batch in collated:
            inputs = {name: value.to(device) if hasattr(value, "to") else value for name, value in batch.items()}
            labels = inputs.pop("labels")
            first = int((labels != IGNORED).any(dim=0).nonzero()[0]) - 1
            kept = torch.arange(first, labels.shape[1] - 1, device=device)
            with torch.autocast(device.type, torch.bfloat16, enabled=not on_cpu):
                logits = model(**inputs, logits_to_keep=kept, use_cache=False).logits
            targets = labels[:, first + 1 :].flatten()
            loss = cross_entropy(logits.float().flatten(0, 1), targets, ignore_index=IGNORED, reduction="sum")
            (loss / tokens).backward()
        torch.nn.utils.clip_grad_norm_(weights, settings.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        if not on_cpu:
            torch.cuda.synchronize()
        ends.append(time.perf_counter())
    return (ends[-1] - ends[0]) / (settings.max_steps - 1)


def generation(prompts: int) -> dict[str, float]:
    """Completion tokens per second of our vLLM engine and of vLLM called directly, with a policy of 31 million random
    weights, and their ratio with the small one, where a step of the policy costs less than what is around it. Raises
    UserError where there is no vLLM."""
    if importlib.util.find_spec("vllm") is None:
        raise UserError("vLLM is not installed in this environment")
    from halo_forge.cards.shapes import scenes as shapes
    from halo_forge.engines.engine import Request, Sampling
    from halo_forge.engines.speed import compare
    from halo_forge.models.resolve import resolve

    requests = [
        Request(one.question + shapes.GROUNDED, (shapes.png(one.scene),), seed=number * 4)
        for number, one in enumerate(shapes.scenes("train", prompts))
    ]
    asked = [Sampling(n=4, temperature=1.0, max_new_tokens=48)]
    with tempfile.TemporaryDirectory(prefix="halo_forge_bench_") as folder:
        found = compare(resolve(str(larger(Path(folder, "policy")))), requests[: prompts // 2], asked, repeats=5)
    return {
        "generation, tokens/s": found["ours"],
        "generation, vLLM called directly, tokens/s": found["direct"],
        "generation, ours / direct": found["ratio"],
        "generation, the small policy, ours / direct": compare(resolve(MODEL), requests, asked)["ratio"],
    }


def larger(folder: Path) -> Path:
    """The small policy's kind with 31 million random weights, and its processor."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

    from halo_forge.models.resolve import resolve

    small = resolve(MODEL).base
    config = AutoConfig.from_pretrained(small)
    text = config.text_config
    text.num_hidden_layers, text.num_attention_heads, text.num_key_value_heads = 10, 16, 4
    text.hidden_size, text.intermediate_size = 512, 1536
    text.layer_types = text.layer_types[:1] * text.num_hidden_layers
    config.vision_config.hidden_size = text.hidden_size  # what the tower hands over
    torch.manual_seed(0)
    AutoModelForImageTextToText.from_config(config).save_pretrained(folder)
    AutoProcessor.from_pretrained(small).save_pretrained(folder)
    return folder


def png(i: int) -> bytes:
    """A small image, another for every `i`."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (PIXELS, PIXELS), (i * 37 % 256, i * 101 % 256, i * 7 % 256)).save(file, "PNG")
    return file.getvalue()
