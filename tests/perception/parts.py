"""Small real parts for the tests of the eyes: rendered words, networks with random weights saved to disk."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont


def sign(text: str, size: tuple[int, int] = (240, 100), letters: int = 36) -> Image.Image:
    """Black letters on white."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((size[0] // 12, size[1] // 4), text, fill="black", font=ImageFont.load_default(letters))
    return image


def noise(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """Random pixels."""
    import numpy as np

    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def random_yolo(path: Path, labels: tuple[str, ...] = ("cat", "dog"), imgsz: int = 64) -> Path:
    """A YOLOv8n of random weights whose class scores lie about one half, saved as a checkpoint."""
    from halo_forge.perception.detectors import import_ultralytics

    import_ultralytics()
    import torch
    from ultralytics import YOLO
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(0)
    yolo = YOLO("yolov8n.yaml")
    yolo.model = DetectionModel("yolov8n.yaml", nc=len(labels), verbose=False)
    yolo.model.names = dict(enumerate(labels))
    for branch in yolo.model.model[-1].cv3:
        torch.nn.init.normal_(branch[-1].weight, std=0.5)
        torch.nn.init.constant_(branch[-1].bias, -1.0)
    yolo.model.args = {"imgsz": imgsz}
    yolo.ckpt = {"train_args": {"imgsz": imgsz}}
    yolo.save(path)
    return path


def random_transformer(folder: Path, kind: str) -> Path:
    """An RT-DETR or D-FINE of random weights, 20 queries on 64 pixels, with its image processor."""
    import torch
    from transformers import (
        DFineConfig,
        DFineForObjectDetection,
        HGNetV2Config,
        RTDetrConfig,
        RTDetrForObjectDetection,
        RTDetrImageProcessor,
        RTDetrResNetConfig,
    )

    torch.manual_seed(0)
    stages = {"out_features": ["stage2", "stage3", "stage4"], "embedding_size": 8, "depths": [1, 1, 1, 1]}
    labels = {0: "cat", 1: "dog", 2: "N/A"}
    common = {
        "d_model": 16,
        "encoder_hidden_dim": 16,
        "encoder_in_channels": [16, 16, 16],
        "decoder_in_channels": [16, 16, 16],
        "encoder_ffn_dim": 16,
        "decoder_ffn_dim": 16,
        "decoder_layers": 2,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "num_queries": 20,
        "num_denoising": 0,
        "id2label": labels,
        "label2id": {label: key for key, label in labels.items()},
    }
    if kind == "rtdetr":
        backbone = RTDetrResNetConfig(hidden_sizes=[8, 16, 16, 16], layer_type="basic", **stages)
        model = RTDetrForObjectDetection(RTDetrConfig(backbone_config=backbone, **common))
    else:
        backbone = HGNetV2Config(
            hidden_sizes=[8, 16, 16, 16],
            stem_channels=[3, 8, 8],
            stage_in_channels=[8, 8, 16, 16],
            stage_mid_channels=[8, 8, 8, 8],
            stage_out_channels=[8, 16, 16, 16],
            stage_num_blocks=[1, 1, 1, 1],
            stage_numb_of_layers=[1, 1, 1, 1],
            **stages,
        )
        model = DFineForObjectDetection(DFineConfig(backbone_config=backbone, **common))
    model.save_pretrained(folder)
    RTDetrImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def easyocr_weights(folder: Path) -> dict[str, str]:
    """EasyOCR's own networks saved under the names it looks for: CRAFT that takes everything for text, a
    recogniser that reads "A". Returns MD5 by file name."""
    import hashlib

    import torch
    from easyocr.config import recognition_models
    from easyocr.craft import CRAFT
    from easyocr.model.vgg_model import Model

    torch.manual_seed(0)
    characters = recognition_models["gen2"]["english_g2"]["characters"]
    craft = CRAFT()
    torch.nn.init.zeros_(craft.conv_cls[-1].weight)
    torch.nn.init.ones_(craft.conv_cls[-1].bias)
    reader = Model(input_channel=1, output_channel=256, hidden_size=256, num_class=len(characters) + 1)
    torch.nn.init.constant_(reader.Prediction.bias, 0.0)
    reader.Prediction.bias.data[characters.index("A") + 1] = 20.0
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, network in (("craft_mlt_25k.pth", craft), ("english_g2.pth", reader)):
        torch.save({f"module.{key}": value for key, value in network.state_dict().items()}, folder / name)
        found[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    return found
