"""What is read inside TLS is of its tunnel, on whichever connection of it that was."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector import Options, Report, inspect
from inspector.model.network import Endpoint
from inspector.second_opinion import read_by_us
from tests.canary.wire import API_PROXY, OPENED, SQUID, Description, Lost, capture
from tests.canary.wire import Talk as Packets
from tests.decryption.made import Talk
from tests.decryption.test_holes import ASK, HEAD, keys_of

CONNECT = b"CONNECT api.anthropic.com:443 HTTP/1.1\r\nHost: api.anthropic.com:443\r\n\r\n"
SAID = Talk().tell(True, ASK).tell(False, HEAD + 40 * b" ")


def tunnel(*, is_seen: bool = True) -> Packets:
    """The API proxy's side of a tunnel; `is_seen`: its CONNECT and the reply were captured."""
    packets = Packets(server=(SQUID, 3128), client=API_PROXY)
    if is_seen:
        packets.up(CONNECT).down(OPENED)
    else:
        packets.up(Lost(CONNECT)).down(Lost(OPENED))
    packets.said += SAID.flights
    return packets


def egress() -> Packets:
    """The same session as Squid carries it on."""
    packets = Packets(server=("203.0.113.9", 443), client=SQUID)
    packets.said += SAID.flights
    return packets


def report_of(packets: list[Packets], path: Path) -> Report:
    (path / "capture.pcapng").write_bytes(capture(packets, Description()))
    (path / "keys.log").write_bytes(b"\n".join(keys_of(SAID)))
    return inspect(path / "capture.pcapng", options=Options(key_logs=(path / "keys.log",)))


@pytest.mark.parametrize(
    "packets",
    [
        [tunnel()],
        [tunnel(is_seen=False)],
        [tunnel(), egress()],
        [egress(), tunnel()],
        [egress(), tunnel(is_seen=False)],
    ],
    ids=["alone", "no CONNECT", "egress second", "egress first", "egress first, no CONNECT"],
)
def test_an_exchange_inside_is_of_the_tunnel(packets: list[Packets], tmp_path: Path) -> None:
    report = report_of(packets, tmp_path)
    [exchange] = report.exchanges
    [told] = report.tunnels
    assert (exchange.hop, exchange.tunnel, exchange.decrypted) == ("inside-tunnel", told.id, True)
    assert exchange.connection == told.connection
    assert exchange.client == told.client
    assert exchange.server == Endpoint(SQUID, 3128)
    assert told.exchanges == (exchange.id,)
    assert told.decryption is not None
    assert told.decryption.state == "decrypted"
    if told.authority is not None:
        assert exchange.provider == "anthropic"
    assert sum(heard.requests["POST"] for heard in read_by_us(report).values()) == 1


def test_what_is_read_on_a_connection_of_its_own_stays_there(tmp_path: Path) -> None:
    report = report_of([egress()], tmp_path)
    [exchange] = report.exchanges
    assert (exchange.tunnel, exchange.client.ip) == (None, SQUID)
    assert not report.tunnels
