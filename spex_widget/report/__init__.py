"""A snapshot as tables, charts and pages."""

from spex_widget.report.ranking import Ranking
from spex_widget.report.result import Result

__all__ = ["Ranking", "Result"]
