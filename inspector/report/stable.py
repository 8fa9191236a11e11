"""The part of a report that two recordings of one scenario share.

Left out: times and durations, ephemeral ports, ids, packet numbers and
fingerprints, and what depends on how the network cut and paced the same bytes
(packet counts, retransmissions, sizes of encrypted data).  References by id
become what they point at.  Every list is in an order of its content, so that
the order of recording does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from inspector.report.model import Report

#: Names left out wherever they stand.  Those ending in `_at` are times.
_UNSTABLE: Final = frozenset({
    # identity
    "id", "connection", "packet", "packets", "fingerprint", "headers",
    # durations
    "reply_latency", "longest_silence",
    # pacing
    "zero_windows", "retransmissions", "dropped_by_kernel", "duplicate_packets",
    "records_up", "records_down", "because",
})  # fmt: skip

#: Objects whose names come from the capture or the configuration: kept whole.
_MAPS: Final = frozenset({"names", "statuses", "steering"})

_SIZES: Final = frozenset({"bytes_up", "bytes_down"})


def stable(report: Report) -> dict[str, Any]:
    """`report.to_dict()` reduced as the module says.

    Header lists become their names in wire order (values such as `date` and
    request ids differ; those that steer auth stand under `steering`); the
    `client` of a connection its address; `tunnel` the tunnel's authority;
    `relays` whether the exchange is a second leg; a tunnel's `exchanges` their
    number.  `captures` and `tool` describe the recording and are left out.
    """
    plain = report.to_dict()
    authorities = {tunnel["id"]: tunnel["authority"] for tunnel in plain["tunnels"]}

    def exchange(item: Mapping[str, Any]) -> dict[str, Any]:
        reduced = _reduced(item)
        reduced["relays"] = item["relays"] is not None
        reduced["tunnel"] = authorities.get(item["tunnel"])
        return reduced

    def client(item: Mapping[str, Any]) -> dict[str, Any]:
        return {**_reduced(item), "auth_headers": _each(_reduced, item["auth_headers"])}

    def tunnel(item: Mapping[str, Any]) -> dict[str, Any]:
        reduced = _reduced(item, _SIZES)
        reduced["exchanges"] = len(item["exchanges"])
        return reduced

    return {
        "schema": plain["schema"],
        "completeness": _reduced(plain["completeness"]),
        "topology": plain["topology"],
        "clients": _each(client, plain["clients"]),
        "connections": _each(lambda item: _reduced(item, _SIZES), plain["connections"]),
        "exchanges": _each(exchange, plain["exchanges"]),
        "tunnels": _each(tunnel, plain["tunnels"]),
        "direct_tls": _each(lambda item: _reduced(item, _SIZES), plain["direct_tls"]),
        "oddities": _each(_reduced, plain["oddities"]),
    }


def _each(
    reduce: Callable[[Mapping[str, Any]], dict[str, Any]], items: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    return sorted(map(reduce, items), key=_content)


def _content(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _reduced(item: Mapping[str, Any], also: frozenset[str] = frozenset()) -> dict[str, Any]:
    reduced: dict[str, Any] = {}
    for name, value in item.items():
        if name in _MAPS:
            reduced[name] = value
            continue
        if name.endswith("_at") or name in also:
            continue
        if name == "headers":
            reduced["header_names"] = [header for header, _ in value]
        elif name in _UNSTABLE:
            continue
        elif name == "client":
            reduced[name] = value["ip"]
        elif isinstance(value, dict):
            reduced[name] = _reduced(value, also)
        elif name == "gaps":
            gaps = (_reduced(gap, frozenset({"bytes"})) for gap in value)
            reduced[name] = sorted(gaps, key=_content)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            reduced[name] = [_reduced(entry, also) for entry in value]
        else:
            reduced[name] = value
    return reduced
