"""What a stage is: a pure function from Arrow batches to an Arrow table, and the words around it.

- `fn(batch, config, state, **tables) -> table` is the whole stage; `load(config)` makes its heavy state once.
- `gather(batch, tables)` picks the rows of the other inputs that a batch needs; they reach `fn` by name.
- `Stage.run(config)` applies it to tables on disk part by part (halo_forge.executor), `Stage.main(argv)` is the
  command line, and calling the stage on a `datasets.Dataset` returns a `datasets.Dataset`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from halo_forge import schema

Tables = dict[str, Any]


def _nothing(config: Any) -> None:
    return None


def _alone(batch: pa.Table, tables: Tables) -> dict[str, pa.Table]:
    return {}


@dataclass(frozen=True)
class Stage:
    """A row stage: `rows` names the input that is mapped part by part, `output` the table it makes."""

    name: str
    version: int
    config: type
    fn: Callable[..., pa.Table]
    rows: str
    output: str
    part_rows: int = 2048
    load: Callable[[Any], Any] = _nothing
    gather: Callable[[pa.Table, Tables], dict[str, pa.Table]] = _alone
    select: Callable[[Any, Tables], Any] = lambda config, tables: None
    """Ascending positions of the input rows that this config is about; None: all."""
    digests: Callable[[Any], dict[str, Any]] = lambda config: {}
    """Digests of what the stage loads (a model, a detector), for its key."""
    processes: Callable[[Any], int] = lambda config: 1
    """In how many processes its parts are made; 0: one per core, in tables that are worth their start."""

    def __call__(self, batch: Any, config: Any, state: Any = None, **tables: Any) -> Any:
        """Apply the stage to a `pa.Table`, or to a `datasets.Dataset` and get one back."""
        as_dataset = not isinstance(batch, pa.Table)
        sides = {name: _arrow(table) for name, table in tables.items() if table is not None}
        result = self.fn(_arrow(batch), config, self.load(config) if state is None else state, **sides)
        result = schema.conform(result, self.output)
        if not as_dataset:
            return result
        import datasets

        return datasets.Dataset(result)

    def run(self, config: Any, **options: Any) -> Any:
        """Apply the stage to the tables `config` names; the finished `Table`. See executor.run."""
        from halo_forge import executor

        return executor.run(self, config, **options)

    def main(self, argv: list[str] | None = None) -> int:
        """The stage's own command line."""
        from halo_forge.cli import stage_main

        return stage_main(self.config, self.run, argv, prog=f"stages/{self.name}.py", doc=self.fn.__doc__ or "")


def _arrow(table: Any) -> pa.Table:
    if isinstance(table, pa.Table):
        return table
    return table.with_format("arrow")[:]
