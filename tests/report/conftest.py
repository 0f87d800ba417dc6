"""The hostile run's report, the small run, and the browser that opens pages."""

from __future__ import annotations

from tests.report_run import browser, hostile_page
from tests.sql_run import small_run

__all__ = ["browser", "hostile_page", "small_run"]
