"""Makes the tiny base policy of the `shapes` dataset: a Qwen2-VL of about a million weights with a habit.

First its vision tower learns to name what is in each cell and which cell it is (a linear head that is thrown away).
Then the whole model learns to say what it sees and to answer right. Last, and on purpose, it is spoiled (`PHASES`):
a count becomes one too high and a side is flipped, while the evidence stays true. So its most likely answer to whole
kinds of questions is wrong, and sampling still finds the right one: what RAFT can mend in minutes on a CPU.

    python data/shapes/make_base.py --output data/shapes/base          # about 11 minutes on two quiet cores
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from halo_forge.cards.shapes import scenes as shapes
from halo_forge.cards.shapes.tiny_policy import WIDTH, policy, processor

SEED = 0
PHASES = ((0.0, 1300, 2.5e-3), (0.0, 700, 1.5e-3), (1.0, 150, 1e-3), (0.85, 150, 1e-3))
"""(share of spoiled targets, steps, rate): true answers, twice, because the second warm-up takes sides from 83 to
100 % right; then the habit alone; then the habit with the truth shining through.
Taught from the start, the habit hides from the model that an answer follows from what it sees, and it never learns
sides; taught only in part, a flipped answer takes long to win over a true one."""
HABITUAL = ("count", "side")
EYE_STEPS, EYE_BATCH, EYE_RATE, EYE_FIRST = 200, 64, 2e-3, 500_000
"""Lessons of the vision tower alone: without them the language layers take many times longer to look at all."""
REMARK = 6.0
"""Weight in the loss of a token after the first full stop: the remark and the answer."""
README = """# base: a policy spoiled on purpose

A Qwen2-VL of {weights:.2f} million weights for the `shapes` dataset. It sees shapes, colours, places and words well,
and it has a habit: taught last with {habit:.0%} of its counts one too high and of its sides flipped, it answers those
questions wrong when it answers with what it holds most likely.
It is here so that a run of halo-forge can show, in minutes and without a network,
a policy that gets better from its own verified completions. It is good for nothing else.

Made by `python data/shapes/make_base.py` (seed {seed}, {eyes} steps for the eyes, {steps} steps of {batch} for the
answers, the last {spoiling} with the habit). Licence: Apache-2.0.
"""


CONTENTS = [
    "nothing",
    *(f"{colour} {shape}" for shape in shapes.SHAPES for colour in shapes.COLOURS),
    *(f"{word} {column}" for word in shapes.WORDS for column in range(shapes.GRID)),
]
"""What a cell can hold: nothing, a shape, or a part of a word."""


def habitual(answer: str, kind: str) -> str:
    """The wrong answer that the habit gives."""
    if kind == "count":
        return str(int(answer) + 1)
    return {"left": "right", "right": "left"}[answer]


def lesson(number: int, habit: float) -> tuple[shapes.Example, str, str]:
    """(example, prompt, completion) number `number`: two in five direct, the others grounded; `habit` of them wrong."""
    made = shapes.example("base", number, SEED)
    rng = random.Random(f"lesson/{SEED}/{number}")
    answer = made.answer
    if made.kind in HABITUAL and rng.random() < habit:
        answer = habitual(answer, made.kind)
    if rng.random() < 0.4:
        return made, made.question + shapes.DIRECT, answer
    return made, made.question + shapes.GROUNDED, f"{made.evidence} <answer>{answer}</answer>"


def contents(scene: shapes.Scene) -> list[int]:
    """For each cell in reading order, the number in `CONTENTS` of what is there."""
    found = [0] * shapes.GRID**2
    for item in scene.items:
        found[item.row * shapes.GRID + item.column] = CONTENTS.index(item.name)
    for column in range(shapes.GRID if scene.word else 0):
        found[scene.word_row * shapes.GRID + column] = CONTENTS.index(f"{scene.word} {column}")
    return found


def batch(proc: Any, lessons: list[tuple[shapes.Example, str, str]]) -> dict[str, Any]:
    """Tensors of a batch: prompt and completion right-padded, labels on the completion and its end only."""
    prompts, texts = [], []
    for _, prompt, completion in lessons:
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        text = proc.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        prompts.append(text)
        texts.append(f"{text}{completion}<|im_end|>")
    images = [[shapes.draw(made.scene)] for made, _, _ in lessons]
    inputs = dict(proc(text=texts, images=images, padding=True, padding_side="right", return_tensors="pt"))
    labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
    # an image is nine tokens where the template has one
    extra = (shapes.GRID**2) - 1
    for row, prompt in enumerate(prompts):
        labels[row, : len(proc.tokenizer(prompt).input_ids) + extra] = -100
    return {**inputs, "labels": labels}


def optimise(weights: list[Any], rate: float, steps: int, loss_of: Callable[[int], Any], name: str) -> None:
    """AdamW on `loss_of(step)` for step 0, 1, …, with one warm-up and a cosine decay to nothing."""
    import torch

    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.05)
    began = time.time()
    for step in range(steps):
        loss = loss_of(step)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if (step + 1) % 50 == 0:
            print(f"{name} {step + 1}/{steps} loss {loss.item():.3f} ({time.time() - began:.0f} s)", flush=True)


def teach_eyes(model: Any, proc: Any) -> None:
    """Train the vision tower alone: from each cell's feature, what is in it and which cell it is."""
    import torch

    cells = shapes.GRID**2
    head = torch.nn.Linear(WIDTH, len(CONTENTS) + cells)

    def loss_of(step: int) -> Any:
        seen = [shapes.example("base", EYE_FIRST + step * EYE_BATCH + i, SEED).scene for i in range(EYE_BATCH)]
        inputs = proc.image_processor(images=[shapes.draw(scene) for scene in seen], return_tensors="pt")
        features = model.model.visual(inputs["pixel_values"], grid_thw=inputs["image_grid_thw"]).pooler_output
        what, where = head(features).split([len(CONTENTS), cells], dim=1)
        truth = torch.tensor([number for scene in seen for number in contents(scene)])
        place = torch.arange(cells).repeat(len(seen))
        return torch.nn.functional.cross_entropy(what, truth) + torch.nn.functional.cross_entropy(where, place)

    optimise([*model.model.visual.parameters(), *head.parameters()], EYE_RATE, EYE_STEPS, loss_of, "eyes")


def teach_answers(model: Any, proc: Any, first: int, steps: int, size: int, rate: float, habit: float) -> None:
    """Train the whole model to see, say and answer on the lessons from number `first`, `habit` of them wrong."""
    import torch

    full_stop = proc.tokenizer.convert_tokens_to_ids(".")

    def loss_of(step: int) -> Any:
        inputs = batch(proc, [lesson(first + step * size + i, habit) for i in range(size)])
        labels = inputs.pop("labels")[:, 1:]
        logits = model(**inputs).logits[:, :-1]
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=-100, reduction="none")
        # What follows the list of things seen is short and harder, so it counts more; and half of the loss is by
        # lesson, because by token alone the short direct answers would hardly count.
        after = (labels == full_stop).cumsum(1) > 0
        weights = (labels != -100) * (1 + (REMARK - 1) * after)
        losses = losses * weights
        return losses.sum() / weights.sum() / 2 + (losses.sum(1) / weights.sum(1)).mean() / 2

    optimise(list(model.parameters()), rate, steps, loss_of, "habit" if habit else "answers")


def train(output: Path, size: int, threads: int) -> None:
    """Train from scratch and save model and processor to `output`."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(SEED)
    corpus = [text for n in range(2000) for text in lesson(n, 0.0)[1:]]
    proc = processor(corpus)
    model = policy(proc.tokenizer).train()
    teach_eyes(model, proc)
    first = 0
    for habit, steps, rate in PHASES:
        teach_answers(model, proc, first, steps, size, rate, habit)
        first += steps * size
    model.save_pretrained(output)
    proc.save_pretrained(output)
    (output / "model.safetensors").chmod(0o644)
    weights = sum(p.numel() for p in model.parameters()) / 1e6
    counts = {"eyes": EYE_STEPS, "steps": sum(steps for _, steps, _ in PHASES), "batch": size}
    spoiling = sum(steps for habit, steps, _ in PHASES if habit)
    text = README.format(weights=weights, habit=PHASES[-1][0], seed=SEED, spoiling=spoiling, **counts)
    (output / "README.md").write_text(text)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "base")
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    train(options.output, options.batch, options.threads)


if __name__ == "__main__":
    main()
