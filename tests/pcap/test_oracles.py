"""Other programs' opinion of the same files: capinfos, tshark and scapy."""

from __future__ import annotations

import io
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.errors import NotACapture
from inspector.pcap.reader import CaptureReader, open_captures
from inspector.pcap.writer import PcapngWriter, PcapWriter

GOLDEN = sorted((Path(__file__).parents[2] / "captures").glob("*/capture.pcap*"))
AT = 1_795_459_255_183_635_194
#: Its times are nanoseconds on an interface that states microseconds: they fall in
#: the year 586524, which is moved to 2261 here.
FAR_FUTURE = "pcapng-example.pcapng"
#: Its first record has a fraction of 8.9 seconds, which overflows in Wireshark.
OVERFULL = "simsong__tcpflow__tests__bug8.pcap"
#: LINKTYPE_SUNATM: Wireshark takes its pseudo-header of 4 bytes off the lengths.
SUNATM = 123


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def captures(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix in {".pcap", ".pcapng", ".cap", ".gz", ".zst"}
    )


def capinfos(paths: list[Path]) -> dict[str, list[str]]:
    """name -> [packets, bytes on the wire, first time, last time], of files it can read."""
    command = [program("capinfos"), "-T", "-M", "-r", "-c", "-d", "-a", "-e", "-S"]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {row[0]: row[1:] for row in rows if len(row) == 5}


def as_capinfos(path: Path) -> list[str]:
    (reader,) = open_captures([path])
    wire = 0
    for batch in reader:
        wire += sum(record[3] for record in batch.records)
    file = reader.capture_file

    def seconds(time: int | None) -> str:
        return "n/a" if time is None else f"{time // 10**9}.{time % 10**9:09}"

    return [str(file.packets), str(wire), seconds(file.started_at), seconds(file.ended_at)]


def agree(ours: list[str], theirs: list[str]) -> bool:
    # capinfos prints the digits of the file's own precision.
    return ours[:2] == theirs[:2] and all(
        mine.startswith(other) for mine, other in zip(ours[2:], theirs[2:], strict=True)
    )


def test_capinfos_counts_and_dates_every_well_formed_capture_alike(public_captures: Path) -> None:
    paths = captures(public_captures / "well-formed")
    theirs = capinfos(paths)
    assert len(theirs) == len(paths) > 100
    differing = [path for path in paths if not agree(as_capinfos(path), theirs[str(path)])]
    assert [path.name.endswith((FAR_FUTURE, OVERFULL)) for path in differing] == [True, True]
    for path in differing:
        assert as_capinfos(path)[:2] == theirs[str(path)][:2]


def test_capinfos_counts_and_dates_every_golden_capture_alike() -> None:
    theirs = capinfos(GOLDEN)
    assert len(theirs) == len(GOLDEN) > 70
    differing = [name for name in theirs if not agree(as_capinfos(Path(name)), theirs[name])]
    assert differing == []


def test_capinfos_counts_and_dates_every_real_capture_alike(real_captures: Path) -> None:
    paths = sorted(real_captures.glob("*/capture.pcap*"))
    theirs = capinfos(paths)
    assert len(theirs) == len(paths) > 20
    differing = [name for name in theirs if not agree(as_capinfos(Path(name)), theirs[name])]
    assert differing == []


def test_every_hostile_capture_is_read_or_refused(public_captures: Path) -> None:
    folder = public_captures / "hostile"
    read = refused = 0
    for path in captures(folder):
        try:
            (reader,) = open_captures([path])
        except NotACapture:
            refused += 1
            continue
        packets = sum(len(batch.records) for batch in reader)
        file = reader.capture_file
        assert file.packets == packets
        assert bool(file.cut) <= bool(reader.faults)
        read += 1
    assert read > 100
    assert refused == 0


def test_capinfos_counts_every_hostile_capture_that_it_can_read_alike(
    public_captures: Path,
) -> None:
    theirs = capinfos(captures(public_captures / "hostile"))
    assert len(theirs) > 80
    for name, (packets, wire, *_) in theirs.items():
        (reader,) = open_captures([name])
        records = [record for batch in reader for record in batch.records]
        sunatm = any(i.link_type == SUNATM for i in reader.interfaces)
        pseudo_headers = 4 * len(records) if sunatm else 0
        assert len(records) == int(packets), name
        assert sum(record[3] for record in records) - pseudo_headers == int(wire), name


def scapy_packets(path: Path) -> Iterator[tuple[int, bytes, int]]:
    """(time, bytes, length on the wire) as scapy reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from scapy.utils import RawPcapNgReader, RawPcapReader
    with RawPcapReader(str(path)) as file:
        for data, about in file:
            if isinstance(file, RawPcapNgReader):
                ticks = about.tshigh << 32 | about.tslow
                time = ticks * 10**9 // about.tsresol
                wire = about.wirelen
            else:
                time = about.sec * 10**9 + about.usec * (1 if file.nano else 1000)
                wire = about.wirelen
            yield time, data, wire


def our_packets(reader: CaptureReader) -> Iterator[tuple[int, bytes, int]]:
    for batch in reader:
        for time, offset, captured, wire in batch.records:
            yield time, batch.data[offset : offset + captured], wire


def test_scapy_reads_the_same_packets_of_the_golden_captures() -> None:
    assert GOLDEN
    for path in GOLDEN:
        (reader,) = open_captures([path])
        assert list(our_packets(reader)) == list(scapy_packets(path)), path.name


def test_scapy_reads_the_same_packets(public_captures: Path, real_captures: Path) -> None:
    paths = captures(public_captures / "well-formed") + sorted(
        real_captures.glob("0[0-2]*/capture.pcapng")
    )
    for path in paths:
        if FAR_FUTURE in path.name:
            continue
        (reader,) = open_captures([path])
        assert list(our_packets(reader)) == list(scapy_packets(path)), path.name


# --- what the writers write -----------------------------------------------------


def tshark(data: bytes, path: Path, *fields: str) -> list[list[str]]:
    path.write_bytes(data)
    options = [part for field in fields for part in ("-e", field)]
    done = subprocess.run(
        [program("tshark"), "-n", "-r", str(path), "-T", "fields", *options],
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("variant", "digits"), [("micro", 6), ("nano", 9), ("modified", 6)])
def test_tshark_reads_every_variant_that_is_written(
    variant: str, digits: int, order: str, tmp_path: Path
) -> None:
    out = io.BytesIO()
    writer = PcapWriter(out, variant=variant, order=order)
    for number in range(5):
        writer.packet(AT + number * 1_000_000, bytes(60), wire=60 + number)
    rows = tshark(out.getvalue(), tmp_path / "w.pcap", "frame.time_epoch", "frame.len")
    expected = []
    for number in range(5):
        time = AT + number * 1_000_000
        fraction = f"{time % 10**9:09}"[:digits].ljust(9, "0")
        expected.append([f"{time // 10**9}.{fraction}", str(60 + number)])
    assert rows == expected


@pytest.mark.parametrize("order", ["<", ">"])
def test_tshark_reads_the_pcapng_that_is_written(order: str, tmp_path: Path) -> None:
    out = io.BytesIO()
    writer = PcapngWriter(out, order=order)
    writer.interface(name="fw-bridge", filter="tcp")
    writer.interface(101, offset=1_700_000_000, resolution=9)
    writer.packet(AT, bytes(60), comments=["a note"])
    writer.packet(AT + 1, b"\x45" + bytes(30), 99, interface=1)
    writer.secrets(0x544C534B, b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48 + b"\n")
    writer.statistics(received=2, dropped=0)
    fields = ("frame.time_epoch", "frame.len", "frame.interface_name", "frame.comment")
    rows = tshark(out.getvalue(), tmp_path / "w.pcapng", *fields)
    assert rows[0] == ["1795459255.183635194", "60", "fw-bridge", "a note"]
    assert rows[1][:2] == ["1795459255.183635195", "99"]
