"""What differs between the kernels that a widget may live in; nothing else knows of it."""

from __future__ import annotations

import logging
import warnings
from typing import Any

_logger = logging.getLogger(__name__)


def answer_beside_cells(comm: Any) -> bool:
    """Let messages from the page be handled while a cell runs; True where that took a change.

    JupyterLab gives each comm a subshell, a thread beside the one that runs cells. ipykernel 7.4 sends a comm's
    messages to whichever shell last sent on it, which for a widget that is made in a cell is the main one, so they wait
    for the cell. Its private hook `_reply_subshell_for(data, default)` decides; the default is the subshell that the
    page chose. ipykernel 7.3 has no hook and needs none; 6 has no subshells, and the page says that it waits.
    """
    if not hasattr(comm, "_reply_subshell_for"):
        return False
    comm._reply_subshell_for = lambda data, default: default
    return True


def warn_of_threads() -> None:
    """Warn where messages sent from a thread are lost: ipykernel 7.0 raises a LookupError on them."""
    try:
        from ipykernel import version_info
    except ImportError:
        return
    if version_info[:2] == (7, 0):
        warnings.warn("ipykernel 7.0 loses what a widget sends from a thread; install ipykernel>=7.1", stacklevel=3)


def publish_display(bundle: dict[str, str], display_id: str, *, update: bool) -> None:
    """Show a bundle of mimetypes under an id, or replace what is shown under it; from any thread."""
    from IPython.display import display

    try:
        display(bundle, raw=True, display_id=display_id, update=update)  # type: ignore[no-untyped-call]
    except LookupError as error:
        _logger.warning("the static output could not be refreshed: %s", error)
