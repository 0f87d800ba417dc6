"""Detectors: real networks with random weights, real files, real refusals."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib.resources import files
from itertools import chain
from pathlib import Path

import pytest

from halo_forge.errors import UserError
from halo_forge.perception.detectors import THRESHOLD, Detector, load_detector, resolve_detector
from halo_forge.perception.networks import MAX_BOXES
from tests.perception.parts import noise, random_transformer, random_yolo

SHAPES = Path(str(files("halo_forge.cards"))) / "shapes" / "detector" / "shapes.pt"
SIZES = ((84, 84), (640, 200), (1, 1), (3000, 4), (30, 90))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALO_FORGE_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def yolo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_yolo(tmp_path_factory.mktemp("yolo") / "tiny.pt")


@pytest.fixture(scope="module", params=["ultralytics", "rtdetr", "dfine"])
def detector(request: pytest.FixtureRequest, yolo: Path, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    if request.param == "ultralytics":
        return load_detector(str(yolo))
    return load_detector(f"transformers:{random_transformer(tmp_path_factory.mktemp(request.param), request.param)}")


def test_boxes_are_inside_sorted_and_of_the_vocabulary(detector: Detector) -> None:
    images = [noise(size, seed) for seed, size in enumerate(SIZES)]
    found = detector.detect(images)
    assert detector.vocabulary == ("cat", "dog")
    assert len(found) == len(images) and sum(map(len, found)) > 0
    for image, boxes in zip(images, found, strict=True):
        assert len(boxes) <= MAX_BOXES
        assert [b.confidence for b in boxes] == sorted((b.confidence for b in boxes), reverse=True)
        for box in boxes:
            assert box.label in detector.vocabulary and THRESHOLD <= box.confidence <= 1
            assert 0 <= box.x1 < box.x2 <= image.width and 0 <= box.y1 < box.y2 <= image.height


def test_same_boxes_again_and_whatever_stands_beside(detector: Detector) -> None:
    images = [noise(size, seed) for seed, size in enumerate(SIZES)]
    together = detector.detect(images)
    assert detector.detect(images) == together
    alone = [detector.detect([image])[0] for image in images]
    assert [[b.label for b in boxes] for boxes in alone] == [[b.label for b in boxes] for boxes in together]
    for one, other in zip(chain(*alone), chain(*together), strict=True):
        assert one.x1 == pytest.approx(other.x1, abs=0.05)
        assert one.confidence == pytest.approx(other.confidence, abs=2e-4)


def test_no_images_no_boxes(detector: Detector) -> None:
    assert detector.detect([]) == []


def test_yolo_runs_at_the_size_it_was_trained_with(yolo: Path) -> None:
    detector = load_detector(str(yolo))
    assert detector.size == 64  # type: ignore[attr-defined]
    assert detector.name == "tiny.pt"
    assert detector.digest == resolve_detector(str(yolo)).digest and len(detector.digest) == 64


def test_another_file_has_another_digest(yolo: Path, tmp_path: Path) -> None:
    other = tmp_path / "tiny.pt"
    other.write_bytes(yolo.read_bytes() + b"x")
    assert resolve_detector(str(other)).digest != resolve_detector(str(yolo)).digest


def test_running_yolo_writes_nothing_where_it_runs(yolo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    load_detector(str(yolo)).detect([noise((64, 64))])
    assert list(tmp_path.iterdir()) == []


def test_ultralytics_leaves_pillow_alone(yolo: Path) -> None:
    code = (
        "from PIL import Image; before = Image.open; "
        "from halo_forge.perception.detectors import load_detector; "
        f"load_detector({str(yolo)!r}); print(Image.open is before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_none_sees_nothing_and_could_have_seen_nothing() -> None:
    detector = load_detector("none")
    assert (detector.name, detector.vocabulary) == ("none", ())
    assert detector.detect([noise((8, 8)), noise((8, 8))]) == [[], []]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("yolov8n.pt", ["cannot be downloaded", "--detector PATH_TO_WEIGHTS.pt"]),
        ("./nowhere.pt", ["there is no file", "--detector"]),
        ("yolov8n", ["unknown", "yolov8n.pt"]),
        ("bundled:shapes/detector/nothing.pt", ["carries no such file"]),
        ("bundled:../../../etc/passwd", ["carries no such file"]),
        ("transformers:someone/nothing", ["cannot be downloaded", "hf download someone/nothing"]),
        ("transformers:../../etc", ["neither a folder nor a hub id"]),
    ],
)
def test_what_is_not_here_is_one_line_that_says_what_to_do(
    name: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        load_detector(name)
    message = str(caught.value)
    assert "\n" not in message and name in message
    assert all(word in message for word in words), message


def test_planning_downloads_nothing() -> None:
    assert resolve_detector("yolov8n.pt", fetch=False).digest is None
    assert resolve_detector("transformers:someone/nothing", fetch=False).digest is None


@pytest.mark.parametrize("name", ["tiny.pt", "yolov8n.pt", "bundled:x.pt"])
def test_a_missing_package_names_the_command(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n == "ultralytics" else real(n, *a))
    with pytest.raises(UserError, match=r"pip install 'halo-forge\[perception\]'"):
        load_detector(name)


def test_a_bare_download_name_is_never_taken_from_the_folder(
    yolo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "yolov8n.pt").write_bytes(yolo.read_bytes())
    with pytest.raises(UserError, match=r"\./NAME\.pt"):
        load_detector("yolov8n.pt")
    assert load_detector("./yolov8n.pt").vocabulary == ("cat", "dog")


class Opens:
    """Unpickling this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("kind", ["junk", "empty", "foreign"])
def test_a_file_that_is_no_checkpoint_is_refused_and_runs_nothing(kind: str, tmp_path: Path) -> None:
    import torch

    path, trace = tmp_path / "weights.pt", tmp_path / "ran"
    if kind == "foreign":
        torch.save({"model": Opens(trace)}, path)
    else:
        path.write_bytes(b"junk" if kind == "junk" else b"")
    with pytest.raises(UserError, match="no YOLO checkpoint") as caught:
        load_detector(str(path))
    assert "\n" not in str(caught.value)
    assert not trace.exists()


def test_pickled_transformers_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UserError, match="safetensors"):
        load_detector(f"transformers:{tmp_path}")


@pytest.mark.skipif(not SHAPES.is_file(), reason="the bundled detector has not been trained yet")
def test_the_bundled_detector_sees_the_shapes_and_nothing_else() -> None:
    import io

    from PIL import Image

    from halo_forge.cards.shapes import scenes

    shown = [scenes.example("eval", number).scene for number in range(24)]
    detector = load_detector("bundled:shapes/detector/shapes.pt")
    assert detector.vocabulary == scenes.SHAPES and detector.name == "bundled:shapes/detector/shapes.pt"
    found = detector.detect([Image.open(io.BytesIO(scenes.png(scene))).convert("RGB") for scene in shown])
    seen = sure = wanted = right = 0
    for scene, boxes in zip(shown, found, strict=True):
        strong = [box for box in boxes if box.confidence >= 0.5]
        sure, wanted = sure + len(strong), wanted + len(scene.items)
        for item in scene.items:
            x, y = (item.box[0] + item.box[2]) / 2, (item.box[1] + item.box[3]) / 2
            seen += any(b.label == item.shape and b.x1 < x < b.x2 and b.y1 < y < b.y2 for b in strong)
        for box in strong:
            x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
            right += any(
                i.shape == box.label and i.box[0] < x < i.box[2] and i.box[1] < y < i.box[3] for i in scene.items
            )
    assert seen / wanted >= 0.9 and right / sure >= 0.9


def test_naming_a_detector_and_a_reader_imports_nothing_heavy(yolo: Path) -> None:
    code = (
        "import sys; import halo_forge.perception.detectors as d, halo_forge.perception.ocr as o; "
        f"d.resolve_detector({str(yolo)!r}); d.resolve_detector('none'); o.resolve_ocr('rapidocr:192'); "
        "o.resolve_ocr('easyocr:en+fr'); "
        "heavy = {'torch', 'transformers', 'ultralytics', 'easyocr', 'rapidocr', 'cv2', 'PIL'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
