"""The word tables: complete, and compiled as meant."""

from __future__ import annotations

import pytest

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.lexicon import COCO, canonical_label, coco_table, lexicon, plural, siblings


def test_tables_name_the_80_labels() -> None:
    assert len(COCO) == 80
    assert {"person", "bicycle", "hair drier", "toothbrush", "sports ball", "dining table"} <= COCO
    for _, equal, narrower in coco_table():
        for form in (*equal, *narrower):
            assert (
                form == form.strip().lower() and "\n" not in form and form.replace(" ", "").replace("'", "").isalpha()
            )


def test_broader_words_and_siblings_name_labels() -> None:
    members = {m.strip() for row in data.BROADER.values() for m in row.split(",")}
    members |= {m for row in data.SIBLINGS.split("\n") if row for m in row.split("|")}
    assert members <= COCO
    assert "truck" in siblings("car") and "car" not in siblings("car")


def test_no_form_belongs_to_two_labels() -> None:
    forms = [form for _, equal, narrower in coco_table() for form in (*equal, *narrower)]
    assert len(forms) == len(set(forms))


@pytest.mark.parametrize(
    ("one", "many"),
    [("bus", "buses"), ("knife", "knives"), ("wine glass", "wine glasses"), ("city", "cities"),
     ("sheep", "sheep"),
     ("fireman", "firemen"), ("bench", "benches"), ("skis", "skis"), ("cat", "cats")],
)  # fmt: skip
def test_plurals(one: str, many: str) -> None:
    assert many in plural(one)


@pytest.mark.parametrize(
    ("label", "name"),
    [("sofa", "couch"), ("TVmonitor", "tv"), ("aeroplane", "airplane"), ("circle", "circle")],
)
def test_other_detectors_labels(label: str, name: str) -> None:
    assert canonical_label(label) == name


def test_longest_match_wins() -> None:
    found = lexicon(None).find(["hot", "dogs", "on", "top", "of"], 0)
    assert found is not None and found[0]["O"].name == "hot dog" and found[1] == 2
