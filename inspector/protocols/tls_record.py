"""TLS records: their header, and how long they may be (RFC 8446 5.1)."""

from __future__ import annotations

import struct
from typing import Final

from inspector.protocols.tls_names import APPLICATION_DATA, CHANGE_CIPHER_SPEC, HEARTBEAT

#: The longest record body: 2^14 and 2048 of expansion (RFC 5246 6.2.3; later versions less).
MAX_RECORD: Final = (1 << 14) + 2048

#: Content type, legacy version, length of the body.
RECORD_HEADER: Final = struct.Struct(">BHH")
RECORD_HEADER_SIZE: Final = RECORD_HEADER.size


def is_record_header(kind: int, version: int, size: int) -> bool:
    """Whether these values of a header can begin a record of any type."""
    if not (CHANGE_CIPHER_SPEC <= kind <= HEARTBEAT and version >> 8 == 3 and version & 0xFF <= 4):
        return False
    # Only application data may be empty (RFC 8446 5.1).
    return size <= MAX_RECORD and (size > 0 or kind == APPLICATION_DATA)
