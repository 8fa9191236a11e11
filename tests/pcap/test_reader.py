from __future__ import annotations

import gzip
import io
from collections.abc import Iterable
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import inspect
from inspector.errors import CaptureUnreadable, InspectorError, NotACapture
from inspector.pcap import reader as module
from inspector.pcap.reader import CaptureReader, merged, open_captures
from inspector.pcap.source import ByteSource
from inspector.pcap.writer import PcapngWriter, PcapWriter
from inspector.wire import Batch, packet_label
from tests.exchanges.network import Network, request, response, say

SECOND = 1_000_000_000
AT = 1_795_459_255 * SECOND


def classic(times: Iterable[int], name: bytes = b"f") -> bytes:
    out = io.BytesIO()
    writer = PcapWriter(out, variant="nano")
    for number, time in enumerate(times):
        writer.packet(time, name + b"%d" % number)
    return out.getvalue()


def reader(data: bytes, *, index: int = 0, read_size: int = 1 << 20) -> CaptureReader:
    return CaptureReader(ByteSource(io.BytesIO(data)), "test.pcap", index, read_size=read_size)


def packets(batches: Iterable[Batch]) -> list[tuple[int, int, bytes]]:
    """(time, reference, bytes) of every packet."""
    found = []
    for batch in batches:
        assert batch.records
        for at, (time, offset, captured, _) in enumerate(batch.records):
            body = batch.data[offset : offset + captured]
            found.append((time, batch.first_packet + at, body))
    return found


# --- one file ----------------------------------------------------------------


@pytest.mark.parametrize("read_size", [1, 2, 5, 17, 64, 4096])
def test_small_buffers_give_the_same_packets_as_one_large(read_size: int) -> None:
    data = classic(range(AT, AT + 50))
    small = reader(data, read_size=read_size)
    large = reader(data)
    assert packets(small) == packets(large)
    assert small.capture_file == large.capture_file


def test_packets_are_numbered_from_one_across_buffers() -> None:
    found = packets(reader(classic(range(AT, AT + 50)), index=3, read_size=64))
    assert [reference & 0xFFFF for _, reference, _ in found] == list(range(1, 51))
    assert {packet_label(r, several_files=True) for _, r, _ in found[:2]} == {"4:1", "4:2"}


def test_each_batch_has_one_link_type_and_its_comments_by_index() -> None:
    out = io.BytesIO()
    writer = PcapngWriter(out)
    for link_type in (1, 1, 113):
        writer.interface(link_type)
    for number, interface in enumerate((0, 1, 2, 2, 0)):
        writer.packet(AT, b"x", interface=interface, comments=[f"note {number}"])
    batches = list(reader(out.getvalue()))
    assert [(b.link_type, len(b.records), b.first_packet) for b in batches] == [
        (1, 2, 1),
        (113, 2, 3),
        (1, 1, 5),
    ]
    assert batches[1].comments == {0: ("note 2",), 1: ("note 3",)}


def test_a_capture_file_states_what_it_is_and_when() -> None:
    data = gzip.compress(classic([AT + 5, AT + 1, AT + 9, AT + 7]))
    source = reader(data)
    assert len(packets(source)) == 4
    file = source.capture_file
    assert (file.format, file.compression, file.packets) == ("pcap", "gzip", 4)
    assert file.bytes == len(data)
    assert (file.started_at, file.ended_at) == (AT + 1, AT + 9)
    assert [interface.link_type for interface in file.interfaces] == [1]
    assert file.cut is None
    assert source.faults == []


def test_a_pcapng_states_filter_drops_comments_and_secrets() -> None:
    out = io.BytesIO()
    writer = PcapngWriter(out)
    writer.section(comments=["of the section"])
    for name in ("a", "b"):
        writer.interface(name=name, filter="tcp")
    writer.interface(filter="port 53")
    writer.packet(AT, b"x", comments=["of the packet"])
    writer.secrets(0x544C534B, b"CLIENT_RANDOM LABONLY LABONLY")
    writer.statistics(interface=0, dropped=3)
    writer.statistics(interface=1, dropped=4)
    source = reader(out.getvalue())
    assert len(packets(source)) == 1
    assert source.capture_filter == "tcp; port 53"
    assert source.dropped_by_kernel == 7
    assert source.capture_file.comments == 2
    assert source.capture_file.decryption_secrets == 1
    assert source.secrets[0].data.reveal() == b"CLIENT_RANDOM LABONLY LABONLY"
    assert "LABONLY" not in repr(source.secrets) + repr(source.capture_file)


def test_a_capture_without_packets_is_a_capture() -> None:
    source = reader(classic([]))
    assert packets(source) == []
    file = source.capture_file
    assert (file.packets, file.started_at, file.ended_at, file.cut) == (0, None, None, None)


def test_progress_adds_up_to_the_bytes_of_the_file() -> None:
    data = gzip.compress(classic(range(AT, AT + 500)))
    steps: list[int] = []
    source = CaptureReader(ByteSource(io.BytesIO(data)), "x", 0, steps.append, read_size=256)
    assert len(packets(source)) == 500
    assert sum(steps) == len(data)
    assert all(step > 0 for step in steps)


def test_times_that_have_no_room_are_moved_and_named() -> None:
    out = io.BytesIO()
    writer = PcapngWriter(out)
    writer.interface(resolution=0)
    writer.packet((1 << 63) * SECOND, b"far future")
    writer.interface(offset=-100)
    writer.packet(-50 * SECOND, b"before the epoch", interface=1)
    source = reader(out.getvalue())
    assert [time for time, _, _ in packets(source)] == [9_214_646_399 * SECOND, 0]
    found = [(fault.name, fault.packet) for fault in source.faults]
    assert found == [("time-out-of-range", 1), ("time-out-of-range", 2)]


@pytest.mark.parametrize("year", [2200, 2262, 2500, 9000])
def test_a_report_can_be_made_of_any_time_that_a_file_states(year: int, tmp_path: Path) -> None:
    net = Network()
    say(net.to_api_proxy(), request(), response()).close()
    path = tmp_path / "late.pcapng"
    with path.open("wb") as out:
        writer = PcapngWriter(out)
        writer.interface(offset=(year - 2024) * 31_557_600)
        for packet in net.wire.packets:
            writer.packet(packet.at + (year - 2024) * 31_557_600 * SECOND, packet.frame)
    assert [exchange.ended_by for exchange in inspect(path).exchanges] == ["complete"]


@pytest.mark.parametrize("read_size", [64, 1 << 16])
def test_a_clock_that_steps_back_is_named_and_changes_no_order(read_size: int) -> None:
    times = [5 * SECOND, 6 * SECOND, 6 * SECOND - 1_000_000, 4 * SECOND, 5 * SECOND]
    data = io.BytesIO(classic(times))
    source = CaptureReader(ByteSource(data), "x", 0, read_size=read_size)

    assert len(packets(source)) == 5
    assert [(fault.name, fault.packet, fault.detail) for fault in source.faults] == [
        ("clock-stepped-back", 4, "by 1.999 s")
    ]


def test_interfaces_that_take_turns_are_no_clock_that_steps_back() -> None:
    out = io.BytesIO()
    writer = PcapngWriter(out)
    for at in (0, 1):
        writer.interface()
        for second in (1, 2):
            writer.packet(second * SECOND, b"frame", interface=at)
    source = reader(out.getvalue())
    assert len(packets(source)) == 4
    assert list(source.faults) == []


# --- cut, corrupt, no capture at all ------------------------------------------


def test_a_cut_file_keeps_its_packets_and_says_where_it_stops() -> None:
    source = reader(classic([AT, AT + 1])[:-1], read_size=7)
    assert len(packets(source)) == 1
    assert source.capture_file.cut == "in packet 2: 1 of its 2 bytes"
    assert [(fault.name, fault.packet) for fault in source.faults] == [("capture-cut", 2)]


def test_a_cut_in_the_file_header_leaves_a_capture_without_packets() -> None:
    source = reader(classic([])[:20])
    assert packets(source) == []
    assert source.capture_file.cut == "in its file header: 20 of 24 bytes"


def test_a_cut_gzip_names_the_compression_first_and_then_the_packet() -> None:
    whole = classic(range(AT, AT + 3000))
    source = reader(gzip.compress(whole)[:-4000], read_size=1000)
    found = packets(source)
    assert 0 < len(found) < 3000
    assert found == packets(reader(whole))[: len(found)]
    cut = source.capture_file.cut
    assert cut is not None
    assert cut.startswith("compression-cut (the gzip data ends in the middle of a member)")
    assert source.faults[0].name == "compression-cut"


def test_bytes_behind_the_compressed_data_are_named_and_cut_nothing() -> None:
    source = reader(gzip.compress(classic([AT])) + b"something else")
    assert len(packets(source)) == 1
    assert source.capture_file.cut is None
    assert [fault.name for fault in source.faults] == ["compression-trailing-bytes"]


def test_an_error_calls_standard_input_by_its_name() -> None:
    with pytest.raises(NotACapture, match=r"^Standard input is empty"):
        CaptureReader(ByteSource(io.BytesIO(b"")), "-", 0)


def test_a_fault_that_ends_the_file_is_its_cut() -> None:
    source = reader(classic([AT]) + b"\xff" * 100)
    assert len(packets(source)) == 1
    cut = source.capture_file.cut
    assert cut is not None
    assert cut.startswith("after packet 1: record-length-absurd (")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty (0 bytes)"),
        (b"\xd4\xc3", "is not a capture file"),
        (b"GET / HTTP/1.1\r\n\r\n", "is not a capture file"),
        (bytes(100), "is not a capture file"),
        (gzip.compress(b""), "holds no data: its gzip data is empty"),
        (gzip.compress(b"some text"), "is not a capture file"),
        (b"\x1f\x8b", "holds no data: its gzip data is empty or cut"),
        (b"\xfd7zXZ\0", "is xz data; unpack it with xz -d"),
        (
            b"GMBU\x01\x02",
            "is a capture of Microsoft Network Monitor; convert it with editcap -F pcapng",
        ),
        (b'{"schema": 1}', "is JSON text"),
        (b"CLIENT_RANDOM LABONLY", "is a TLS key log"),
    ],
)
def test_what_is_no_capture_is_an_error_that_says_what_it_is(data: bytes, says: str) -> None:
    with pytest.raises(NotACapture) as caught:
        reader(data)
    assert str(caught.value).startswith(f"test.pcap {says}")
    assert caught.value.exit_code == 4
    assert "LABONLY" not in str(caught.value)


@pytest.mark.parametrize("pack_it", [bytes, gzip.compress])
def test_truncated_anywhere_a_file_is_read_or_refused_but_never_raises_else(
    pack_it: type[bytes],
) -> None:
    data = pack_it(classic(range(AT, AT + 5)))
    for length in range(len(data)):
        try:
            source = reader(data[:length])
        except InspectorError:
            continue
        assert len(packets(source)) <= 5
        assert source.capture_file.cut or pack_it is bytes


def test_a_disk_that_fails_is_named_and_keeps_what_was_read() -> None:
    class Failing(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            data = super().read1(size)
            if not data:
                raise OSError(5, "Input/output error")
            return data

    source = CaptureReader(ByteSource(Failing(classic([AT]))), "x", 0)
    assert len(packets(source)) == 1
    assert source.capture_file.cut == "read-error (Input/output error)"


# --- several files -------------------------------------------------------------


def test_files_are_merged_by_time_and_keep_their_own_numbers() -> None:
    first = reader(classic([AT, AT + 10, AT + 11, AT + 30], b"a"), index=0)
    second = reader(classic([AT + 5, AT + 20], b"b"), index=1)
    found = packets(merged([first, second]))
    assert [body for _, _, body in found] == [b"a0", b"b0", b"a1", b"a2", b"b1", b"a3"]
    labels = [packet_label(reference, several_files=True) for _, reference, _ in found]
    assert labels == ["1:1", "2:1", "1:2", "1:3", "2:2", "1:4"]


def test_packets_of_one_time_come_in_the_order_of_the_files() -> None:
    readers = [reader(classic([AT, AT], name), index=n) for n, name in enumerate((b"a", b"b"))]
    found = packets(merged(readers))
    assert [body for _, _, body in found] == [b"a0", b"a1", b"b0", b"b1"]


def test_files_one_after_the_other_are_passed_on_as_whole_batches() -> None:
    readers = [reader(classic(range(AT + n, AT + n + 9)), index=n // 9) for n in (0, 9, 18)]
    assert [len(batch.records) for batch in merged(readers)] == [9, 9, 9]


def test_comments_stay_with_their_packets_when_a_batch_is_parted() -> None:
    out = io.BytesIO()
    writer = PcapngWriter(out)
    writer.interface()
    for number in range(4):
        writer.packet(AT + 10 * number, b"x", comments=[f"note {number}"])
    other = reader(classic([AT + 15]), index=1)
    found: list[tuple[int, str]] = []
    for batch in merged([reader(out.getvalue()), other]):
        found += [(batch.first_packet + at, text[0]) for at, text in batch.comments.items()]
    assert found == [(1, "note 0"), (2, "note 1"), (3, "note 2"), (4, "note 3")]


times = st.lists(st.integers(AT, AT + 40), max_size=30)


@given(st.lists(times, min_size=1, max_size=4), st.sampled_from([20, 100, 1 << 20]))
def test_a_merge_loses_nothing_and_keeps_each_file_in_order(
    files: list[list[int]], read_size: int
) -> None:
    readers = [
        reader(classic(each), index=index, read_size=read_size) for index, each in enumerate(files)
    ]
    found = packets(merged(readers))
    for index, each in enumerate(files):
        mine = [(time, r & 0xFFFF) for time, r, _ in found if r >> 40 == index]
        assert mine == [(time, number + 1) for number, time in enumerate(each)]


@given(st.lists(times.map(sorted), min_size=2, max_size=4))
def test_a_merge_of_files_in_order_is_in_order(files: list[list[int]]) -> None:
    readers = [reader(classic(each), index=n, read_size=30) for n, each in enumerate(files)]
    found = [(time, reference >> 40) for time, reference, _ in packets(merged(readers))]
    assert found == sorted(found)


def test_no_files_give_no_packets() -> None:
    assert list(merged([])) == []


def test_open_captures_numbers_the_files_as_given(tmp_path: Path) -> None:
    paths = [tmp_path / "b.pcap", tmp_path / "a.pcap"]
    for path in paths:
        path.write_bytes(classic([AT]))
    readers = open_captures(paths)
    assert [(r.name, r.file_index) for r in readers] == [(str(paths[0]), 0), (str(paths[1]), 1)]
    assert len(packets(merged(readers))) == 2


def test_open_captures_closes_what_it_opened_when_a_later_file_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[CaptureReader] = []

    class Watched(CaptureReader):
        def close(self) -> None:
            opened.append(self)
            super().close()

    monkeypatch.setattr(module, "CaptureReader", Watched)
    good, bad = tmp_path / "good.pcap", tmp_path / "bad.pcap"
    good.write_bytes(classic([AT]))
    bad.write_bytes(b"no capture")
    with pytest.raises(NotACapture, match=r"bad\.pcap is not a capture file"):
        open_captures([good, bad])
    assert [r.name for r in opened] == [str(good)]
    with pytest.raises(CaptureUnreadable):
        open_captures([tmp_path / "absent.pcap"])


def test_memory_stays_at_a_few_buffers(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "large.pcap"
    with path.open("wb") as out:
        writer = PcapWriter(out)
        for number in range(20_000):
            writer.packet(AT + number, bytes(1500))
    tracemalloc.start()
    try:
        count = sum(len(batch.records) for batch in merged(open_captures([path])))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 8_000_000  # of a file of 30 MB


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_an_inspector_error(junk: bytes) -> None:
    starts = (b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\n\r\r\n" + pack("<II", 28, 0x1A2B3C4D))
    for start in starts:
        try:
            source = reader(start + junk)
        except InspectorError:
            continue
        packets(source)
