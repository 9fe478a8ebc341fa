"""A run at one moment, and its bytes."""

from spex_widget.snapshot.asked import Asked, Flip, Probe
from spex_widget.snapshot.diagnostics import Diagnostics
from spex_widget.snapshot.frame import TOP, decode, encode
from spex_widget.snapshot.measured import VERDICTS, Measured, Verifying, bii
from spex_widget.snapshot.ranked import KINDS, Ranked, kind_of
from spex_widget.snapshot.recording import Recording
from spex_widget.snapshot.snapshot import FINAL, STATES, Header, Snapshot, is_noise, trusted_intervals

__all__ = [
    "FINAL",
    "KINDS",
    "STATES",
    "TOP",
    "VERDICTS",
    "Asked",
    "Diagnostics",
    "Flip",
    "Header",
    "Measured",
    "Probe",
    "Ranked",
    "Recording",
    "Snapshot",
    "Verifying",
    "bii",
    "decode",
    "encode",
    "is_noise",
    "kind_of",
    "trusted_intervals",
]
