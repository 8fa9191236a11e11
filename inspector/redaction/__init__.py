"""Captures without credentials and prompts: packets masked in place, lengths and offsets kept.

`Redactor` takes batches as they come, from a file or a live ring, and gives
them back when nothing secret can be left in them; `redact_into` writes a file, `Copies` those of
captures that are read for a report, and `reread` reads it again until nothing is found.
"""

from __future__ import annotations

from inspector.redaction.alongside import Copies
from inspector.redaction.files import redact_into
from inspector.redaction.redactor import LIVE, HoldLimits, RedactionSummary, Redactor
from inspector.redaction.rereading import Reread, promise, reread

__all__ = [
    "LIVE",
    "Copies",
    "HoldLimits",
    "RedactionSummary",
    "Redactor",
    "Reread",
    "promise",
    "redact_into",
    "reread",
]
