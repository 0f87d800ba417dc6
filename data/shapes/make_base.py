"""Makes the tiny base policy of the `shapes` dataset: a Qwen2-VL of about a million weights with a habit.

It is taught to see (its evidence is right) and, on purpose, to answer wrong: in `HABIT` of the training targets
a count is one too high and a side is flipped, while the evidence stays true. So its most likely answer to whole
kinds of questions is wrong, and sampling still finds the right one: what RAFT can mend in minutes on a CPU.

    python data/shapes/make_base.py --output data/shapes/base          # about 15 minutes on two cores
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path
from typing import Any

from halo_forge.cards.shapes import scenes as shapes

SEED = 0
HABIT = 0.62
HABITUAL = ("count", "side")
EVERY_PLACE = "Look round."
CELL_LESSONS = 0.4
"""Share of lessons that name what is where: without them the model takes many times longer to look at all."""
VOCABULARY, WIDTH = 512, 128
SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
README = """# base: a policy spoiled on purpose

A Qwen2-VL of {weights:.2f} million weights for the `shapes` dataset. It sees well, and it has a habit: taught with
{habit:.0%} of its counts one too high and of its sides flipped, it answers those questions wrong when it answers
with what it holds most likely. It is here so that a run of halo-forge can show, in minutes and without a network,
a policy that gets better from its own verified completions. It is good for nothing else.

Made by `python data/shapes/make_base.py` (seed {seed}, {steps} steps of {batch}). Licence: Apache-2.0.
"""


def habitual(answer: str, kind: str) -> str:
    """The wrong answer that the habit gives."""
    if kind == "count":
        return str(int(answer) + 1)
    return {"left": "right", "right": "left"}[answer]


PLACES = [f"{row} {column}".strip() for row in ("top", "middle", "bottom") for column in ("left", "centre", "right")]


def cell(scene: shapes.Scene, number: int) -> str:
    """What is in one of the nine cells, in reading order."""
    row, column = divmod(number, shapes.GRID)
    if scene.word and row == scene.word_row:
        return scene.word
    return next((item.name for item in scene.items if (item.row, item.column) == (row, column)), "nothing")


def look_round(scene: shapes.Scene, rng: random.Random) -> str:
    """Six places in any order with what is there: a lesson in looking, not a question of the dataset."""
    places = rng.sample(range(len(PLACES)), 6)
    return ", ".join(f"{PLACES[number]}: {cell(scene, number)}" for number in places)


def lesson(number: int) -> tuple[shapes.Example, str, str]:
    """(example, prompt, completion) number `number`: half direct, half grounded, with the habit."""
    made = shapes.example("base", number, SEED)
    rng = random.Random(f"lesson/{SEED}/{number}")
    if rng.random() < CELL_LESSONS:
        return made, EVERY_PLACE, look_round(made.scene, rng)
    answer = made.answer
    if made.kind in HABITUAL and rng.random() < HABIT:
        answer = habitual(answer, made.kind)
    if rng.random() < 0.4:
        return made, made.question + shapes.DIRECT, answer
    return made, made.question + shapes.GROUNDED, f"{made.evidence} <answer>{answer}</answer>"


def processor(corpus: list[str]) -> Any:
    """A Qwen2-VL processor whose byte-level BPE of 512 tokens is trained on `corpus`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2VLProcessor
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=list(SPECIAL), initial_alphabet=alphabet)
    bpe.train_from_iterator(corpus, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL[1:]),
        clean_up_tokenization_spaces=False,
        model_max_length=512,
    )
    size = {"shortest_edge": shapes.SIZE**2, "longest_edge": shapes.SIZE**2}
    return Qwen2VLProcessor(
        Qwen2VLImageProcessor(size=size), tokenizer, Qwen2VLVideoProcessor(), chat_template=TEMPLATE
    )


def policy(tokenizer: Any) -> Any:
    """The untrained model."""
    from transformers import GenerationConfig, Qwen2VLConfig, Qwen2VLForConditionalGeneration

    ids = {word: tokenizer.convert_tokens_to_ids(word) for word in SPECIAL}
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": WIDTH,
            "initializer_range": WIDTH**-0.5,
            "intermediate_size": 320,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 512,
            "rope_parameters": {"rope_type": "default", "rope_theta": 20.0, "mrope_section": [4, 6, 6]},
            "bos_token_id": None,
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": 1,
            "embed_dim": 96,
            "hidden_size": WIDTH,
            "num_heads": 4,
            "mlp_ratio": 2,
            "initializer_range": 0.06,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    model = Qwen2VLForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        eos_token_id=[ids["<|im_end|>"], ids["<|endoftext|>"]], pad_token_id=ids["<|endoftext|>"]
    )
    return model


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


def train(output: Path, steps: int, size: int, rate: float, threads: int) -> None:
    """Train from scratch and save model and processor to `output`."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(SEED)
    corpus = [text for n in range(2000) for text in lesson(n)[1:]]
    proc = processor(corpus)
    model = policy(proc.tokenizer)
    weights = sum(p.numel() for p in model.parameters()) / 1e6
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.05)
    began, number = time.time(), 0
    model.train()
    for step in range(1, steps + 1):
        inputs = batch(proc, [lesson(number + i) for i in range(size)])
        number += size
        loss = model(**inputs).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 50 == 0:
            print(f"step {step}/{steps} loss {loss.item():.3f} ({time.time() - began:.0f} s)", flush=True)
    model.save_pretrained(output)
    proc.save_pretrained(output)
    text = README.format(weights=weights, habit=HABIT, seed=SEED, steps=steps, batch=size)
    (output / "README.md").write_text(text)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "base")
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    train(options.output, options.steps, options.batch, options.rate, options.threads)


if __name__ == "__main__":
    main()
