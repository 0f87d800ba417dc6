"""vlm whatif: the run's own settings give the run's own kept set, other settings what the stages give with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from halo_forge import sql
from halo_forge.cli import main
from halo_forge.errors import UserError
from halo_forge.files import read_json, write_json
from halo_forge.stages import filter, reward
from halo_forge.vlm import whatif
from tests.sql_run import QUIET


def rows(run: Path, **given: Any) -> list[dict[str, Any]]:
    return whatif.table(whatif.Config(str(run), **given)).to_pylist()


def figures(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "setting"}


@pytest.mark.parametrize("tag", ["", "strict"])
@pytest.mark.parametrize("cycle", [0, 1, 2])
def test_the_runs_own_settings_keep_what_it_kept(tag: str, cycle: int, small_run: Path) -> None:
    own, again = rows(small_run, tag=tag, cycle=cycle)
    assert (own["setting"], again["setting"]) == ("run", "grid") and figures(own) == figures(again)
    kept = sql.fetch(
        sql.connect(small_run, tag),
        "SELECT count(*) AS n, count(DISTINCT (cycle, prompt_id)) AS p FROM sft WHERE keep AND $cycle IN (0, cycle)",
        {"cycle": cycle},
    ).to_pylist()[0]
    assert (own["kept"], own["prompts"], own["in_both"], own["overlap"]) == (kept["n"], kept["p"], kept["n"], 1.0)
    assert own["right_share"] == 1.0


@pytest.mark.parametrize(
    ("given", "weights", "combine", "chosen"),
    [
        ({"weights": "0,0,1"}, (0.0, 0.0, 1.0), "gated", {}),
        ({"combine": "mean", "weights": "1,1,0.1"}, (1.0, 1.0, 0.1), "mean", {"filter": "default"}),
        ({"filter": "rest_em"}, (), "gated", {"filter": "rest_em"}),
        ({"filter": "unverified", "max_per_prompt": "3"}, (), "gated", {"filter": "unverified", "max_per_prompt": 3}),
        ({"filter": "threshold_top_half"}, (), "gated", {"filter": "threshold_top_half"}),
    ],
)
def test_a_setting_keeps_what_the_stages_keep_with_it(
    given: dict[str, str],
    weights: tuple[float, ...],
    combine: str,
    chosen: dict[str, Any],
    small_run: Path,
    tmp_path: Path,
) -> None:
    place = {name: f"{small_run}/{name}/cycle=1" for name in ("completions", "scores", "sft")}
    reward.STAGE.run(
        reward.Config(place["scores"], f"{tmp_path}/rewards", weights=weights, combine=combine), progress=QUIET
    )
    config = filter.Config(
        rewards=f"{tmp_path}/rewards", completions=place["completions"], prompts=f"{small_run}/prompts",
        output=f"{tmp_path}/sft", cycle=1, **chosen,
    )  # fmt: skip
    theirs, mine = (kept(table) for table in (filter.run(config, progress=QUIET), sql.Table(place["sft"], "sft")))
    found = rows(small_run, cycle=1, **given)[1]
    assert (found["kept"], found["in_both"]) == (len(theirs), len(theirs & mine))
    assert found["overlap"] == pytest.approx(len(theirs & mine) / len(theirs | mine))
    assert found["right_share"] == pytest.approx(sum(right for *_, right in theirs) / len(theirs))
    assert found["kept_share"] == pytest.approx(len(theirs) / 24)


def kept(sft: Any) -> set[tuple[Any, ...]]:
    said = sft.read(("prompt_id", "sample_index", "keep", "completion")).to_pylist()
    return {(r["prompt_id"], r["sample_index"], "<answer>2</answer>" in r["completion"]) for r in said if r["keep"]}


def test_a_threshold_judges_anew(small_run: Path) -> None:
    _, same, none = rows(small_run, threshold="0.9, 1.0")
    own = rows(small_run)[0]
    assert figures(same) | {"threshold": None} == figures(own)
    assert none["kept"] == same["kept"]
    _, everything = rows(small_run, threshold="0", filter="rest_em", max_per_prompt="9")
    assert everything["kept"] == 48 and everything["right_share"] == pytest.approx(22 / 48)


def test_a_grid_is_every_combination_once(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--weights", "0.3,0.4,0.3; vqa; 0.2,0.2,0.6", "--filter", "default,rest_em", "--max-per-prompt", "1,2"]
    assert main(["vlm", "whatif", str(small_run), *words, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 1 + 2 * 2 * 2 and len({json.dumps(row) for row in found[1:]}) == 8
    assert main(["vlm", "whatif", str(small_run)]) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[:4] == ["setting", "weights", "combine", "threshold"]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"weights": "0.3,0.4"}, "--weights takes three numbers"),
        ({"weights": "dokument"}, "--weights dokument is not known: did you mean 'document'?"),
        ({"weights": "a,b,c"}, "--weights takes numbers, not 'a'"),
        ({"filter": "defualt"}, "no filter 'defualt': did you mean 'default'?"),
        ({"threshold": "2"}, "--threshold takes numbers from 0 to 1, not 2"),
        ({"combine": "gate"}, "--combine gate is not known: did you mean 'gated'?"),
        ({"max_per_prompt": "0"}, "--max-per-prompt takes numbers from 1"),
        ({"cycle": 3}, "--cycle 3: "),
        ({"tag": "lax"}, "--tag lax: "),
        ({"threshold": ",".join(f"0.{i:03}" for i in range(600))}, "the grid has 600 combinations"),
    ],
)
def test_mistakes_are_one_line(given: dict[str, Any], line: str, small_run: Path) -> None:
    with pytest.raises(UserError) as caught:
        rows(small_run, **given)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value)


def test_nothing_is_written_and_a_filter_that_loses_rows_is_told(small_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    (tmp_path / "loses.sql").write_text(
        "SELECT prompt_id, sample_index, cycle, true AS keep, 'x' AS reason FROM candidates WHERE sample_index = 0"
    )
    with pytest.raises(UserError, match=r"loses.sql returned 6 rows for 24 rewards"):
        rows(run, filter=str(tmp_path / "loses.sql"))
    rows(run, threshold="0.5")
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_a_run_that_kept_nothing_yet_is_told(small_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    shutil.rmtree(run / "sft")
    with pytest.raises(UserError, match="has no filtered cycle yet"):
        rows(run)


def test_the_filter_is_the_one_the_run_was_made_with(small_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    write_json(run / "run.json", {**(read_json(run / "run.json") or {}), "config": {"filter": "rest_em"}})
    own, grid = rows(run, cycle=1)
    assert own["filter"] == grid["filter"] == "rest_em" and grid["kept"] > own["kept"]
