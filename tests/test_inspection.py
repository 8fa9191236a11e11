"""Packets in, report out: what is in scope, what is told on the way, how much can be known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inspector.capture_files import inspect, inspect_captures
from inspector.errors import CaptureError
from inspector.inspection import Inspector, Sources
from inspector.model.http import Exchange
from inspector.model.network import Tunnel
from inspector.model.report import Report
from inspector.options import Options
from inspector.pcap.writer import PcapngWriter, PcapWriter
from inspector.report.formats.whole import as_dict, as_json
from tests.exchanges.network import (
    AGENT,
    API_PROXY,
    ESTABLISHED,
    FINGERPRINT_KEY,
    KEY,
    Network,
    connect,
    line,
    lines,
    oddities,
    play,
    request,
    response,
    say,
    tls,
)
from tests.flows.build import Packet, Tcp, batch
from tests.property.conversations import essence

GET_A, GET_B = (request(f"GET /{name} HTTP/1.1", f"x-api-key: {KEY}") for name in "ab")
OPTIONS = Options(fingerprint_key=FINGERPRINT_KEY)
ELSEWHERE = "10.9.0.6"


def busy_network() -> Network:
    """Two exchanges, a tunnel, a refused CONNECT and a direct TLS connection."""
    net = Network()
    say(net.to_api_proxy(), GET_A, response(), GET_B, response("401 Unauthorized")).close()
    say(net.to_squid(), connect("evil.test:443"), response("403 Forbidden")).close()
    play(say(net.to_squid(), connect(), ESTABLISHED), tls()).close()
    play(net.to("203.0.113.7", 443), tls(1)).close()
    return net


def pcap(path: Path, packets: list[Packet], snap: int | None = None) -> Path:
    with path.open("wb") as out:
        writer = PcapWriter(out, variant="nano")
        for packet in packets:
            writer.packet(packet.at, packet.frame[:snap], packet.wire)
    return path


# -- feeding ----------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_the_size_of_batches_changes_nothing(size: int) -> None:
    packets = busy_network().wire.packets
    inspector = Inspector(OPTIONS)
    for at in range(0, len(packets), size):
        inspector.feed(batch(packets[at : at + size], at + 1))

    whole = Inspector(OPTIONS)
    whole.feed(batch(packets))

    assert inspector.finish() == whole.finish()


def test_a_file_tells_what_its_packets_tell(tmp_path: Path) -> None:
    net = busy_network()

    report = inspect(pcap(tmp_path / "a.pcap", net.wire.packets), options=OPTIONS)

    assert essence(report) == essence(net.report(OPTIONS))
    (capture,) = report.captures
    assert (capture.format, capture.packets, capture.cut) == ("pcap", len(net.wire.packets), None)


def test_several_files_are_merged_by_time_and_packets_name_their_file(tmp_path: Path) -> None:
    net = busy_network()
    packets = net.wire.packets
    # As if each end had been captured by itself.
    sides = [[packet for packet in packets if packet.up is up] for up in (True, False)]
    paths = [pcap(tmp_path / f"{index}.pcap", side) for index, side in enumerate(sides)]

    report = inspect(*paths, options=OPTIONS)

    assert essence(report) == essence(net.report(OPTIONS))
    first = as_dict(report)["exchanges"][0]
    assert first["request"]["packet"] == "1:3"
    assert first["response"]["packet"] == "2:3"
    assert [capture.packets for capture in report.captures] == [len(side) for side in sides]


def test_one_file_has_plain_packet_numbers(tmp_path: Path) -> None:
    path = pcap(tmp_path / "a.pcap", busy_network().wire.packets)

    assert as_dict(inspect(path))["exchanges"][0]["request"]["packet"] == 4


def test_an_empty_capture_is_a_report_of_nothing_and_proves_nothing() -> None:
    report = Inspector().finish()

    assert (report.connections, report.exchanges, report.tunnels) == ((), (), ())
    assert report.completeness.packets == 0
    assert report.completeness.verdict == "unknown"
    assert report.completeness.because == ("no packet was seen",)


def test_what_is_no_capture_is_an_error(tmp_path: Path) -> None:
    junk = tmp_path / "junk.pcap"
    junk.write_bytes(b"not a capture at all")

    with pytest.raises(CaptureError, match=r"junk\.pcap"):
        inspect(junk)
    with pytest.raises(CaptureError, match=r"absent\.pcap"):
        inspect(tmp_path / "absent.pcap")


def test_progress_is_told_in_bytes_up_to_the_size_of_all_files(tmp_path: Path) -> None:
    packets = busy_network().wire.packets
    paths = [pcap(tmp_path / f"{name}.pcap", packets) for name in "ab"]
    total = sum(path.stat().st_size for path in paths)
    told: list[tuple[int, int | None]] = []

    inspect_captures(paths, on_progress=lambda *so_far: told.append(so_far))

    assert told == sorted(told)
    assert told[-1] == (total, total)


# -- scope -------------------------------------------------------------------------


def mixed() -> Network:
    """Traffic of elsewhere, with all that may be odd of it, and then of the subnet."""
    net = Network()
    elsewhere = net.to(ELSEWHERE, 10001, "10.9.0.5")
    elsewhere.up(GET_A).up(GET_A.replace(b"/a", b"/X"), offset=0)  # a conflicting overlap
    elsewhere.down(b"HTTP/1.1 200 OK\r\nBad Name: 1\r\nContent-Length: 0\r\n\r\n")
    elsewhere.down(response(), offset=1000).ack(True).close()
    play(net.to("203.0.113.7", 443, "10.9.0.5"), tls()).close()
    say(net.to_api_proxy(), GET_B, response("401 Unauthorized")).close()
    say(net.to(ELSEWHERE, 10001, "10.9.0.5"), GET_A, response()).close()
    return net


def test_the_subnet_is_the_scope_when_it_has_traffic_and_nothing_else_is_left() -> None:
    report = mixed().report(OPTIONS)

    assert report.topology.scope == "subnet"
    assert [(c.id, c.server.ip) for c in report.connections] == [("c1", API_PROXY)]
    assert [(e.id, line(e)) for e in report.exchanges] == [("e1", "GET /b 401 complete")]
    assert (report.tunnels, report.direct_tls) == ((), ())
    assert [client.ip for client in report.clients] == [AGENT]
    assert oddities(report) == {}
    assert report.completeness.gaps == ()
    assert report.completeness.verdict == "complete"


def test_what_the_scope_leaves_out_is_counted() -> None:
    told = mixed().report(OPTIONS).completeness
    assert (told.out_of_scope, told.out_of_scope_proxies) == (3, 2)
    told = mixed().report(replace(OPTIONS, scope="subnet")).completeness
    assert (told.out_of_scope, told.out_of_scope_proxies) == (3, 2)
    told = mixed().report(replace(OPTIONS, scope="all")).completeness
    assert (told.out_of_scope, told.out_of_scope_proxies) == (0, 0)


def test_connections_of_elsewhere_without_data_or_within_the_host_are_no_second_network() -> None:
    net = Network()
    net.to(ELSEWHERE, 10001, "10.9.0.5").close()
    say(net.to("127.0.0.1", 3128, "127.0.0.1"), GET_A, response()).close()
    say(net.to_api_proxy(), GET_B, response()).close()
    say(net.to(ELSEWHERE, 22, "10.9.0.5"), b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n")

    told = net.report(OPTIONS).completeness

    assert (told.out_of_scope, told.out_of_scope_proxies) == (2, 0)


def test_the_scope_all_shows_every_connection() -> None:
    report = mixed().report(Options(scope="all", fingerprint_key=FINGERPRINT_KEY))

    assert report.topology.scope == "all"
    assert len(report.connections) == 4
    assert len(report.direct_tls) == 1
    assert {"conflicting-overlap", "bad-field-name"} <= set(oddities(report))
    assert report.completeness.verdict == "incomplete"
    assert report.topology.notes == ()


def test_the_scope_subnet_shows_nothing_when_nothing_is_of_it() -> None:
    net = Network()
    say(net.to(ELSEWHERE, 10001, "10.9.0.5"), GET_A, response()).close()

    report = net.report(Options(scope="subnet"))

    assert (report.connections, report.exchanges, report.clients) == ((), (), ())
    assert report.topology.scope == "subnet"
    assert report.completeness.packets == len(net.wire.packets)


def test_without_traffic_of_the_subnet_all_is_shown_and_that_is_said() -> None:
    net = Network()
    say(net.to(ELSEWHERE, 10001, "10.9.0.5"), GET_A, response()).close()

    report = net.report(OPTIONS)

    assert lines(report) == ["GET /a 200 complete"]
    assert report.topology.scope == "all"
    assert report.topology.notes[-1] == (
        "no traffic of 172.30.0.0/24: every TCP connection is shown"
    )


def test_one_end_in_the_subnet_is_enough() -> None:
    net = Network()
    say(net.to("203.0.113.7", 80), GET_A, response()).close()
    say(net.to(API_PROXY, 10001, "10.9.0.5"), GET_B, response()).close()

    assert len(net.report(OPTIONS).exchanges) == 2


# -- told on the way --------------------------------------------------------------


def told_of(net: Network, options: Options = OPTIONS) -> tuple[list[Exchange | Tunnel], Report]:
    told: list[Exchange | Tunnel] = []
    inspector = Inspector(options, on_exchange=told.append, on_tunnel=told.append)
    inspector.feed(net.wire.batch())
    return told, inspector.finish()


def test_exchanges_and_tunnels_are_told_as_they_end() -> None:
    net = Network()
    slow = net.to_api_proxy().up(GET_A)
    refused = net.to_squid().up(connect("evil.test:443"))
    tunnel = say(net.to_squid(), connect(), ESTABLISHED)
    say(net.to_api_proxy(), GET_B, response()).close()
    play(tunnel, tls()).close()
    slow.down(response()).close()
    refused.down(response("403 Forbidden"))

    told, report = told_of(net)

    assert [fact.id for fact in told] == ["e2", "t2", "e1", "t1"]
    in_report: list[Exchange | Tunnel] = [*report.exchanges, *report.tunnels]
    assert sorted(told, key=lambda fact: fact.id) == in_report


def test_what_is_told_does_not_wait_for_the_end_of_the_capture() -> None:
    net = Network()
    say(net.to_api_proxy(), GET_A, response())
    told: list[Exchange] = []
    inspector = Inspector(OPTIONS, on_exchange=told.append)

    inspector.feed(net.wire.batch())

    assert [line(exchange) for exchange in told] == ["GET /a 200 complete"]


def test_nothing_of_a_discarded_scope_is_told() -> None:
    told, report = told_of(mixed())

    assert [fact.id for fact in told] == ["e1"]
    assert told == list(report.exchanges)


def test_what_waited_for_a_scope_that_never_came_is_told_once_at_the_end() -> None:
    net = Network()
    say(net.to(ELSEWHERE, 10001, "10.9.0.5"), GET_A, response(), GET_B).close()
    say(net.to("10.9.0.7", 3128, ELSEWHERE), connect(), ESTABLISHED).close()

    told, report = told_of(net)

    assert sorted(fact.id for fact in told) == ["e1", "e2", "t1"]
    assert len(report.exchanges) == 2


def test_a_tunnel_whose_connect_was_not_seen_is_told_too() -> None:
    net = Network()
    tcp = net.to_squid()
    net.wire.packets.clear()
    for up, data in tls().flights[2:]:
        tcp.send(up, data)

    told, report = told_of(net)

    assert told == list(report.tunnels)
    assert len(told) == 1


# -- completeness -------------------------------------------------------------------


def test_a_capture_that_lacks_nothing_is_complete() -> None:
    completeness = busy_network().report(OPTIONS).completeness

    assert (completeness.verdict, completeness.because) == ("complete", ())
    assert completeness.dropped_by_kernel is None


def test_connections_at_rest_when_the_capture_ends_lack_nothing() -> None:
    net = Network()
    say(net.to_api_proxy(), GET_A, response())
    play(say(net.to_squid(), connect(), ESTABLISHED), tls())

    assert net.report(OPTIONS).completeness.verdict == "complete"


def because(net: Network, sources: Sources | None = None) -> tuple[str, tuple[str, ...]]:
    inspector = Inspector(OPTIONS)
    inspector.feed(net.wire.batch())
    completeness = inspector.finish(sources).completeness
    return completeness.verdict, completeness.because


def test_an_unfinished_message_on_an_open_connection_is_lacking() -> None:
    net = Network()
    net.to_api_proxy().up(GET_A)
    say(net.to_api_proxy(), GET_A, response(body=b"ab")[:-1])
    net.to_squid().up(connect())

    assert because(net) == (
        "incomplete",
        ("3 requests were not wholly sent or answered on connections still open",),
    )


def test_a_message_cut_by_its_own_ends_is_not_lacking() -> None:
    net = Network()
    say(net.to_api_proxy(), GET_A, response(body=b"ab")[:-1]).close()
    net.to_api_proxy().up(GET_A[:-3]).reset(False)

    assert because(net)[0] == "complete"


def test_bytes_that_were_acknowledged_and_not_captured_are_lacking() -> None:
    net = Network()
    tcp = net.to_api_proxy().up(GET_A)
    tcp.down(response(), offset=100).ack(True).close()

    assert because(net)[1] == ("100 bytes were acknowledged but not captured",)


def test_connections_from_before_the_capture_are_lacking() -> None:
    net = Network()
    tcp = net.to_api_proxy()
    net.wire.packets.clear()
    say(tcp, GET_A, response()).close()

    assert because(net) == ("incomplete", ("1 connection had begun before the capture",))


def test_packets_cut_by_the_snap_length_are_lacking() -> None:
    net = Network()
    net.to_api_proxy().up(GET_A).down(response(body=bytes(900)), snap=200).close()

    verdict, reasons = because(net)

    assert verdict == "incomplete"
    assert reasons[0] == "1 packet was cut short by the snap length"


@pytest.mark.parametrize(
    ("dropped", "verdict"), [(None, "complete"), (0, "complete"), (3, "incomplete")]
)
def test_drops_that_the_file_states_are_lacking(dropped: int | None, verdict: str) -> None:
    net = busy_network()

    assert because(net, Sources(dropped_by_kernel=dropped)) == (
        verdict,
        ("3 packets were dropped",) if dropped else (),
    )


def test_a_capture_filter_leaves_it_unknown_what_is_lacking() -> None:
    net = busy_network()

    assert because(net, Sources(capture_filter="tcp port 10001")) == (
        "unknown",
        ("captured with filter 'tcp port 10001'",),
    )


def test_what_is_known_to_lack_outweighs_a_filter() -> None:
    net = busy_network()

    verdict, reasons = because(net, Sources(capture_filter="tcp", dropped_by_kernel=1))

    assert verdict == "incomplete"
    assert reasons == ("1 packet was dropped", "captured with filter 'tcp'")


def test_one_direction_alone_leaves_it_unknown() -> None:
    net = Network()
    Tcp(net.wire).syn().up(GET_A).end(True)

    assert because(net) == ("unknown", ("only one direction of the traffic was captured",))


def test_one_connection_with_both_directions_does_not_stand_for_one_that_lacks_one() -> None:
    net = busy_network()
    Tcp(net.wire, client=(AGENT, 50000)).syn().up(GET_A).end(True)

    assert because(net) == (
        "incomplete",
        ("1 connection was captured in one direction only",),
    )


def test_a_refused_or_unanswered_connection_lacks_nothing() -> None:
    net = Network()
    Tcp(net.wire).syn().reset(False)
    Tcp(net.wire, client=(AGENT, 50000)).syn()

    assert because(net) == ("complete", ())
    assert [c.outcome for c in net.report(OPTIONS).connections] == ["refused", "unanswered"]


def test_a_file_cut_in_its_last_record_is_lacking(tmp_path: Path) -> None:
    path = pcap(tmp_path / "a.pcap", busy_network().wire.packets)
    path.write_bytes(path.read_bytes()[:-5])

    report = inspect(path, options=OPTIONS)

    assert report.captures[0].cut is not None
    assert "1 file ends before its last record does" in report.completeness.because
    assert len(report.exchanges) == 2, "what was before the cut is kept"


def test_what_the_file_says_of_itself_is_in_the_report_and_its_keys_are_not(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    with path.open("wb") as out:
        writer = PcapngWriter(out)
        writer.interface(name=f"br-{KEY}", filter=f"tcp contains {KEY}")
        for packet in busy_network().wire.packets:
            writer.packet(packet.at, packet.frame, packet.wire)

    report = inspect(path, options=OPTIONS)

    assert report.completeness.verdict == "unknown"
    assert (report.completeness.capture_filter or "").startswith("tcp contains ")
    assert report.captures[0].interfaces[0].name is not None
    assert KEY.encode() not in as_json(report)


def test_copies_of_a_frame_are_counted_and_make_no_second_exchange() -> None:
    net = Network()
    tcp = net.to_api_proxy().up(GET_A).again().down(response()).again().close()
    del tcp

    report = net.report(OPTIONS)

    assert lines(report) == ["GET /a 200 complete"]
    assert report.completeness.duplicate_packets == 2
    assert report.completeness.verdict == "complete"
