"""Every query of sql/ about a run: its header says what it returns, in an order that does not depend on the tables'."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from halo_forge import sql
from halo_forge.errors import UserError
from halo_forge.vlm import query, questions, views

ALL = sorted(questions.questions())
VALUES = {"gain": {"cycle": "2"}, "wrong_but_high": {"high": "0.1"}}


def tables(run: Path, asked: questions.Question) -> dict[str, sql.Source]:
    found = {**views.empty(), **views.views(str(run), mark=asked.together or None)}
    return {name: found[name] for name in asked.tables}


def values(name: str) -> dict[str, Any]:
    return questions.question(name).values(VALUES.get(name, {}))


def test_the_topics_people_ask_about_are_there() -> None:
    assert {
        "by_cycle", "by_verifier", "agreement", "calibration", "distribution", "pass_rate", "pass_rates", "pass_at_k",
        "best_of_n", "never_solved", "newly_solved", "forgotten", "solved", "drop_reasons", "yield", "watch",
        "wrong_but_high", "length_drift", "repetition", "growing_phrases", "claim_rate", "diversity", "by_model",
        "paired", "gain", "accuracy", "by_category", "shared_images",
    } <= set(ALL)  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_columns_are_those_of_the_header(name: str, small_run: Path) -> None:
    asked = questions.question(name)
    assert asked.purpose and asked.tables and ("-- grain: " in asked.text or asked.kind == "checks")
    assert set(sql.parameters(asked.text)) == {parameter.name for parameter in asked.parameters}
    connection = sql.connect(tables(small_run, asked))
    found = connection.sql(asked.text, params=values(name))
    assert list(zip(found.columns, map(str, found.types), strict=True)) == questions.columns(asked.text)
    rows = found.fetchall()
    connection.close()
    assert asked.kind == "checks" or rows
    assert asked.kind != "checks" or not rows


@pytest.mark.parametrize("name", ALL)
def test_order_does_not_depend_on_the_order_of_rows(name: str, small_run: Path) -> None:
    asked = questions.question(name)
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
