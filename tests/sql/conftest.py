"""The small run that the tests of this folder read."""

from __future__ import annotations

from tests.sql_run import small_run

__all__ = ["small_run"]
