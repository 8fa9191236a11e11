"""The blocks of a pcapng file by their numbers, and how this program's own are told.

Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

from typing import Final

SECTION_HEADER: Final = 0x0A0D0D0A
INTERFACE_DESCRIPTION: Final = 1
OBSOLETE_PACKET: Final = 2
SIMPLE_PACKET: Final = 3
INTERFACE_STATISTICS: Final = 5
ENHANCED_PACKET: Final = 6
DECRYPTION_SECRETS: Final = 10
CUSTOM: Final = 0x0BAD
"""A block of somebody's own that other programs copy, told by an enterprise number (4.8)."""

MAGIC: Final = SECTION_HEADER.to_bytes(4, "big")
"""The first four bytes of a pcapng file; the same in both byte orders."""

#: What a section's header names as its program when this one wrote it.
APPLICATION: Final = "inspector"

#: The enterprise number for documentation and examples (RFC 5612), and the word that tells
#: this program's blocks from others' of that number.
ENTERPRISE: Final = 32473
MARKS_MAGIC: Final = b"inspmark"
