"""A snapshot as tables, charts, pages, and other libraries' types."""

from spex_widget.report.ranking import Ranking
from spex_widget.report.result import Result

__all__ = ["Ranking", "Result"]
