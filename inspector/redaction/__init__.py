"""Captures without credentials: packets masked in place, lengths and offsets kept.

`Redactor` takes batches as they come, from a file or a live ring, and gives
them back when nothing secret can be left in them; `redact_into` writes a file and
reads it again to prove it.
"""

from __future__ import annotations

from inspector.redaction.files import NotRedacted, redact_into
from inspector.redaction.redactor import LIVE, Limits, RedactionSummary, Redactor

__all__ = ["LIVE", "Limits", "NotRedacted", "RedactionSummary", "Redactor", "redact_into"]
