"""Runs: the worker, the log of what was paid for, and the publisher."""

from spex_widget.session.evaluator import Evaluator, InlineEvaluator
from spex_widget.session.log import AblationLog
from spex_widget.session.session import Session, default_budget

__all__ = ["AblationLog", "Evaluator", "InlineEvaluator", "Session", "default_budget"]
