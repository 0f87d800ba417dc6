"""Small scenes with questions about them: the rows of the `shapes` dataset, drawn on the fly.

- A scene is an 84 x 84 PNG of 3 x 3 cells of 28 px (one cell is one merged patch of Qwen2-VL): coloured shapes,
  and in some scenes a word painted over a row.
- Questions ask for a colour, a count, a side, or the word. `scenes(split, n, seed)` is deterministic.
- A layout belongs to one split by its hash, so no two splits ever share an image.
"""

from __future__ import annotations

import hashlib
import io
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

VERSION = 1
CELL, GRID = 28, 3
SIZE = CELL * GRID
SHAPES = ("circle", "square", "triangle")
COLOURS = {"red": (214, 40, 40), "green": (40, 160, 60), "blue": (40, 80, 220), "yellow": (240, 200, 20)}
WORDS = ("STOP", "OPEN", "EXIT", "SALE", "TAXI", "FREE", "BANK", "CAFE")
KINDS = ("colour", "count", "side", "text")
ROWS = {"train": 384, "eval": 384, "base": 1_000_000, "detector": 1_000_000}
SHARE = {"base": range(0, 70), "detector": range(70, 76), "train": range(76, 88), "eval": range(88, 100)}
"""Which hundredths of all layouts belong to a split."""
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")

DIRECT = "\nAnswer with one word."
GROUNDED = "\nSay what you see, then answer in <answer></answer>."


@dataclass(frozen=True)
class Item:
    """A shape in a cell: name, colour, column and row (0 to 2), radius and offset in pixels."""

    shape: str
    colour: str
    column: int
    row: int
    radius: int
    dx: int
    dy: int

    @property
    def name(self) -> str:
        """Such as "red circle"."""
        return f"{self.colour} {self.shape}"

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in pixels."""
        x, y = self.column * CELL + CELL // 2 + self.dx, self.row * CELL + CELL // 2 + self.dy
        return x - self.radius, y - self.radius, x + self.radius, y + self.radius


@dataclass(frozen=True)
class Scene:
    """What is drawn: items in reading order, and a word over a row or none."""

    items: tuple[Item, ...]
    word: str | None
    word_row: int
    ground: int

    @property
    def layout(self) -> str:
        """The scene as text, without jitter: what decides its split."""
        parts = [f"{i.name}@{i.column}{i.row}" for i in self.items]
        return " ".join([*parts, f"{self.word}@{self.word_row}" if self.word else ""])


@dataclass(frozen=True)
class Example:
    """A scene, a question about it, the true answer, and what there is to see as one sentence or two."""

    scene: Scene
    kind: str
    question: str
    answer: str
    evidence: str


def _light(ground: int, x: int, y: int) -> tuple[int, int, int]:
    """The colour of the ground at a pixel: the scene is lit from the top left, so a patch shows where it is."""
    return ground - 60 * x // SIZE, ground - 30 * (x + y) // (2 * SIZE), ground - 60 * y // SIZE


def draw(scene: Scene) -> Image:
    """The scene as an RGB image of 84 x 84 pixels."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (SIZE, SIZE))
    image.putdata([_light(scene.ground, x, y) for y in range(SIZE) for x in range(SIZE)])
    pen = ImageDraw.Draw(image)
    for item in scene.items:
        left, top, right, bottom = item.box
        colour = COLOURS[item.colour]
        if item.shape == "circle":
            pen.ellipse(item.box, fill=colour)
        elif item.shape == "square":
            pen.rectangle(item.box, fill=colour)
        else:
            pen.polygon([((left + right) // 2, top), (right, bottom), (left, bottom)], fill=colour)
    if scene.word:
        top = scene.word_row * CELL
        pen.rectangle((1, top + 2, SIZE - 2, top + CELL - 3), fill=(255, 255, 255))
        pen.text((SIZE // 2, top + CELL // 2), scene.word, fill=(0, 0, 0), font=ImageFont.load_default(22), anchor="mm")
    return image


def png(scene: Scene) -> bytes:
    """The scene as PNG bytes, the same on every run."""
    out = io.BytesIO()
    draw(scene).save(out, "PNG", optimize=False)
    return out.getvalue()


def _scene(rng: random.Random, with_word: bool) -> Scene:
    word = rng.choice(WORDS) if with_word else None
    word_row = rng.randrange(GRID) if with_word else 0
    cells = [(c, r) for r in range(GRID) for c in range(GRID) if not (with_word and r == word_row)]
    chosen = sorted(rng.sample(cells, rng.randint(2, 3 if with_word else 4)), key=lambda cell: (cell[1], cell[0]))
    few = rng.sample(SHAPES, rng.choice((1, 2, 2, 3)))  # few kinds at a time, so that counts above one are common
    items = tuple(
        Item(
            rng.choice(few),
            rng.choice(tuple(COLOURS)),
            c,
            r,
            rng.randint(8, 10),
            rng.randint(-2, 2),
            rng.randint(-2, 2),
        )
        for c, r in chosen
    )
    return Scene(items, word, word_row, rng.randint(236, 250))


def _question(scene: Scene, kind: str, rng: random.Random) -> tuple[str, str, str] | None:
    """(question, answer, closing remark of the evidence), or None when the scene has no such question."""
    shapes = Counter(i.shape for i in scene.items)
    if kind == "text":
        if scene.word is None:
            return None
        return "What word is written in the image?", scene.word, f'The sign says "{scene.word}".'
    if kind == "colour":
        single = sorted(s for s, n in shapes.items() if n == 1)
        if not single:
            return None
        item = rng.choice([i for i in scene.items if i.shape in single])
        return f"What colour is the {item.shape}?", item.colour, ""
    if kind == "count":
        # even odds over the numbers, so that a count is looked up and not guessed
        by_number = {n: [s for s in sorted(shapes) if shapes[s] == n] for n in set(shapes.values()) if n <= 4}
        if not by_number:
            return None
        shape = rng.choice(by_number[rng.choice(sorted(by_number))])
        n = shapes[shape]
        remark = f"There {'is' if n == 1 else 'are'} {NUMBERS[n]} {shape}{'' if n == 1 else 's'}."
        return f"How many {shape}s are there?", str(n), remark
    outer = [i for i in scene.items if i.column != 1 and shapes[i.shape] == 1]
    if not outer:
        return None
    item = rng.choice(outer)
    side = "left" if item.column == 0 else "right"
    return f"Is the {item.shape} on the left or on the right?", side, f"The {item.shape} is on the {side} side."


def example(split: str, number: int, seed: int = 0) -> Example:
    """Example `number` of `split`; its kind of question goes round, so every kind is a quarter."""
    kind = KINDS[number % len(KINDS)]
    rng = random.Random(f"{VERSION}/{seed}/{split}/{number}")
    while True:
        scene = _scene(rng, with_word=kind == "text" or rng.random() < 0.15)
        bucket = int(hashlib.sha256(scene.layout.encode()).hexdigest()[:8], 16) % 100
        asked = _question(scene, kind, rng) if bucket in SHARE[split] else None
        if asked:
            question, answer, remark = asked
            seen = f"I see {', '.join(f'a {i.name}' for i in scene.items)}."
            if scene.word and kind != "text":
                remark = f'{remark} The sign says "{scene.word}".'.strip()
            return Example(scene, kind, question, answer, f"{seen} {remark}".strip())


def scenes(split: str, n: int, seed: int = 0) -> Iterator[Example]:
    """The first `n` examples of `split`."""
    return (example(split, number, seed) for number in range(n))


def rows(split: str, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Rows for the dataset loader: encoded image, question, answers and kind."""
    for made in scenes(split, ROWS[split] if limit is None else min(limit, ROWS[split])):
        yield {
            "image": {"bytes": png(made.scene), "path": None},
            "question": made.question,
            "answers": [made.answer],
            "kind": made.kind,
        }
