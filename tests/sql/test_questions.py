"""Every query of sql/ about a run: its header says what it returns, in an order that does not depend on the tables'."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from halo_forge import schema, sql
from halo_forge.errors import UserError
from halo_forge.vlm import query, questions, views
from tests.sql_run import identity

ALL = sorted(questions.questions())
INNER = sorted(f"{kind}/{name}" for kind in ("export", "report", "watch") for name in sql.names(kind))
"""Queries behind a command, and not asked by name."""
VALUES = {"gain": {"cycle": "2"}, "wrong_but_high": {"high": "0.1"}}
INNER_VALUES: dict[str, Any] = {
    "cycle": 2, "style": "grounded", "rows": "kept",
    "prompt_ids": [identity(name) for name in "abxy"], "image_ids": [f"image-{name}" for name in "abxy"],
}  # fmt: skip
TRAINING = schema.from_rows(
    [{"cycle": cycle, "step": step, "loss": 1 / step, "tokens": 9} for cycle in (1, 2) for step in (1, 2, 3)],
    "training",
)
"""The small run trained nothing."""


def query_of(name: str) -> questions.Question:
    kind, slash, plain = name.partition("/")
    return questions.read(plain, kind, sql.text(name)) if slash else questions.question(name)


def tables(run: Path, asked: questions.Question) -> dict[str, sql.Source]:
    there = views.views(str(run), mark=asked.together or None)
    found: dict[str, sql.Source] = {**views.empty(), "training": TRAINING, **there}
    return {name: found[name] for name in asked.tables}


def values(name: str) -> dict[str, Any]:
    asked = query_of(name)
    if name in ALL:
        return asked.values(VALUES.get(name, {}))
    return {p.name: INNER_VALUES[p.name] if p.name in INNER_VALUES else p.value(None) for p in asked.parameters}


def test_the_topics_people_ask_about_are_there() -> None:
    assert {
        "by_cycle", "by_verifier", "agreement", "calibration", "distribution", "pass_rate", "pass_rates", "pass_at_k",
        "best_of_n", "never_solved", "newly_solved", "forgotten", "solved", "drop_reasons", "yield", "watch",
        "wrong_but_high", "length_drift", "repetition", "growing_phrases", "claim_rate", "diversity", "by_model",
        "paired", "gain", "accuracy", "by_category", "shared_images",
    } <= set(ALL)  # fmt: skip


@pytest.mark.parametrize("name", [*ALL, *INNER])
def test_columns_are_those_of_the_header(name: str, small_run: Path) -> None:
    asked = query_of(name)
    assert asked.purpose and asked.tables and ("-- grain: " in asked.text or asked.kind == "checks")
    assert set(sql.parameters(asked.text)) == {parameter.name for parameter in asked.parameters}
    connection = sql.connect(tables(small_run, asked))
    found = connection.sql(asked.text, params=values(name))
    columns = list(zip(found.columns, map(str, found.types), strict=True))
    promised = questions.columns(asked.text)
    said = questions.header(asked.text)["columns"]
    if "those of" in said or "as in" in said:  # and others, of types that are more than a word
        columns = [column for column in columns if column in promised]
    assert columns == promised
    rows = found.fetchall()
    connection.close()
    assert asked.kind == "checks" or rows
    assert asked.kind != "checks" or not rows


@pytest.mark.parametrize("name", [*ALL, *INNER])
def test_order_does_not_depend_on_the_order_of_rows(name: str, small_run: Path) -> None:
    asked = query_of(name)
    found = tables(small_run, asked)
    connection = sql.connect(found)
    mixed: dict[str, sql.Source] = {}
    for view in asked.tables:
        rows = connection.sql(f'SELECT * FROM "{view}"').to_arrow_table()
        order = list(range(rows.num_rows))
        random.Random(len(order)).shuffle(order)
        mixed[view] = rows.take(pa.array(order, pa.int64()))
    connection.close()
    first = sql.query(asked.text, found, **values(name)).to_pylist()
    assert list(flat(first)) == pytest.approx(list(flat(sql.query(asked.text, mixed, **values(name)).to_pylist())))


def flat(rows: list[dict[str, Any]]) -> Iterator[Any]:
    for row in rows:
        yield from (str(value) if isinstance(value, list) else value for value in row.values())


def test_tables_without_rows_are_no_mistake() -> None:
    for name in ALL:
        asked = questions.question(name)
        empty = {view: table for view, table in views.empty().items() if view in asked.tables}
        marked = {view: with_run(table) if asked.together else table for view, table in empty.items()}
        assert sql.query(asked.text, marked, **values(name)).num_rows == 0, name


def with_run(table: sql.Source) -> pa.Table:
    assert isinstance(table, pa.Table)
    return table.append_column("run", pa.nulls(table.num_rows, pa.string()))


def test_parameters_are_typed_and_named_by_the_header() -> None:
    asked = questions.question("prompts/never_solved")
    assert asked.values({}) == {"min_n": 1, "most": 100} and asked.values({"min_n": "4"})["min_n"] == 4
    with pytest.raises(UserError, match="--min_n takes a value of type INTEGER, not 'four'"):
        asked.values({"min_n": "four"})
    with pytest.raises(UserError, match=r"never_solved has no parameter --min: did you mean 'min_n'\?"):
        asked.values({"min": "4"})
    with pytest.raises(UserError, match=r"needs --cycle \(INTEGER\)"):
        questions.question("gain").values({})
    with pytest.raises(UserError, match=r"no query 'pas_rate': did you mean 'pass_rate'\? All: accuracy, .*yield$"):
        questions.question("pas_rate")
    with pytest.raises(UserError, match="no query 'hacking/pass_rate'"):
        questions.question("hacking/pass_rate")


def test_no_parameter_is_called_like_a_flag() -> None:
    flags = {field.name for field in dataclasses.fields(query.Config) if not field.metadata.get("hidden")}
    assert not flags & {p.name for asked in questions.questions().values() for p in asked.parameters}
