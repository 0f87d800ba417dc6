"""Tiny random models for tests: real transformers classes, real processors, a few hundred thousand weights.

`qwen2_vl(folder)`, `llava(folder)` and `llava_next(folder)` write a model that `resolve` finds; seeded, so
the same bytes each time. `picture(n)` is the encoded bytes of a small distinct image.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from halo_forge.cards.shapes.tiny_policy import SPECIAL

QWEN_SPECIAL = list(SPECIAL)
QWEN_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for item in message['content'] %}{% if item['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ item['text'] }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXT = [
    "I see a red circle, a blue square. <answer>2</answer>",
    "How many circles are there?",
    "Is the green triangle left of the yellow star?",
    "What word is written? yes no one two three",
]


def picture(n: int = 0, size: tuple[int, int] = (56, 56)) -> bytes:
    """PNG bytes of an image whose colours depend on `n`."""
    from PIL import Image

    image = Image.new("RGB", size, ((37 * n) % 256, (91 * n + 60) % 256, (151 * n + 120) % 256))
    image.paste(((n * 53 + 200) % 256, 40, 90), (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def qwen2_vl(folder: Path, seed: int = 0) -> Path:
    """Qwen2-VL: hidden 64, two layers, one vision block."""
    import torch
    from transformers import (
        GenerationConfig,
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        Qwen2VLProcessor,
    )
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    tokenizer = _tokenizer(QWEN_SPECIAL, eos="<|im_end|>", pad="<|endoftext|>")
    ids = {word: tokenizer.convert_tokens_to_ids(word) for word in QWEN_SPECIAL}
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokenizer) + 5,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 512,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
            "bos_token_id": None,
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
        },
        vision_config={"depth": 1, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2},
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=False,
    )
    torch.manual_seed(seed)
    model = _loud(Qwen2VLForConditionalGeneration(config))
    ends = [ids["<|im_end|>"], ids["<|endoftext|>"]]  # as on the hub, with that model's own sampling habits
    model.generation_config = GenerationConfig(
        eos_token_id=ends,
        pad_token_id=ends[1],
        do_sample=True,
        top_k=1,
        temperature=0.1,
        repetition_penalty=1.05,
    )
    model.save_pretrained(folder)
    small = {"shortest_edge": 28 * 28, "longest_edge": 84 * 84}
    Qwen2VLProcessor(
        Qwen2VLImageProcessor(size=small), tokenizer, Qwen2VLVideoProcessor(), chat_template=QWEN_TEMPLATE
    ).save_pretrained(folder)
    return folder


def llava(folder: Path, seed: int = 0, heads: int = 4) -> Path:
    """LLaVA-1.5: a Llama of two layers, a CLIP tower of one, 28 px images; no chat template of its own."""
    import torch
    from transformers import LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

    tokenizer, parts = _llava_parts(heads)
    torch.manual_seed(seed)
    _loud(LlavaForConditionalGeneration(LlavaConfig(**parts))).save_pretrained(folder)
    LlavaProcessor(
        _clip(),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    ).save_pretrained(folder)
    return folder


def llava_next(folder: Path, seed: int = 0) -> Path:
    """LLaVA-NeXT (1.6): the same parts, images cut into tiles."""
    import torch
    from transformers import LlavaNextConfig, LlavaNextForConditionalGeneration, LlavaNextProcessor
    from transformers.models.llava_next.image_processing_llava_next import LlavaNextImageProcessor

    tokenizer, parts = _llava_parts()
    grid = [[28, 56], [56, 28], [56, 56]]
    torch.manual_seed(seed)
    config = LlavaNextConfig(image_grid_pinpoints=grid, **parts)
    _loud(LlavaNextForConditionalGeneration(config)).save_pretrained(folder)
    images = LlavaNextImageProcessor(
        image_grid_pinpoints=grid, size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}
    )
    LlavaNextProcessor(
        images,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    ).save_pretrained(folder)
    return folder


def _loud(model: Any) -> Any:
    """Output embeddings ten times as large: a frozen head at its usual scale could not be sure of
    anything."""
    model.get_output_embeddings().weight.data.mul_(10)
    return model


def _llava_parts(heads: int = 4) -> tuple[Any, dict[str, Any]]:
    from transformers import CLIPVisionConfig, LlamaConfig

    tokenizer = _tokenizer(["<unk>", "<s>", "</s>", "<pad>", "<image>"], eos="</s>", pad="<pad>", bos="<s>")
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=heads,
        num_key_value_heads=heads // 2,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=3,
    )
    return tokenizer, {
        "vision_config": vision,
        "text_config": text,
        "image_token_id": tokenizer.convert_tokens_to_ids("<image>"),
    }


def _clip() -> Any:
    from transformers import CLIPImageProcessor

    return CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})


def _tokenizer(special: list[str], *, eos: str, pad: str, bos: str | None = None) -> Any:
    """A byte-level BPE of 300 tokens and the special ones, the latter first."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.train_from_iterator(
        TEXT,
        trainers.BpeTrainer(
            vocab_size=300,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    if bos:
        inner.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, inner.token_to_id(bos))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token=eos, pad_token=pad, bos_token=bos, extra_special_tokens=special
    )


@pytest.fixture(scope="session")
def qwen_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen2-VL, made once; tests only read it."""
    return qwen2_vl(tmp_path_factory.mktemp("qwen"))


@pytest.fixture(scope="session")
def llava_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LLaVA-1.5, made once; tests only read it."""
    return llava(tmp_path_factory.mktemp("llava"))


@pytest.fixture(scope="session")
def llava_next_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LLaVA-NeXT, made once; tests only read it."""
    return llava_next(tmp_path_factory.mktemp("llava_next"))
