"""Where the secrets of a run come from, and what is said of those that it does not get."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from struct import pack

import pytest

from inspector import Options, Report, inspect
from inspector.pcap.key_logs import KEY_LOG_KIND, KeyLogError
from inspector.report.page.inside import reading
from inspector.report.page.view import View
from lab.index import CAPTURES
from tests.canary.plants import asked
from tests.canary.wire import Description, capture

LINES = [f"CLIENT_RANDOM {number:064x} {b'LABONLY-'.hex() * 6}\n".encode() for number in range(3)]


def folder(path: Path) -> Path:
    """A directory with a capture in it."""
    (path / "capture.pcapng").write_bytes(capture([asked()], Description()))
    return path


def told(report: Report) -> str:
    return reading(View(report)) or ""


def test_a_key_log_beside_a_capture_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    here = folder(tmp_path)
    (here / "keys.log").symlink_to("/proc/self/mem")  # there, and no byte of it can be read
    report = inspect(here, options=Options(finds_keys=True))
    assert report.keys is not None
    assert (report.keys.key_logs, report.keys.unread_logs) == ((), ("keys.log",))
    assert told(report) == "keys.log could not be read"

    (here / "a.keylog").write_bytes(LINES[0])
    report = inspect(here, options=Options(finds_keys=True))
    assert told(report).startswith("keys from a.keylog: of 0 TLS connections")
    assert told(report).endswith("; keys.log could not be read")


def test_a_key_log_that_was_named_and_cannot_be_read_ends_the_run(tmp_path: Path) -> None:
    here = folder(tmp_path)
    (here / "keys.log").symlink_to("/proc/self/mem")
    with pytest.raises(KeyLogError, match=r"keys\.log"):
        inspect(here, options=Options(key_logs=(here / "keys.log",)))


def test_sessions_that_are_too_many_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = folder(tmp_path)
    (here / "keys.log").write_bytes(b"".join(LINES))
    options = Options(key_logs=(here / "keys.log",))
    assert inspect(here, options=options).completeness.limits_hit == ()
    monkeypatch.setattr("inspector.decryption.keystore.SESSIONS_LIMIT", 2)
    hit = inspect(here, options=options).completeness.limits_hit
    assert hit == ("sessions whose secrets are kept",)


@pytest.mark.parametrize("size", [0, 1, len(LINES[0]), len(b"".join(LINES)) - 1])
def test_a_key_log_that_is_too_long_is_told(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = folder(tmp_path)
    (here / "keys.log").write_bytes(b"".join(LINES))
    options = Options(key_logs=(here / "keys.log",))
    monkeypatch.setattr("inspector.pcap.key_logs.MAX_BYTES", len(b"".join(LINES)))
    assert inspect(here, options=options).completeness.limits_hit == ()
    monkeypatch.setattr("inspector.pcap.key_logs.MAX_BYTES", size)
    assert inspect(here, options=options).completeness.limits_hit == ("bytes of a key log",)


def test_key_logs_that_are_not_named_are_counted(tmp_path: Path) -> None:
    here = folder(tmp_path)
    logs = tuple(here / f"{letter}.keylog" for letter in "abcde")
    for log in logs:
        log.write_bytes(LINES[0])
    report = inspect(here, options=Options(key_logs=logs))
    assert " and 2 more key logs: of" in told(report)


def test_secrets_at_the_end_of_a_pipe_are_counted(tmp_path: Path) -> None:
    data = LINES[0] + bytes(-len(LINES[0]) % 4)
    size = 20 + len(data)
    block = pack("<IIII", 10, size, KEY_LOG_KIND, len(LINES[0])) + data + pack("<I", size)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    whole = capture([asked()], Description()) + block
    writer = threading.Thread(target=pipe.write_bytes, args=(whole,))
    writer.start()
    report = inspect(pipe)
    writer.join()
    assert report.keys is not None
    assert report.keys.embedded == 1


def test_a_key_log_that_grows_while_a_pipe_is_read_is_read_on(tmp_path: Path) -> None:
    """As `tcpdump -w - | inspector analyze --keylog FILE -`: no secret is there at the start."""
    folder = CAPTURES / "h4-401-inside-tunnel"
    data, secrets = ((folder / name).read_bytes() for name in ("capture.pcapng", "keys.log"))
    size, rest = len(secrets), len(data) - 4096
    pipe, log = tmp_path / "pipe", tmp_path / "keys.log"
    os.mkfifo(pipe)
    log.touch()

    def write() -> None:
        with pipe.open("wb", buffering=0) as out:
            fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, 4096)
            out.write(data[:4096])  # nothing of TLS is in it
            told = 0
            with log.open("ab", buffering=0) as more:
                for part in range(5):
                    # Parts end in the middle of lines, the last one without its end.  They are one
                    # ahead of the packets, as a session writes its secrets before it is over: the
                    # reader may have all that stands in the pipe before the next part is written.
                    ahead = size * min(part + 2, 5) // 5
                    more.write(secrets[told:ahead])
                    told = ahead
                    out.write(data[4096 + part * rest // 5 : 4096 + (part + 1) * rest // 5])

    writer = threading.Thread(target=write)
    writer.start()
    report = inspect(pipe, options=Options(key_logs=(log,)))
    writer.join()
    whole = inspect(folder / "capture.pcapng", options=Options(key_logs=(folder / "keys.log",)))
    states = [tunnel.decryption and tunnel.decryption.state for tunnel in report.tunnels]
    assert states == [t.decryption and t.decryption.state for t in whole.tunnels]
    assert report.keys
    assert whole.keys
    assert report.keys.secrets == whole.keys.secrets
    assert [e.response and e.response.status for e in report.exchanges if e.decrypted] == [401] * 4


def test_of_a_pipe_without_the_secrets_it_is_said_that_the_log_lacks_them(tmp_path: Path) -> None:
    pipe, log = tmp_path / "pipe", tmp_path / "keys.log"
    os.mkfifo(pipe)
    log.write_bytes(LINES[0])
    data = (CAPTURES / "h4-401-inside-tunnel/capture.pcapng").read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    report = inspect(pipe, options=Options(key_logs=(log,)))
    writer.join()
    told = {tunnel.decryption and tunnel.decryption.because for tunnel in report.tunnels}
    assert told == {"no key log has its secrets"}
