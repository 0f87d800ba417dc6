"""Makes the small detector of the `shapes` dataset: a narrow YOLOv8 trained from scratch on rendered scenes.

It knows circle, square and triangle. The weights are made with Ultralytics and so are AGPL-3.0, as the note
beside them says; the rest of the project is Apache-2.0.

    python data/shapes/make_detector.py --output data/shapes/detector      # about 3 minutes on two cores
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from halo_forge.cards.shapes import scenes as shapes

SEED = 0
IMAGE_SIZE = 96
TRAIN, VALIDATION = 2400, 300
LICENCE = """The file shapes.pt in this folder was trained with Ultralytics YOLOv8 (https://ultralytics.com) by
`python data/shapes/make_detector.py`. It is licensed under the GNU Affero General Public License, version 3 (AGPL-3.0),
unlike the rest of this project, which is Apache-2.0. Text: https://www.gnu.org/licenses/agpl-3.0.txt
"""
NARROW = """nc: 3
scales:
  n: [0.33, 0.125, 512]
backbone:
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 1, Conv, [128, 3, 2]]
  - [-1, 3, C2f, [128, True]]
  - [-1, 1, Conv, [256, 3, 2]]
  - [-1, 6, C2f, [256, True]]
  - [-1, 1, Conv, [512, 3, 2]]
  - [-1, 6, C2f, [512, True]]
  - [-1, 1, SPPF, [512, 5]]
head:
  - [-1, 1, nn.Upsample, [None, 2, "nearest"]]
  - [[-1, 4], 1, Concat, [1]]
  - [-1, 3, C2f, [256]]
  - [-1, 1, Conv, [256, 3, 2]]
  - [[-1, 7], 1, Concat, [1]]
  - [-1, 3, C2f, [512]]
  - [[10, 13], 1, Detect, [nc]]
"""
"""Two scales instead of three: every shape is 16 to 23 pixels wide."""


def write_scenes(folder: Path, split: str, first: int, count: int) -> None:
    """Images and labels (class, centre and size as shares) in the layout Ultralytics reads."""
    for kind in ("images", "labels"):
        (folder / kind / split).mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        scene = shapes.example("detector", number, SEED).scene
        (folder / "images" / split / f"{number}.png").write_bytes(shapes.png(scene))
        lines = []
        for item in scene.items:
            x1, y1, x2, y2 = (edge / shapes.SIZE for edge in item.box)
            kind = shapes.SHAPES.index(item.shape)
            lines.append(f"{kind} {(x1 + x2) / 2:.5f} {(y1 + y2) / 2:.5f} {x2 - x1:.5f} {y2 - y1:.5f}")
        (folder / "labels" / split / f"{number}.txt").write_text("\n".join(lines))


def save(trained: Path, path: Path) -> None:
    """Keep the weights (half precision) and the image size; drop dates, folders and curves of the making."""
    import torch

    checkpoint = torch.load(trained, map_location="cpu", weights_only=False)  # written by ourselves just now
    model = checkpoint["model"]
    kept = {"task": "detect", "imgsz": IMAGE_SIZE}
    model.args = dict(kept)
    model.yaml["yaml_file"] = "yolov8n-shapes.yaml"
    torch.save({"model": model, "train_args": dict(kept), "license": checkpoint.get("license")}, path)


def train(output: Path, epochs: int, threads: int) -> None:
    """Train in a temporary folder; only the weights and their licence reach `output`."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        os.environ |= {"YOLO_CONFIG_DIR": name, "YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true"}
        import torch
        from ultralytics import YOLO

        torch.set_num_threads(threads)
        write_scenes(work, "train", 0, TRAIN)
        write_scenes(work, "val", TRAIN, VALIDATION)
        names = "\n".join(f"  {i}: {shape}" for i, shape in enumerate(shapes.SHAPES))
        (work / "data.yaml").write_text(f"path: {name}\ntrain: images/train\nval: images/val\nnames:\n{names}\n")
        (work / "yolov8n-shapes.yaml").write_text(NARROW)
        model = YOLO(str(work / "yolov8n-shapes.yaml"), task="detect")
        model.train(
            data=str(work / "data.yaml"),
            epochs=epochs,
            imgsz=IMAGE_SIZE,
            batch=32,
            seed=SEED,
            device="cpu",
            workers=0,
            project=name,
            name="run",
            plots=False,
            pretrained=False,
            optimizer="AdamW",
            lr0=0.004,
            # little augmentation: every scene it will ever see is drawn by the same generator
            mosaic=0.0,
            scale=0.15,
            translate=0.05,
            hsv_h=0.01,
            hsv_s=0.2,
            hsv_v=0.2,
            fliplr=0.5,
        )
        output.mkdir(parents=True, exist_ok=True)
        save(work / "run" / "weights" / "best.pt", output / "shapes.pt")
        (output / "LICENSE.txt").write_text(LICENCE)
    print(f"{output / 'shapes.pt'}: {(output / 'shapes.pt').stat().st_size / 1e6:.2f} MB")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "detector")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    train(options.output, options.epochs, options.threads)


if __name__ == "__main__":
    main()
