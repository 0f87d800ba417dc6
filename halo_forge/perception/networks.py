"""The networks behind the detectors: YOLO checkpoints of Ultralytics, detection models of transformers.

Both give the same boxes for an image whatever is in the batch with it, and take no part in naming or finding
weights (see `detectors`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from halo_forge.errors import UserError
from halo_forge.perception.detectors import THRESHOLD, DetectorRef, import_ultralytics
from halo_forge.perception.weights import one_line
from halo_forge.verifiers.scene import Box

if TYPE_CHECKING:
    from PIL import Image

SAME_OBJECT = 0.7
"""Boxes of one label that overlap more than this (IoU) are one object: the stronger stays."""

MAX_BOXES = 300
"""Most boxes kept per image, strongest first."""


class UltralyticsDetector:
    """A YOLO detection checkpoint, run at the image size it was trained with.

    Calls the network and its NMS directly: Ultralytics' predictor stops NMS on a clock, which would make the
    boxes depend on how busy the machine is.
    """

    def __init__(self, ref: DetectorRef, device: str) -> None:
        import_ultralytics()
        from ultralytics.data.augment import LetterBox
        from ultralytics.nn.tasks import load_checkpoint

        try:
            model, _ = load_checkpoint(str(ref.path), device=device)
        except Exception as error:  # a damaged file fails anywhere in the unpickler
            raise UserError(f"--detector {ref.name}: {ref.path} is no YOLO checkpoint: {one_line(error)}") from error
        if model.task != "detect":
            raise UserError(f"--detector {ref.name}: a model for {model.task}; a detection model is needed")
        self.name, self.digest = ref.label, str(ref.digest)
        self._labels = {int(key): str(label) for key, label in model.names.items()}
        self.vocabulary: tuple[str, ...] | None = _vocabulary(self._labels)
        self._model, self._device = model.fuse(verbose=False).eval(), device
        size = model.args.get("imgsz") or 640
        self.size = int(size[0] if isinstance(size, (list, tuple)) else size)
        self._letterbox: Any = LetterBox((self.size, self.size), auto=False)

    def detect(self, images: Sequence[Image.Image]) -> list[list[Box]]:
        """See Detector."""
        if not images:
            return []
        import numpy as np
        import torch
        from ultralytics.utils.nms import non_max_suppression
        from ultralytics.utils.ops import scale_boxes

        squares = np.stack([self._letterbox(image=np.asarray(image)) for image in images])
        batch = torch.from_numpy(squares).to(self._device).permute(0, 3, 1, 2).float().div_(255.0)
        with torch.inference_mode():
            found = non_max_suppression(
                self._model(batch),
                conf_thres=THRESHOLD,
                iou_thres=SAME_OBJECT,
                max_det=MAX_BOXES,
                nc=len(self._labels),
                max_time_img=float("inf"),
                end2end=bool(getattr(self._model, "end2end", False)),
            )
        boxes = []
        for image, rows in zip(images, found, strict=True):
            corners = scale_boxes((self.size, self.size), rows[:, :4].clone(), (image.height, image.width))
            boxes.append(_boxes(self._labels, rows[:, 5].tolist(), rows[:, 4].tolist(), corners.tolist(), image))
        return boxes


class TransformersDetector:
    """A closed-list detection model of transformers with its own image processor."""

    def __init__(self, ref: DetectorRef, device: str) -> None:
        from transformers import AutoImageProcessor, AutoModelForObjectDetection

        path = str(ref.path)
        options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            self._processor = AutoImageProcessor.from_pretrained(path, **options)
            model = AutoModelForObjectDetection.from_pretrained(path, use_safetensors=True, **options)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise UserError(f"--detector {ref.name}: cannot be loaded: {one_line(error)}") from error
        self.name, self.digest = ref.label, str(ref.digest)
        self._labels = {int(key): str(label) for key, label in model.config.id2label.items()}
        self.vocabulary: tuple[str, ...] | None = _vocabulary(self._labels)
        self._model, self._device = model.to(device).eval(), device

    def detect(self, images: Sequence[Image.Image]) -> list[list[Box]]:
        """See Detector."""
        # Where the processor pads to the largest image, neighbours would change an image's boxes: one by one.
        if len(images) > 1 and getattr(self._processor, "do_pad", False):
            return [boxes for image in images for boxes in self.detect([image])]
        if not images:
            return []
        import torch
        from torchvision.ops import batched_nms

        inputs = self._processor(images=list(images), return_tensors="pt").to(self._device)
        with torch.inference_mode():
            outputs = self._model(**inputs)
        sizes = [(image.height, image.width) for image in images]
        found = self._processor.post_process_object_detection(outputs, threshold=THRESHOLD, target_sizes=sizes)
        boxes = []
        for image, rows in zip(images, found, strict=True):
            keep = batched_nms(rows["boxes"], rows["scores"], rows["labels"], SAME_OBJECT)[:MAX_BOXES]
            labels, scores, corners = (rows[key][keep].tolist() for key in ("labels", "scores", "boxes"))
            boxes.append(_boxes(self._labels, labels, scores, corners, image))
        return boxes


def _vocabulary(labels: dict[int, str]) -> tuple[str, ...]:
    """Distinct labels in class order; COCO-91 lists mark unused classes "N/A"."""
    return tuple(dict.fromkeys(label for _, label in sorted(labels.items()) if label != "N/A"))


def _boxes(
    labels: dict[int, str],
    classes: Sequence[float],
    scores: Sequence[float],
    corners: Sequence[Sequence[float]],
    image: Image.Image,
) -> list[Box]:
    """Clipped to the image and rounded (1/100 pixel, 1/10,000 confidence), so that float noise between batch
    sizes rarely shows; sorted by falling confidence, ties by place."""
    boxes = []
    for kind, score, (x1, y1, x2, y2) in zip(classes, scores, corners, strict=True):
        xs = [round(min(max(x, 0.0), float(image.width)), 2) for x in (x1, x2)]
        ys = [round(min(max(y, 0.0), float(image.height)), 2) for y in (y1, y2)]
        if xs[0] < xs[1] and ys[0] < ys[1] and labels[int(kind)] != "N/A":
            boxes.append(Box(labels[int(kind)], round(score, 4), xs[0], ys[0], xs[1], ys[1]))
    return sorted(boxes, key=lambda box: (-box.confidence, box.x1, box.y1, box.label))
