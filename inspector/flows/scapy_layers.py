"""The last resort for link types without a dissector: scapy finds the IP header.

scapy knows dozens of link types that hardly ever carry IP.  It is imported
when the first such packet comes (half a second), takes a hundred times as
long for a packet as a dissector here, and is not asked again about a link
type in which it found no IP several times.
"""

from __future__ import annotations

import warnings
from typing import Any, Final

from inspector.flows.layers import IPV4, IPV6, Answer, Cursor

#: Packets of one link type without IP before scapy is no longer asked.
PATIENCE: Final = 8

_IP_NAMES: Final = {"IP": IPV4, "IPv6": IPV6}


class ScapyLayers:
    """A dissector for whatever link types scapy knows.  `faults` receives (name, detail)."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        self._faults = faults
        self._failures: dict[int, int] = {}

    def __call__(self, cursor: Cursor, link_type: int) -> Answer:
        """Move the cursor to the outermost IP header of a frame of `link_type`."""
        failures = self._failures.get(link_type, 0)
        if failures >= PATIENCE:
            return "unknown-link-type"
        frame = cursor.data[cursor.start : cursor.end]
        layer = _link_layer(link_type)
        found = None if layer is None else _find_ip(layer, frame)
        if found is None:
            self._failures[link_type] = PATIENCE if layer is None else failures + 1
            if self._failures[link_type] == PATIENCE:
                self._faults.append(("undecoded-kind", f"link type {link_type}"))
            return "unknown-link-type"
        self._failures[link_type] = 0
        key, original = found
        cut = cursor.wire_end - cursor.end
        cursor.data = original
        cursor.start = 0
        cursor.end = len(original)
        cursor.wire_end = cursor.end + cut
        return key


def _link_layer(link_type: int) -> Any:
    with warnings.catch_warnings(action="ignore"):
        try:
            import scapy.layers.all  # noqa: F401  (registers the link types)
            from scapy.config import conf
        except Exception:  # absent, or at odds with the system: then there is no last resort
            return None
    conf.logLevel = 50  # its warnings may quote captured bytes
    return conf.l2types.num2layer.get(link_type)


def _find_ip(layer: Any, frame: bytes) -> tuple[int, bytes] | None:
    """The key and the bytes of the outermost IP header that scapy sees, and all behind it."""
    try:
        packet = layer(frame)
        while packet:
            key = _IP_NAMES.get(type(packet).__name__)
            if key is not None:
                return key, bytes(packet.original)
            packet = packet.payload
    except Exception:  # whatever a dissector of scapy's does on hostile bytes
        return None
    return None
