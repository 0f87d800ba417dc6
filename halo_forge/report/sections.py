"""The parts of the page after the answer: why it came out like that, and what it cost."""

from __future__ import annotations

from halo_forge.report import costs, habits, rewards, warned
from halo_forge.report.charts import Section
from halo_forge.report.tables import Tables

PARTS = (warned.warned, rewards.rewards, rewards.verifiers, habits.kept, habits.watch, costs.training, costs.cost)


def sections(tables: Tables) -> list[Section]:
    """Every part, in the order of the page; one without its table says so."""
    return [make(tables) for make in PARTS]
