"""Captures without credentials and prompts: packets masked in place, lengths and offsets kept.

`Redactor` takes batches as they come, from a file or a live ring, and gives
them back when nothing secret can be left in them; `redact_into` writes a file, `Copies` those of
captures that are read for a report, and `audit` holds what was written against what was
captured.
"""

from __future__ import annotations

from inspector.redaction.alongside import Copies
from inspector.redaction.audit import Audited
from inspector.redaction.copies import audit, promise
from inspector.redaction.files import redact_into
from inspector.redaction.listening import NO_TIME
from inspector.redaction.redactor import Redactor
from inspector.redaction.summary import LIVE, HoldLimits, RedactionSummary

__all__ = [
    "LIVE",
    "NO_TIME",
    "Audited",
    "Copies",
    "HoldLimits",
    "RedactionSummary",
    "Redactor",
    "audit",
    "promise",
    "redact_into",
]
