"""The pcapng of a live capture is whole at every moment, and nobody else's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from inspector.artifacts import ArtifactError
from inspector.live.files import CaptureFiles, Described, OutputError, Rotation, create
from inspector.pcap.reader import open_captures
from inspector.wire import Batch, packet_reference
from tests.live.sources import Counters

FRAMES = [b"a" * 60, b"b" * 61, b"c" * 1500]
BRIDGE = Described("fw-bridge", 1, filter="net 172.30.0.0/24")


def batch(frames: list[bytes], first: int = 1) -> Batch:
    data = b"".join(frames)
    records = []
    at = 0
    for number, frame in enumerate(frames):
        records.append((1_000_000_007 + number, at, len(frame), len(frame) + 9))
        at += len(frame)
    return Batch(data, records, 1, first)


def read(path: Path) -> list[tuple[int, bytes, int]]:
    (reader,) = open_captures([path])
    found = [
        (time, each.data[start : start + captured], wire)
        for each in reader
        for time, start, captured, wire in each.records
    ]
    assert reader.faults == []
    assert reader.capture_file.cut is None
    return found


def files(path: Path) -> CaptureFiles:
    made = CaptureFiles(path, lambda _: Counters(received=7, dropped=2))
    made.add_interface(BRIDGE)
    return made


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    made = files(path)
    made.write(batch(FRAMES), 0)
    assert [frame for _, frame, _ in read(path)] == FRAMES, "whole before it is closed"
    made.close()
    assert read(path) == [
        (1_000_000_007 + number, frame, len(frame) + 9) for number, frame in enumerate(FRAMES)
    ]
    (reader,) = open_captures([path])
    list(reader)
    (interface,) = reader.interfaces
    assert (interface.name, interface.filter) == ("fw-bridge", "net 172.30.0.0/24")
    assert (interface.received, interface.dropped) == (7, 2)
    assert made.finished == [reader.capture_file]


def test_each_file_of_a_ring_says_what_was_counted_while_it_was_written(tmp_path: Path) -> None:
    counted = [Counters(10, 1), Counters(25, 4)]
    made = CaptureFiles(tmp_path / "live.pcapng", lambda _: counted.pop(0), rotation=Rotation(1000))
    made.add_interface(BRIDGE)
    made.write(batch(FRAMES), 0)
    made.write(batch(FRAMES, packet_reference(1, 1)), 0)
    made.close()
    assert [[(i.received, i.dropped) for i in capture.interfaces] for capture in made.finished] == [
        [(10, 1)],
        [(15, 3)],
    ]


def test_a_file_is_for_its_user_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        os.close(create(tmp_path / "live.pcapng"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "live.pcapng").stat().st_mode) == 0o600


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "live.pcapng"
    victim.write_text("precious")
    path.symlink_to(victim)
    os.close(create(path))
    assert not path.is_symlink()
    assert victim.read_text() == "precious"


def test_a_link_on_the_way_is_refused_where_others_could_have_laid_it(tmp_path: Path) -> None:
    place, open_to_all = tmp_path / "place", tmp_path / "open"
    place.mkdir()
    open_to_all.mkdir()
    (open_to_all / "way").symlink_to(place)
    os.close(create(open_to_all / "way" / "live.pcapng"))  # nobody else could
    open_to_all.chmod(0o777)
    with pytest.raises(ArtifactError, match="symbolic link in a directory that others can write"):
        create(open_to_all / "way" / "more.pcapng")
    assert [path.name for path in place.iterdir()] == ["live.pcapng"]


def test_a_link_to_a_device_is_followed_only_where_nobody_else_could_have_laid_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "live.pcapng"
    path.symlink_to("/dev/null")
    os.close(create(path))
    assert path.is_symlink()
    tmp_path.chmod(0o777)
    os.close(create(path))
    assert not path.is_symlink()


def test_a_file_that_others_hold_open_is_not_written_through(tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    path.write_text("prepared")
    with path.open() as held:
        descriptor = create(path)
        os.write(descriptor, b"captured")
        os.close(descriptor)
        assert held.read() == "prepared"


def test_a_directory_in_its_place_is_an_error_that_helps(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"Is a directory.*-w or -o"):
        create(tmp_path)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"absent/live\.pcapng cannot be written: No such file"):
        create(tmp_path / "absent" / "live.pcapng")


def test_a_disk_that_fills_up_leaves_whole_packets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "live.pcapng"
    made = files(path)
    made.write(batch(FRAMES), 0)
    real = os.write
    room = [100]

    def full(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        count = min(room[0], len(data))
        room[0] -= count
        return real(descriptor, data[:count])

    # One block and a part of the next have room.
    monkeypatch.setattr(os, "write", full)
    made.write(batch(FRAMES, 4), 0)
    made.write(batch(FRAMES, 7), 0)
    made.close()

    assert made.failed is not None
    assert made.failed.strerror == "No space left on device"
    assert [frame for _, frame, _ in read(path)] == [*FRAMES, FRAMES[0]]
    assert made.finished[0].packets == 4
    assert made.finished[0].bytes == path.stat().st_size
