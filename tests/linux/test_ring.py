"""The ring on the lab's bridge: every frame, once, whole, and counted."""

from __future__ import annotations

import itertools
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from inspector.errors import CannotCapture
from inspector.linux import tpacket
from inspector.linux.classic_bpf import WHOLE
from inspector.linux.filters import ClassicFilter
from inspector.linux.namespaces import inside
from inspector.linux.packet_socket import NoSuchInterface
from inspector.linux.ring import BLOCK_SIZE, BLOCKS, FLUSH_MS, Ring, State
from inspector.pcap.reader import merged, open_captures
from inspector.wire import Batch
from lab.network import Network, run_ip
from lab.processes import until
from tests.linux.wire import bulk, frame, frames_of, link, namespace

#: A network that no host of the lab is of, so that only frames of the test are of it.  The lab's
#: own hosts speak when they like: of 172.30.0.0/24 come IGMP reports, and some 5 s after a TCP
#: connection ARP asks for the neighbour once more.
AGENT, API_PROXY = "198.51.100.20", "198.51.100.30"
SUBNET = ClassicFilter.for_subnets([ip_network("198.51.100.0/24")])
OUTSIDE = "192.0.2.1"


def ring_on(network: Network, **options: object) -> Ring:
    return Ring.open(network.device, netns=namespace(network.bridge), **options)  # type: ignore[arg-type]


def wait_for(ring: Ring, *, seconds: float = 5) -> list[Batch]:
    """What the next wake-up of the ring brings."""
    poll = select.poll()
    poll.register(ring, select.POLLIN)
    assert poll.poll(seconds * 1000), "the ring did not wake its reader"
    return ring.read()


# --- what is seen ------------------------------------------------------------------------------


def test_a_frame_sent_right_after_open_is_captured(network: Network) -> None:
    sent = frame(AGENT, API_PROXY, b"first")
    with link(network.agent) as wire, ring_on(network, filter=SUBNET) as ring:
        wire.send(sent)

        assert frames_of(ring.drain()).count(sent) == 1


def test_frames_are_given_within_the_time_of_a_block_without_more_traffic(
    network: Network,
) -> None:
    sent = frame(AGENT, API_PROXY, b"alone")
    with link(network.agent) as wire, ring_on(network, filter=SUBNET) as ring:
        wire.send(sent)

        assert sent in frames_of(wait_for(ring))


def test_records_carry_kernel_time_in_nanoseconds_and_count_packets_from_one(
    network: Network,
) -> None:
    with link(network.agent) as wire, ring_on(network, filter=SUBNET) as ring:
        before = time.time_ns()
        for number in range(50):
            wire.send(frame(AGENT, API_PROXY, bytes([number])))
        after = time.time_ns()
        batches = list(ring.drain())

    times = [record[0] for batch in batches for record in batch.records]
    assert all(before <= each <= after for each in times)
    assert any(each % 1000 for each in times)
    first = [batch.first_packet for batch in batches]
    counts = [len(batch.records) for batch in batches]
    assert first == [1 + sum(counts[:index]) for index in range(len(counts))]


def test_a_vlan_tag_is_in_the_frame_as_it_was_on_the_wire(network: Network) -> None:
    single = frame(AGENT, API_PROXY, b"tagged", tags=[0x6064])
    double = frame(AGENT, API_PROXY, b"twice tagged", tags=[0x0005, 0x0007])
    plain = frame(AGENT, API_PROXY, b"plain")
    with link(network.agent) as wire, ring_on(network, filter=SUBNET) as ring:
        for each in (single, plain, double):
            wire.send(each)
        batches = list(ring.drain())

    assert frames_of(batches) == [single, plain, double]
    assert [(r[2], r[3]) for b in batches for r in b.records] == [
        (len(each), len(each)) for each in (single, plain, double)
    ]


def test_the_ring_sees_what_dumpcap_sees(network: Network, tmp_path: Path) -> None:
    # Bulk TCP makes superframes, less of it than dumpcap's 2 MiB hold; the rest is sent raw.
    path = tmp_path / "bridge.pcapng"
    with network.capture(path), ring_on(network) as ring, link(network.agent) as wire:
        bulk(network.agent, network.api_proxy, 1_000_000)
        wire.send(frame(AGENT, API_PROXY, b"tagged", tags=[100]))
        wire.send(frame("fd00::20", "fd00::30", b"six"))
        ours = frames_of(ring.drain())

    (reader,) = open_captures([str(path)], None)
    theirs = frames_of(merged([reader]))
    reader.close()
    # Neighbour discovery goes on before and after either of them.
    ours = [each for each in ours if _is_of_test(each)]
    assert max(map(len, ours)) > 20_000
    assert sum(map(len, ours)) > 1_000_000
    assert Counter(ours) == Counter(each for each in theirs if _is_of_test(each))
    assert {each[12:14] for each in ours} == {b"\x08\x00", b"\x81\x00", b"\x86\xdd"}


def _is_of_test(each: bytes) -> bool:
    """TCP or UDP over IPv4, a tag, or UDP over IPv6."""
    return (
        each[12:14] == b"\x81\x00"
        or (each[12:14] == b"\x08\x00" and each[23] in (6, 17))
        or (each[12:14] == b"\x86\xdd" and each[20] == 17)
    )


def test_loopback_shows_each_frame_once() -> None:
    _needs_root()
    sent = b"once on loopback"
    with Ring.open("lo") as ring, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind(("127.0.0.1", 0))
        out.sendto(sent, out.getsockname())

        assert sum(sent in each for each in frames_of(ring.drain())) == 1


# --- the filter --------------------------------------------------------------------------------


def test_no_frame_passes_before_the_filter_is_there(network: Network) -> None:
    stop = threading.Event()
    foreign, ours = frame(OUTSIDE, OUTSIDE, b"no"), frame(AGENT, API_PROXY, b"yes")

    def flood() -> None:
        with link(network.agent) as wire:
            while not stop.is_set():
                wire.send(foreign)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        with link(network.agent) as wire:
            for _ in range(20):
                with ring_on(network, filter=SUBNET, blocks=4) as ring:
                    wire.send(ours)
                    assert set(frames_of(ring.drain())) == {ours}
    finally:
        stop.set()
        thread.join()


def test_a_filter_that_cuts_leaves_the_length_on_the_wire(network: Network) -> None:
    cut = ClassicFilter(((0x06, 0, 0, 60),), "60 bytes of everything")
    sent = frame(AGENT, API_PROXY, bytes(1000))
    with link(network.agent) as wire, ring_on(network, filter=cut) as ring:
        wire.send(sent)
        records = [record for batch in ring.drain() for record in batch.records]

    assert (60, len(sent)) in [(captured, wire) for _, _, captured, wire in records]
    assert len(sent) < WHOLE


# --- overload ----------------------------------------------------------------------------------


def test_read_and_dropped_together_are_exactly_what_the_filter_kept(network: Network) -> None:
    kept, other = frame(AGENT, API_PROXY, bytes(200)), frame(OUTSIDE, OUTSIDE, bytes(200))
    count = 20_000
    with (
        link(network.agent) as wire,
        ring_on(network, filter=SUBNET, block_size=1 << 16, blocks=4) as ring,
    ):
        # Nobody reads.  A veth's queue is none: the kernel delivers before `send` returns.
        for _ in range(count):
            wire.send(kept)
            wire.send(other)
        got = frames_of(ring.drain())
        counted = ring.statistics()

    assert counted.received == count
    assert counted.dropped > 0
    assert counted.freezes > 0
    assert len(got) + counted.dropped == count
    assert set(got) == {kept}


#: A machine with other work keeps a reader from its own for so long (measured: 8 s).
STALL_MS = 8000


def test_a_ring_lasts_for_a_stall_and_a_block_holds_superframes() -> None:
    assert BLOCKS * FLUSH_MS >= 1.5 * STALL_MS
    assert BLOCK_SIZE * BLOCKS == 64 << 20
    assert BLOCK_SIZE > 3 * (65535 + 18 + 128)


def test_a_reader_that_stalls_loses_nothing_of_slow_traffic(network: Network) -> None:
    """The worst case: each frame closes a block of its own, since the next comes too late for it.

    It is the number of blocks that counts, so their time is made short here.
    """
    count = STALL_MS // FLUSH_MS
    with (
        link(network.agent) as wire,
        ring_on(network, filter=SUBNET, flush_ms=1) as ring,
    ):
        sent = [frame(AGENT, API_PROXY, number.to_bytes(4)) for number in range(count)]
        for number, each in enumerate(sent):
            wire.send(each)
            until(_handed_over(ring, number), f"block {number} to be handed over")
        got = frames_of(ring.drain())
        counted = ring.statistics()

    assert [each for each in got if each in sent] == sent
    assert (counted.received, counted.dropped, counted.freezes) == (len(got), 0, 0)


def _handed_over(ring: Ring, number: int) -> Callable[[], bool]:
    start = ring._starts[number % len(ring._starts)]
    return lambda: tpacket.is_ready(ring._view, start)


def test_a_ring_that_was_full_goes_on_when_it_is_read(network: Network) -> None:
    early, late = frame(AGENT, API_PROXY, bytes(200)), frame(AGENT, API_PROXY, b"late")
    with (
        link(network.agent) as wire,
        ring_on(network, filter=SUBNET, block_size=1 << 16, blocks=4) as ring,
    ):
        while not ring.statistics().dropped:
            for _ in range(1000):
                wire.send(early)
        while ring.read():
            pass
        wire.send(late)

        assert frames_of(ring.drain())[-1] == late


def test_a_ring_says_when_a_quarter_of_it_is_taken(network: Network) -> None:
    big = frame(AGENT, API_PROXY, bytes(1400))
    with (
        link(network.agent) as wire,
        ring_on(network, filter=SUBNET, block_size=1 << 16, blocks=16) as ring,
    ):
        told = [ring.is_filling]
        for _ in range(6 * 45):
            wire.send(big)
        told.append(ring.is_filling)
        ring.read()
        told.append(ring.is_filling)
        assert told == [False, True, False]


def test_a_backlog_is_given_in_portions(network: Network) -> None:
    big = frame(AGENT, API_PROXY, bytes(1400))
    with link(network.agent) as wire, ring_on(network, filter=SUBNET) as ring:
        for _ in range(20_000):
            wire.send(big)
        portions = []
        while batches := ring.read():
            portions.append(sum(len(batch.data) for batch in batches))
        rest = list(ring.drain())

    assert len(portions) > 2
    assert max(portions) < 10 << 20
    assert ring.delivered == 20_000
    assert rest is not None


def test_a_slow_reader_is_given_all_that_is_left(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = frame(AGENT, API_PROXY, bytes(1400))
    now, read = time.monotonic, Ring.read
    late = 0.0

    def slowly(ring: Ring) -> list[Batch]:
        """Ten seconds a portion; none for the block that is not full and comes by itself."""
        nonlocal late
        portion = read(ring)
        late += 10.0 * bool(portion)
        return portion

    with link(network.agent) as wire, ring_on(network, filter=SUBNET) as ring:
        for _ in range(20_000):
            wire.send(big)
        monkeypatch.setattr(Ring, "read", slowly)
        monkeypatch.setattr("inspector.linux.ring.time.monotonic", lambda: now() + late)
        given = sum(len(batch.records) for batch in ring.drain())
        counted = ring.statistics()

    assert (given, counted.received, counted.dropped) == (20_000, 20_000, 0)


def test_what_is_never_handed_over_is_lost(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(step=10.0)
    with link(network.agent) as wire, ring_on(network, filter=SUBNET) as ring:
        wire.send(frame(AGENT, API_PROXY, bytes(1400)))
        monkeypatch.setattr("inspector.linux.ring.time.monotonic", lambda: next(clock))
        monkeypatch.setattr(Ring, "read", lambda _: [])
        assert list(ring.drain()) == []
        counted = ring.statistics()

    assert (counted.received, counted.dropped) == (1, 1)


# --- an interface comes and goes ---------------------------------------------------------------


@pytest.fixture
def spare(network: Network) -> str:
    """A bridge of its own that a test may take away."""
    run_ip("-n", network.bridge.namespace, "link", "add", "spare0", "type", "bridge")
    run_ip("-n", network.bridge.namespace, "link", "set", "spare0", "up")
    return "spare0"


def _settled(ring: Ring) -> State:
    """How the ring is after the kernel told it something: an error is a wake-up too.

    A bridge that comes up sends frames of its own; they may come first.
    """
    while ring.state == "running":
        wait_for(ring)
    return ring.state


def test_an_interface_that_vanishes_is_a_state_and_no_exception(
    network: Network, spare: str
) -> None:
    space = network.bridge.namespace
    with Ring.open(spare, netns=namespace(network.bridge)) as ring:
        run_ip("-n", space, "link", "delete", spare)

        assert _settled(ring) == "gone"
        assert ring.downs == 0
        list(ring.drain())
        assert ring.delivered == ring.statistics().received
        assert ring.statistics().dropped == 0


def test_an_interface_that_goes_down_comes_up_again_by_itself(network: Network, spare: str) -> None:
    space = network.bridge.namespace
    try:
        with (
            Ring.open(spare, netns=namespace(network.bridge)) as ring,
            link(network.bridge, spare) as wire,
        ):
            run_ip("-n", space, "link", "set", spare, "down")
            assert _settled(ring) == "down"
            assert ring.downs == 1
            run_ip("-n", space, "link", "set", spare, "up")
            wire.send(sent := frame(AGENT, API_PROXY, b"back"))

            assert sent in frames_of(wait_for(ring))
            assert ring.check() == "running"
            assert ring.downs == 1
    finally:
        run_ip("-n", space, "link", "delete", spare)


def test_a_ring_without_an_interface_waits_for_one(network: Network) -> None:
    sent = frame(AGENT, API_PROXY, b"awaited")
    with (
        link(network.agent) as wire,
        Ring.open(None, netns=namespace(network.bridge), filter=SUBNET) as ring,
    ):
        wire.send(frame(AGENT, API_PROXY, b"too early"))
        assert ring.state == "waiting"
        ring.bind(network.device)
        wire.send(sent)

        assert frames_of(ring.drain()) == [sent]


def test_a_ring_goes_on_to_the_interface_made_anew_without_any_privilege(
    network: Network, spare: str
) -> None:
    space = network.bridge.namespace
    script = """
import sys
from pathlib import Path
from inspector.linux.ring import Ring
from tests.linux.test_ring import _settled, give_up
ring = Ring.open("spare0", netns=Path(sys.argv[1]))
give_up()
print("open", flush=True)
sys.stdin.readline()
print(_settled(ring), flush=True)
sys.stdin.readline()
ring.bind("spare0")
print(ring.state, flush=True)
sys.stdin.readline()
print(sum(len(batch.records) for batch in ring.drain()), flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(namespace(network.bridge))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None

        def say() -> str:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write("\n")
            child.stdin.flush()
            return child.stdout.readline().strip()

        try:
            assert child.stdout.readline().strip() == "open"
            run_ip("-n", space, "link", "delete", spare)
            assert say() == "gone"
            run_ip("-n", space, "link", "add", spare, "type", "bridge")
            run_ip("-n", space, "link", "set", spare, "up")
            assert say() == "running"
            with link(network.bridge, spare) as wire:
                wire.send(frame(AGENT, API_PROXY))
            assert int(say()) > 0
        finally:
            child.stdin.close()
            run_ip("-n", space, "link", "delete", spare)


def give_up() -> None:
    """Become nobody, as a capture does before it reads a byte."""
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    with pytest.raises(PermissionError):
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "may_come"),
    [("nosuch0", True), ("", False), ("a-name-that-is-far-too-long", False), ("nul\0", False)],
)
def test_an_interface_that_is_not_there_is_named(
    network: Network, name: str, may_come: bool
) -> None:
    with pytest.raises(CannotCapture, match="There is no interface") as error:
        Ring.open(name, netns=namespace(network.bridge))
    assert isinstance(error.value, NoSuchInterface) is may_come


def test_any_is_refused_since_it_shows_frames_twice(network: Network) -> None:
    with pytest.raises(CannotCapture, match="twice"):
        Ring.open("any", netns=namespace(network.bridge))


def test_a_namespace_that_is_none_is_named(network: Network, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotCapture, match="cannot be entered"):
        Ring.open("eth0", netns=tmp_path / "file")


def test_without_the_capability_the_remedy_is_said() -> None:
    script = """
from inspector.linux.ring import Ring
from tests.linux.test_ring import give_up
give_up()
Ring.open("lo")
"""
    _needs_root()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "CAP_NET_RAW. Run it with sudo." in done.stderr


def test_a_thread_that_entered_a_namespace_leaves_this_one_alone(network: Network) -> None:
    before = Path("/proc/self/ns/net").readlink()
    there = inside(namespace(network.agent), lambda: Path("/proc/thread-self/ns/net").readlink())
    assert there != before
    assert Path("/proc/self/ns/net").readlink() == before


def _needs_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("a packet socket needs root")
