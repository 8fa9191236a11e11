"""Which header carries what: positions, schemes, kinds, placeholders, anomalies, fingerprints.

A value is redacted for its *position* (a header or query parameter that
carries a credential); its shape only labels the kind.  Shapes are all there is
to go by in free text, such as an error message that echoes a key: `scrub`.
"""

from __future__ import annotations

from inspector.credentials.kinds import SHAPES, Shape, classify, label
from inspector.credentials.reader import CredentialReader
from inspector.credentials.scrubbing import Scrubber
from inspector.secrets.constants import PLACEHOLDERS
from inspector.secrets.positions import CREDENTIAL_HEADERS, CREDENTIAL_QUERY, STEERING_HEADERS

__all__ = [
    "CREDENTIAL_HEADERS",
    "CREDENTIAL_QUERY",
    "PLACEHOLDERS",
    "SHAPES",
    "STEERING_HEADERS",
    "CredentialReader",
    "Scrubber",
    "Shape",
    "classify",
    "label",
]
