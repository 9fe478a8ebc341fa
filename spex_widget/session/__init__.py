"""Runs: the worker, the log of what was paid for, and the publisher."""

from spex_widget.session.arguments import default_budget
from spex_widget.session.evaluator import Evaluator, InlineEvaluator
from spex_widget.session.log import AblationLog
from spex_widget.session.planning import Plan, plan
from spex_widget.session.screening import ScreenedGame, screen
from spex_widget.session.session import Session
from spex_widget.session.verify import Verification
from spex_widget.session.zooming import ZoomedGame, zoom

__all__ = [
    "AblationLog",
    "Evaluator",
    "InlineEvaluator",
    "Plan",
    "ScreenedGame",
    "Session",
    "Verification",
    "ZoomedGame",
    "default_budget",
    "plan",
    "screen",
    "zoom",
]
