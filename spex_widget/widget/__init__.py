"""The widget that shows a session in a notebook."""

from spex_widget.widget.recorded import RecordedWidget, load
from spex_widget.widget.widget import SpexWidget, explain

__all__ = ["RecordedWidget", "SpexWidget", "explain", "load"]
