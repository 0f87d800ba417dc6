"""From a prompt and its images to token ids: the one way, for the engine and for the trainer.

Images come first, in order, then the text, in the model's own chat template. Special tokens written out in a
dataset's text are broken up, so that a question that mentions `<image>` cannot open an image slot.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

IMAGE_WORDS = ("image", "video", "vision")
"""A special token whose name holds one of these stands for pixels and never belongs in a completion."""


def special_words(processor: Any) -> list[str]:
    """Special tokens of the model as written, longest first, among them its image placeholder."""
    tokenizer = processor.tokenizer
    words = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    words |= {str(word) for word in tokenizer.all_special_tokens}
    words |= {str(word) for name in ("image_token", "video_token") if (word := getattr(processor, name, None))}
    return sorted((word for word in words if len(word) > 1), key=lambda word: (-len(word), word))


def harmless(text: str, processor: Any) -> str:
    """`text` with a space inside every special token in it: `<image>` becomes `< image>`."""
    return _special(processor).sub(lambda match: match[0][0] + " " + match[0][1:], text)


@lru_cache(maxsize=2)
def _special(processor: Any) -> re.Pattern[str]:
    """What finds the special tokens; made once for a processor, since each prompt asks."""
    return re.compile("|".join(re.escape(word) for word in special_words(processor)) or r"(?!)")


def render(processor: Any, prompt: str, images: int) -> str:
    """The chat-templated text of one user turn with `images` placeholders, ending where the answer starts."""
    content: list[dict[str, str]] = [{"type": "image"}] * images
    content = [*content, {"type": "text", "text": harmless(prompt, processor)}]
    turn = [{"role": "user", "content": content}]
    return str(processor.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))


def encode(
    processor: Any,
    prompts: Sequence[str],
    images: Sequence[Sequence[Image.Image]],
    *,
    side: str,
    nested: bool = False,
) -> dict[str, Any]:
    """Model inputs of a batch of prompts, images expanded, padded on `side` ("left" or "right").

    Returns torch tensors by name, at least `input_ids` and `attention_mask` (rows × length). Raises
    ValueError where the processor refuses an image or a text.
    """
    texts = [render(processor, prompt, len(pictures)) for prompt, pictures in zip(prompts, images, strict=True)]
    flat = [picture for pictures in images for picture in pictures]
    grouped: Any = [list(pictures) for pictures in images] if nested else flat
    return dict(
        processor(
            text=texts,
            images=grouped if flat else None,
            padding=True,
            padding_side=side,
            return_tensors="pt",
            add_special_tokens=not all(_written_start(processor, text) for text in texts),
        )
    )


def text_ids(processor: Any, prompt: str, images: int) -> list[int]:
    """Token ids of a prompt as its text is written: one placeholder for each image, not yet expanded."""
    text = render(processor, prompt, images)
    special = not _written_start(processor, text)
    return [int(token) for token in processor.tokenizer(text, add_special_tokens=special)["input_ids"]]


def _written_start(processor: Any, text: str) -> bool:
    """Whether the template writes the start token itself; then it gets no second one."""
    start = processor.tokenizer.bos_token
    return bool(start) and text.startswith(start)


def real_ids(encoded: dict[str, Any], row: int) -> list[int]:
    """Token ids of one prompt of an encoded batch, padding removed by position."""
    ids: list[int] = encoded["input_ids"][row][encoded["attention_mask"][row].bool()].tolist()
    return ids


def prompt_ids(processor: Any, prompt: str, images: Sequence[Image.Image], *, nested: bool = False) -> list[int]:
    """Token ids of one prompt, images expanded, as engine and trainer have them."""
    return real_ids(encode(processor, [prompt], [images], side="left", nested=nested), 0)


def banned_ids(processor: Any, config: Any, vocabulary: int) -> list[int]:
    """Token ids a completion must not hold: image and video tokens, and rows of the vocabulary without a
    token.

    `vocabulary` is the number of logits. A generated image token makes the next step unreadable for the
    model.
    """
    tokenizer = processor.tokenizer
    names = (
        "image_token_id",
        "image_token_index",
        "video_token_id",
        "video_token_index",
        "vision_start_token_id",
        "vision_end_token_id",
        "vision_token_id",
    )
    found = {getattr(config, name, None) for name in names}
    for token_id, token in tokenizer.added_tokens_decoder.items():
        if any(word in str(token).lower() for word in IMAGE_WORDS):
            found.add(token_id)
    found |= set(range(len(tokenizer), vocabulary))
    return sorted(token for token in found if isinstance(token, int) and 0 <= token < vocabulary)


def biased(banned: Collection[int], processor: Any, most: int = 1024) -> list[int]:
    """The banned tokens that matter most, for engines that ban no more than `most`: those with a word come first.
    Rows of the vocabulary without a token were never trained and are next to never drawn."""
    known = len(processor.tokenizer)
    return sorted(banned, key=lambda token: (token >= known, token))[:most]


def ending_ids(declared: int | Sequence[int] | None, processor: Any) -> list[int]:
    """Ids that end a completion, from the `eos_token_id` that a model declares; the first is the one appended where
    a training row lacks it."""
    ids = [declared] if isinstance(declared, int) else list(declared or [])
    own = processor.tokenizer.eos_token_id
    if own is not None and (own in ids or not ids):
        ids = [own, *(token for token in ids if token != own)]
    return ids


def eos_ids(model: Any, processor: Any) -> list[int]:
    """`ending_ids` of a loaded model."""
    return ending_ids(getattr(getattr(model, "generation_config", None), "eos_token_id", None), processor)
