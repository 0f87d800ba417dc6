"""A tiny random SmolVLM: the real classes and a real processor that cuts images into tiles, no network.

The hub's SmolVLM has model_type `idefics3`; SmolVLM2 has `smolvlm`, the same but for videos.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tiny import _loud, _tokenizer

TILE, MOST = 32, 64  # pixels of a tile's side, and of the longer side of an image before it is cut
SPECIAL = [
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<end_of_utterance>"),
    *("<fake_token_around_image>", "<image>", "<global-img>"),
    *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
]
TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}: {% for item in message['content'] %}"
    "{% if item['type'] == 'image' %}<image>{% else %}{{ item['text'] }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)


def smolvlm(folder: Path, seed: int = 0, kind: str = "idefics3") -> Path:
    """A Llama of two layers under a SigLIP-like tower of one; `kind`: idefics3 or smolvlm."""
    import torch
    import transformers

    tokenizer = _tokenizer(SPECIAL, eos="<end_of_utterance>", pad="<|im_end|>", bos="<|im_start|>")
    name = {"idefics3": "Idefics3", "smolvlm": "SmolVLM"}[kind]
    config = getattr(transformers, f"{name}Config")(
        text_config={
            "model_type": "llama",
            "vocab_size": len(tokenizer),
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 512,
            **_ids(tokenizer),
        },
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": TILE,
            "patch_size": 8,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    _loud(getattr(transformers, f"{name}ForConditionalGeneration")(config)).save_pretrained(folder)
    images = getattr(transformers, f"{name}ImageProcessor")(
        size={"longest_edge": MOST}, max_image_size={"longest_edge": TILE}
    )
    parts = [images, tokenizer]
    if kind == "smolvlm":
        parts.append(transformers.SmolVLMVideoProcessor())
    getattr(transformers, f"{name}Processor")(*parts, image_seq_len=4, chat_template=TEMPLATE).save_pretrained(folder)
    return folder


def _ids(tokenizer: Any) -> dict[str, int]:
    return {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
