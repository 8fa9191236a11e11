"""The part of a report that two recordings of one scenario share.

Left out: times and durations, ephemeral ports, ids, packet numbers and
fingerprints, and what depends on how the network cut and paced the same bytes
(packet counts, retransmissions, sizes of encrypted data).  References by id
become what they point at.  Every list is in an order of its content, so that
the order of recording does not matter.

Of conclusions the decisions stay (codes, verdicts, who answered, counts); the
sentences that tell them name ids and packets, and are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson

from inspector.report.formats.json import to_plain

if TYPE_CHECKING:
    from inspector.model.report import Report

#: Names left out wherever they stand.  Those ending in `_at` are times.
_UNSTABLE: Final = frozenset({
    # identity
    "id", "connection", "packet", "packets", "closed_packet", "fingerprint", "headers",
    # durations
    "reply_latency", "longest_silence", "timing",
    # pacing
    "zero_windows", "retransmissions", "dropped_by_kernel", "duplicate_packets",
    "records_up", "records_down", "data_down", "because",
})  # fmt: skip

#: Objects whose names come from the capture or the configuration: kept whole.
_MAPS: Final = frozenset({"names", "statuses", "steering"})

_SIZES: Final = frozenset({"bytes_up", "bytes_down"})


def stable_part(report: Report) -> dict[str, Any]:
    """`as_dict(report)` reduced as the module says.

    Header lists become their names in wire order (values such as `date` and
    request ids differ; those that steer auth stand under `steering`); the
    `client` of a connection its address; `tunnel` the tunnel's authority;
    `relays` whether the exchange is a second leg; a tunnel's `exchanges` their
    number.  In conclusions an id becomes a sentence on what it names (`_Places`).
    `captures` and `tool` describe the recording and are left out.
    """
    plain = to_plain(report, several_files=len(report.captures) > 1)
    places = _Places(plain)
    authorities = {tunnel["id"]: tunnel["authority"] for tunnel in plain["tunnels"]}

    def exchange(item: Mapping[str, Any]) -> dict[str, Any]:
        reduced = _reduced(item)
        reduced["relays"] = item["relays"] is not None
        reduced["tunnel"] = authorities.get(item["tunnel"])
        if not reduced["interim"]:
            del reduced["interim"]  # goldens are older than it
        return reduced

    def client(item: Mapping[str, Any]) -> dict[str, Any]:
        reduced = {**_reduced(item), "auth_headers": _each(_reduced, item["auth_headers"])}
        del reduced["numbers"], reduced["processes"]  # durations, and what a file need not have
        return reduced

    def tunnel(item: Mapping[str, Any]) -> dict[str, Any]:
        reduced = _reduced(item, _SIZES)
        reduced["exchanges"] = len(item["exchanges"])
        return reduced

    return {
        "schema": plain["schema"],
        "completeness": _reduced(plain["completeness"]),
        "topology": _without_empty(plain["topology"], "added"),
        "clients": _each(client, plain["clients"]),
        "connections": _each(lambda item: _reduced(item, _SIZES), plain["connections"]),
        "exchanges": _each(exchange, plain["exchanges"]),
        "tunnels": _each(tunnel, plain["tunnels"]),
        "direct_tls": _each(lambda item: _reduced(item, _SIZES), plain["direct_tls"]),
        "oddities": _each(_reduced, plain["oddities"]),
        "chains": _each(places.chain, plain["chains"]),
        "hypotheses": _each(places.hypothesis, plain["hypotheses"]),
        "findings": _each(places.finding, plain["findings"]),
        "root_cause": plain["root_cause"] and places.root_cause(plain["root_cause"]),
    }


class _Places:
    """What the ids of one report point at, in words that another recording shares.

    Several ids may point at the same: a list of places has each once.
    """

    def __init__(self, plain: Mapping[str, Any]) -> None:
        self._of: dict[str, str] = {}
        for item in plain["connections"]:
            client, server = item["client"]["ip"], _end(item["server"])
            self._of[item["id"]] = f"{client} to {server}: {item['outcome']}"
        for item in plain["direct_tls"]:
            client, server = item["client"]["ip"], _end(item["server"])
            self._of[item["id"]] = f"{client} to {server}: TLS for {item['tls']['sni']}"
        for item in plain["tunnels"]:
            reply = item["connect_status"]
            self._of[item["id"]] = f"{item['client']['ip']} CONNECT {item['authority']}: {reply}"
        for item in plain["exchanges"]:
            request, response = item["request"], item["response"]
            asked = f"{request['method']} {request['target']}" if request else "not seen"
            status = response["status"] if response else "none"
            self._of[item["id"]] = f"{item['hop']} {item['provider']} {asked}: {status}"

    def chain(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "agent_exchange": self._place(item["agent_exchange"]),
            "tunnel": self._place(item["tunnel"]),
            "attempts": [self._place(id_) for id_ in item["attempts"]],
            "answered_by": item["answered_by"],
            "status": item["status"],
        }

    def hypothesis(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": item["id"],
            "verdict": item["verdict"],
            "exchanges": self._once(item["exchanges"]),
        }

    def finding(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "code": item["code"],
            "severity": item["severity"],
            "count": item["count"],
            "evidence": self._evidence(item),
        }

    def root_cause(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "code": item["code"],
            "explains": item["explains"],
            "of": item["of"],
            "evidence": self._evidence(item),
        }

    def _evidence(self, item: Mapping[str, Any]) -> list[str | None]:
        """The most telling id of each piece: an exchange, else its tunnel, else its connection."""
        return self._once(
            evidence["exchange"] or evidence["tunnel"] or evidence["connection"]
            for evidence in item["evidence"]
        )

    def _once(self, ids: Iterable[str | None]) -> list[str | None]:
        return sorted({self._place(id_) for id_ in ids}, key=str)

    def _place(self, id_: str | None) -> str | None:
        return None if id_ is None else self._of.get(id_, "not in this report")


def _without_empty(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Without a list that stands there only if somebody filled it: goldens are older than it."""
    return {key: value for key, value in item.items() if key != name or value}


def _end(endpoint: Mapping[str, Any]) -> str:
    return f"{endpoint['ip']}:{endpoint['port']}"


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
        elif name == "unread":
            reduced[name] = sorted(entry["reason"] for entry in value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            reduced[name] = [_reduced(entry, also) for entry in value]
        else:
            reduced[name] = value
    return reduced
