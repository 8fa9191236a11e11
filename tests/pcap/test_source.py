from __future__ import annotations

import gzip
import hashlib
import io
import os
import threading
from pathlib import Path

import pytest
import zstandard

from inspector.errors import CaptureUnreadable
from inspector.pcap.source import ByteSource, open_source

PLAIN = bytes(range(256)) * 9000


def everything(source: ByteSource, size: int = 1 << 20) -> bytes:
    return b"".join(iter(lambda: source.read(size), b""))


class Dribble(io.RawIOBase):
    """A pipe that gives one byte at a time and cannot seek."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)

    def read(self, size: int = -1, /) -> bytes:
        byte = next(self._data, None)
        return b"" if byte is None else bytes((byte,))


class Failing(Dribble):
    """A disk that breaks after its last good byte."""

    def read(self, size: int = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise OSError(5, "Input/output error")
        return data


FORMS = {
    None: PLAIN,
    "gzip": gzip.compress(PLAIN),
    "zstd": zstandard.ZstdCompressor().compress(PLAIN),
}


@pytest.mark.parametrize("compression", FORMS)
def test_compression_is_told_by_the_first_bytes_whatever_the_name(
    compression: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "capture.pcap"
    path.write_bytes(FORMS[compression])
    with open_source(path) as source:
        assert source.compression == compression
        assert everything(source) == PLAIN
    assert source.bytes_read == len(FORMS[compression])
    assert source.faults == []


@pytest.mark.parametrize("compression", FORMS)
def test_a_stream_that_gives_single_bytes_is_read_to_its_end(compression: str | None) -> None:
    plain = PLAIN[:2000]
    forms = {
        None: plain,
        "gzip": gzip.compress(plain),
        "zstd": zstandard.ZstdCompressor().compress(plain),
    }
    source = ByteSource(Dribble(forms[compression]))
    assert source.compression == compression
    assert everything(source) == plain


def test_a_pipe_gives_what_it_has_without_waiting_for_a_full_buffer() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb", buffering=0) as tap:
        tap.write(b"first bytes")
        source = ByteSource(pipe, owned=False)
        assert source.read(4) + source.read() == b"first bytes"
        tap.write(b"later")
        assert source.read() == b"later"


def test_standard_input_is_read_and_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(FORMS["gzip"]))
    monkeypatch.setattr("sys.stdin", stdin)
    with open_source("-") as source:
        assert everything(source) == PLAIN
    assert not stdin.buffer.closed


def test_a_fifo_is_read_like_a_file(tmp_path: Path) -> None:
    path = tmp_path / "capture.fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(FORMS["zstd"],))
    writer.start()
    with open_source(path) as source:
        assert everything(source) == PLAIN
    writer.join()


def test_a_disk_that_fails_ends_the_stream_and_keeps_what_came_before() -> None:
    source = ByteSource(Failing(b"good bytes"))
    assert everything(source) == b"good bytes"
    assert source.faults == [("read-error", "Input/output error")]


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(CaptureUnreadable, match=r"absent\.pcap cannot be opened: No such file"):
        open_source(tmp_path / "absent.pcap")


def test_an_empty_stream_is_empty() -> None:
    source = ByteSource(io.BytesIO(b""))
    assert (source.compression, source.read()) == (None, b"")


def test_what_was_read_is_had_again_with_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap"
    path.write_bytes(PLAIN)
    for raw in (path.open("rb", buffering=0), io.BytesIO(PLAIN)):  # goes back, is joined
        with ByteSource(raw, hashed=True) as source:
            data = source.read(1000)
            assert source.read_behind(b"", 1000) == PLAIN[len(data) : len(data) + 1000]
            at = len(data) + 1000
            while len(rest := PLAIN[at - 7 : at]) < len(more := source.read_behind(rest, 1000)):
                assert more == PLAIN[at - 7 : at - 7 + len(more)]
                at += len(more) - 7
            assert at == len(PLAIN) == source.bytes_read
            assert source.sha256 == hashlib.sha256(PLAIN).hexdigest()


def test_a_record_longer_than_a_buffer_is_had_again(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap"
    path.write_bytes(PLAIN)
    with open_source(path) as source:
        rest = source.read(5000)
        assert source.read_behind(rest, 1000) == PLAIN[: 2 * len(rest)]


@pytest.mark.parametrize("becomes", [b"", PLAIN[:998], bytes(1000)])
def test_a_file_that_is_changed_meanwhile_keeps_what_was_read(
    becomes: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "capture.pcap"
    path.write_bytes(PLAIN[:1000])
    with open_source(path) as source:
        rest = source.read(1000)[-7:]
        path.write_bytes(becomes)
        assert source.read_behind(rest) == rest
