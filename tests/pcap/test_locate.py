from __future__ import annotations

from pathlib import Path

import pytest

from inspector.errors import NotACapture
from inspector.pcap.locate import Located, locate


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"")


def test_a_file_and_standard_input_stand_for_themselves(tmp_path: Path) -> None:
    make(tmp_path, "any.name", "access.log")
    assert locate(tmp_path / "any.name") == Located((str(tmp_path / "any.name"),), (), ())
    assert locate("-") == Located(("-",), (), ())


def test_a_file_that_is_not_there_is_left_to_the_opening(tmp_path: Path) -> None:
    assert locate(tmp_path / "absent.pcap").captures == (str(tmp_path / "absent.pcap"),)


def test_a_recording_is_its_capture_the_logs_and_the_key_log(tmp_path: Path) -> None:
    logs = ("access.log", "api-proxy.jsonl", "audit.jsonl")
    make(tmp_path, "capture.pcapng", "keys.log", "truth.json", "README.md", *logs)
    found = locate(tmp_path)
    assert found.captures == (str(tmp_path / "capture.pcapng"),)
    assert found.logs == tuple(tmp_path / log for log in logs)
    assert found.key_logs == (tmp_path / "keys.log",)


def test_the_firewalls_folder_has_rules_and_logs_of_the_api_proxy_in_one_of_their_own(
    tmp_path: Path,
) -> None:
    (tmp_path / "api-proxy-logs").mkdir()
    make(tmp_path / "api-proxy-logs", "token-usage.jsonl", "blocked-request-diag.jsonl", "x.txt")
    make(tmp_path, "capture.pcapng", "access.log", "policy-manifest.json", "package.json")
    told = [str(log.relative_to(tmp_path)) for log in locate(tmp_path).logs]
    assert told == [
        "access.log", "policy-manifest.json",
        "api-proxy-logs/blocked-request-diag.jsonl", "api-proxy-logs/token-usage.jsonl",
    ]  # fmt: skip


def test_the_file_called_capture_goes_before_others(tmp_path: Path) -> None:
    make(tmp_path, "a.pcap", "capture.pcap.zst", "z.pcapng")
    assert locate(tmp_path).captures == (str(tmp_path / "capture.pcap.zst"),)


def test_a_redacted_copy_is_not_read_beside_what_it_was_made_of(tmp_path: Path) -> None:
    make(tmp_path, "capture.pcapng", "capture.redacted.pcapng", "report.json")
    assert locate(tmp_path).captures == (str(tmp_path / "capture.pcapng"),)
    make(tmp_path, "monday.pcap")
    (tmp_path / "capture.pcapng").unlink()
    assert locate(tmp_path).captures == (str(tmp_path / "monday.pcap"),)


def test_redacted_copies_alone_are_what_a_directory_holds(tmp_path: Path) -> None:
    copies = ["capture-1.redacted.pcapng", "capture-2.redacted.pcapng"]
    make(tmp_path, *copies, "report.json")
    assert locate(tmp_path).captures == tuple(str(tmp_path / name) for name in copies)


def test_a_directory_of_captures_is_all_of_them_by_name(tmp_path: Path) -> None:
    captures = ["a.pcap", "b.pcap1", "c.PCAPNG", "d.cap", "e.pcapng.gz", "f.pcap.zst"]
    make(tmp_path, *captures, "a.pcap.keylog", "notes.txt", "f.pcap.part")
    (tmp_path / "folder.pcap").mkdir()
    found = locate(tmp_path)
    assert found.captures == tuple(str(tmp_path / name) for name in captures)
    assert found.key_logs == (tmp_path / "a.pcap.keylog",)


def test_a_directory_without_a_capture_is_an_error_that_names_it(tmp_path: Path) -> None:
    make(tmp_path, "access.log")
    with pytest.raises(NotACapture, match="holds no capture file"):
        locate(tmp_path)


def test_what_a_run_left_beside_a_capture_is_no_log_of_the_proxies(tmp_path: Path) -> None:
    make(tmp_path, "capture.redacted.pcapng", "exchanges.jsonl", "access.log")
    assert locate(tmp_path).logs == (tmp_path / "access.log",)
