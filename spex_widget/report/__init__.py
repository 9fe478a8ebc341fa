"""A snapshot as tables, charts, pages, diagnostics, and other libraries' types."""

from spex_widget.report.diagnostics import Diagnostics
from spex_widget.report.ranking import Ranking
from spex_widget.report.result import Result

__all__ = ["Diagnostics", "Ranking", "Result"]
