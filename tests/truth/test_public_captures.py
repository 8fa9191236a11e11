"""What the inspector says of public captures equals what two other readers agree on.

Rules by which the truth was written, and which hold for every file:

* the two ends of a connection are an unordered pair;
* a request answered by 101 has no status there, since what follows is not HTTP;
* of a connection only the outermost layer is listed: what is plaintext inside
  a CONNECT comes on top (`INSIDE_TUNNELS` lists all of it);
* `connects` are the tunnels that opened, with the bytes that passed through.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from inspector import Report
from inspector.capture_files import inspect_captures
from inspector.cli.main import main
from inspector.inspection import Options
from inspector.report.formats.whole import from_dict
from tests.truth.public import PublicCapture, hostile, needs_corpus, well_formed

WELL_FORMED = well_formed()
HOSTILE = hostile()
pytestmark = needs_corpus
each = pytest.mark.parametrize("capture", WELL_FORMED, ids=lambda item: item.name)

Ends = frozenset[tuple[str, int]] | frozenset[int]
#: (ends of the connection, method, target, status)
Call = tuple[Ends, str, str, int | None]

#: The dissector behind the truth gives TCP in IPv6 in AYIYA no IPv6 addresses, so
#: the truth has the tunnel's outer IPv4 ends beside the inner ports.
BY_PORTS = frozenset({"zeek__zeek__tunnels__ayiya3.pcap"})

#: File -> the plaintext messages inside its CONNECT: (method, target, status).
INSIDE_TUNNELS: dict[str, Counter[tuple[str, str, int | None]]] = {
    # A CONNECT to a second proxy, which opens a tunnel within the tunnel.
    "made-here__connect__c14b_nested_connect_outer.pcap": Counter(
        {("CONNECT", "api.lab.test:443", 200): 1}
    ),
    # A WebSocket handshake through CONNECT to port 80.
    "made-here__connect__c29_websocket_in_connect_80.pcap": Counter({("GET", "/ws", 101): 1}),
}


@cache
def report_of(path: Path) -> Report:
    """What is to be read without keys: the truth knows no more of files that hold them."""
    return inspect_captures([path], Options(scope="all", decrypts=False))


def ends(*pair: tuple[str, int], by_ports: bool) -> Ends:
    return frozenset(port for _, port in pair) if by_ports else frozenset(pair)


#: What a report writes in place of what no grammar grants (`inspector/secrets/labels.py`).
LABEL: Final = re.compile(r"<(?:[a-z0-9-]+ )*?([0-9]+) bytes(?: [0-9a-f]{12})?>")


def calls(report: Report, *, by_ports: bool) -> Counter[Call]:
    """Every request of the report, CONNECTs and what is inside tunnels included."""
    found: Counter[Call] = Counter()
    for exchange in report.exchanges:
        if exchange.request is not None:
            status = exchange.response.status if exchange.response else None
            pair = ((end.ip, end.port) for end in (exchange.client, exchange.server))
            request = exchange.request
            found[ends(*pair, by_ports=by_ports), request.method, request.target, status] += 1
    for tunnel in report.tunnels:
        if tunnel.authority is not None:
            pair = ((end.ip, end.port) for end in (tunnel.client, tunnel.proxy))
            status = tunnel.connect_status
            found[ends(*pair, by_ports=by_ports), "CONNECT", tunnel.authority, status] += 1
    return found


def statuses(report: Report) -> Counter[int]:
    """Every response's status: final, interim, and the replies to CONNECT."""
    found: Counter[int] = Counter()
    for exchange in report.exchanges:
        if exchange.response is not None:
            found.update((*exchange.response.interim, exchange.response.status))
    for tunnel in report.tunnels:
        found.update(tunnel.interim)
        if tunnel.connect_status is not None:
            found[tunnel.connect_status] += 1
    return found


def says(shown: str, target: str) -> bool:
    """Whether a report's target is the true one, its labels standing for as many bytes."""
    pieces = LABEL.split(shown)
    form = "".join(
        f".{{{piece}}}" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces)
    )
    return re.fullmatch(form, target, re.DOTALL) is not None


def unmasked(found: Counter[Call], targets: Iterable[tuple[object, str, str]]) -> Counter[Call]:
    """The calls of a report with the true target where a label hides a part of it.

    Of true targets that a label may stand for each call takes one of its own connection.
    """
    left = Counter(targets)
    calls: Counter[Call] = Counter()
    for pair, method, shown, status in found.elements():
        fits = [row for row in left if row[1] == method and says(shown, row[2])]
        own = [row for row in fits if row[0] == pair and left[row] > 0]
        row = next(iter(own or fits), None)
        if row is not None:
            left[row] -= 1
        calls[pair, method, shown if row is None else row[2], status] += 1
    return calls


@each
def test_requests_and_their_answers_are_those_of_the_truth(capture: PublicCapture) -> None:
    by_ports = capture.name in BY_PORTS
    expected = INSIDE_TUNNELS.get(capture.name, Counter())
    targets: list[tuple[object, str, str]] = [
        (ends((ip, port), (peer, peer_port), by_ports=by_ports), method, target)
        for ip, port, peer, peer_port, method, target, _ in capture.truth["requests"]
    ]
    targets += [(None, method, target) for method, target, _ in expected]
    found = unmasked(calls(report_of(capture.path), by_ports=by_ports), targets)
    true: Counter[Call] = Counter()
    for ip, port, peer, peer_port, method, target, status in capture.truth["requests"]:
        pair = ends((ip, port), (peer, peer_port), by_ports=by_ports)
        # "No status": answered by 101, or not at all.
        answer = 101 if status is None and (pair, method, target, 101) in found else status
        true[pair, method, target, answer] += 1

    inside = Counter(row[1:] for row in (found - true).elements())
    assert inside == expected
    assert not true - found


@each
def test_statuses_are_those_of_the_truth(capture: PublicCapture) -> None:
    inside = INSIDE_TUNNELS.get(capture.name, Counter())
    true = Counter(capture.truth["responses"])
    true.update(status for (_, _, status) in inside.elements() if status is not None)
    assert statuses(report_of(capture.path)) == true


@each
def test_tunnels_carried_the_bytes_of_the_truth(capture: PublicCapture) -> None:
    found = Counter(
        (tunnel.authority, tunnel.connect_status, tunnel.bytes_up, tunnel.bytes_down)
        for tunnel in report_of(capture.path).tunnels
        if tunnel.established
    )
    true = Counter(
        (connect["target"], connect["code"], connect["client_bytes"], connect["server_bytes"])
        for connect in capture.truth["connects"]
    )
    assert not true - found
    inside = INSIDE_TUNNELS.get(capture.name, Counter())
    assert {("CONNECT", authority, status) for authority, status, *_ in found - true} <= {*inside}


def test_every_kind_of_file_is_among_them() -> None:
    formats = {capture.truth["format"] for capture in WELL_FORMED}
    assert {"pcap", "pcapng"} <= formats
    assert sum(len(capture.truth["requests"]) for capture in WELL_FORMED) > 180
    assert sum(len(capture.truth["connects"]) for capture in WELL_FORMED) > 20


@pytest.mark.parametrize("path", HOSTILE, ids=lambda item: item.name)
def test_a_hostile_capture_ends_in_a_report(path: Path) -> None:
    run = CliRunner()
    done = run.invoke(main, ["analyze", "--scope", "all", "--format", "json", str(path)])
    assert done.exit_code in (0, 4), done.stderr
    assert "Traceback" not in done.stderr
    report = from_dict(json.loads(done.stdout))
    assert "internal-error" not in {oddity.name for oddity in report.oddities}
    assert report.captures or done.exit_code == 4

    page = run.invoke(main, ["-v", "analyze", "--scope", "all", str(path)])
    assert page.exit_code == done.exit_code
    assert "Traceback" not in page.stderr
    assert all(line.isprintable() for line in page.stdout.splitlines())
