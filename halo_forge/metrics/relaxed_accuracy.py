"""ChartQA: relaxed correctness, numbers within 5 % of the label, all else equal but for case (pix2struct).

A percent sign divides by 100 on either side; thousands separators, currency and units are not numbers here.
"""

from __future__ import annotations

from collections.abc import Sequence

TOLERANCE = 0.05


def relaxed_accuracy(prediction: str, answers: Sequence[str]) -> float:
    """1.0 when the prediction is correct for any reference, else 0.0."""
    return float(any(_correct(prediction.strip(), answer) for answer in answers))


def _correct(prediction: str, target: str) -> bool:
    value, wanted = to_float(prediction), to_float(target)
    if value is not None and wanted:
        return abs(value - wanted) / abs(wanted) <= TOLERANCE
    return prediction.lower() == target.lower()


def to_float(text: str) -> float | None:
    """The number that Python reads, a trailing % meaning hundredths; None when it is not one."""
    try:
        return float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None
