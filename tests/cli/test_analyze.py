from __future__ import annotations

import json
import os
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from inspector.cli.main import main
from inspector.report.formats.whole import from_dict

from .test_main import COMMAND, ROOT

DEMO = str(ROOT / "captures" / "issue-1527")

#: A pcap without packets: little-endian, microseconds, Ethernet.
EMPTY_PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)


def _analyze(*args: str) -> Result:
    return CliRunner().invoke(main, ["analyze", *args])


def _json(*args: str) -> dict[str, Any]:
    result = _analyze("--format", "json", *args)
    plain: dict[str, Any] = json.loads(result.stdout)
    return plain


def test_the_demo_makes_a_page_on_stdout_and_nothing_on_stderr() -> None:
    result = _analyze(DEMO)
    assert result.exit_code == 0
    assert result.stdout.startswith("inspector  ")
    assert "SENT   claude-cli/2.1.88" in result.stdout
    assert result.stderr == ""


def test_json_is_a_report() -> None:
    report = from_dict(_json(DEMO))
    assert report.exchanges
    assert report.tunnels


def test_jsonl_ends_with_the_rest_of_the_report() -> None:
    result = _analyze("--format", "jsonl", DEMO)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    whole = _json(DEMO)
    last = {}
    for line in lines[:-1]:
        ((_, fact),) = line.items()
        last[fact["id"]] = fact
    assert sorted(last) == sorted(f["id"] for f in (*whole["exchanges"], *whole["tunnels"]))
    assert lines[-1]["report"]["connections"] == whole["connections"]
    assert "exchanges" not in lines[-1]["report"]


def test_packet_numbers_name_their_file_when_a_directory_holds_several(tmp_path: Path) -> None:
    capture = (Path(DEMO) / "capture.pcapng").read_bytes()
    for name in ("one.pcapng", "two.pcapng"):
        (tmp_path / name).write_bytes(capture)
    result = _analyze("--format", "jsonl", str(tmp_path))
    first = json.loads(result.stdout.splitlines()[0])
    fact = first.get("tunnel") or first["exchange"]["request"]
    assert fact["packet"].startswith("1:")


def test_v_adds_the_list_of_exchanges() -> None:
    assert "EXCHANGES" not in _analyze(DEMO).stdout
    assert "EXCHANGES" in _analyze("-v", DEMO).stdout
    assert "EXCHANGES" in CliRunner().invoke(main, ["-v", "analyze", DEMO]).stdout


def test_the_same_fingerprint_key_gives_the_same_fingerprints(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"made up")
    with_key = ("--fingerprint-key", str(key), DEMO)
    assert _json(*with_key)["clients"] == _json(*with_key)["clients"]
    assert _json(DEMO)["clients"] != _json(DEMO)["clients"]


@pytest.mark.parametrize("form", ["terminal", "json", "jsonl"])
def test_what_is_no_capture_ends_with_4_and_json_all_the_same(tmp_path: Path, form: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary")
    result = _analyze("--format", form, str(path))
    assert result.exit_code == 4
    assert result.stderr.startswith("inspector: ")
    assert "notes.txt" in result.stderr
    assert "Traceback" not in result.stderr
    if form == "terminal":
        assert result.stdout == ""
    else:
        plain = json.loads(result.stdout)
        report = plain["report"] if form == "jsonl" else plain
        assert report["connections"] == []
        assert "notes.txt" in report["completeness"]["because"][0]


def test_a_capture_without_tcp_ends_with_4_and_says_what_to_try(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcap"
    path.write_bytes(EMPTY_PCAP)
    result = _analyze("--format", "json", str(path))
    assert result.exit_code == 4
    assert json.loads(result.stdout)["connections"] == []
    assert result.stderr.startswith("inspector: No TCP connection in scope")


def test_a_file_that_is_not_there_is_a_usage_error_and_gives_no_json(tmp_path: Path) -> None:
    result = _analyze("--format", "json", str(tmp_path / "absent.pcap"))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "absent.pcap" in result.stderr


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--format", "xml", DEMO),
        ("--scope", "moon", DEMO),
        ("--subnet", "172.30.0.0/99", DEMO),
        ("--agent", "agent.local", DEMO),
        ("--squid", "172.30.0.10:99999", DEMO),
        ("--squid", "[fd00::10]x3128", DEMO),
        ("--auth-header", "two words", DEMO),
        ("--fingerprint-key", "/nonexistent/key", DEMO),
        ("--topology", "/nonexistent/topology.toml", DEMO),
    ],
)
def test_an_option_that_does_not_fit_is_a_usage_error(args: tuple[str, ...]) -> None:
    result = _analyze(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage:" in result.stderr


def test_a_short_fingerprint_key_is_used_and_said_to_be_short(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"abc")
    result = _analyze("--fingerprint-key", str(tmp_path / "key"), DEMO)
    assert result.exit_code == 0
    assert "has 3 bytes" in result.stderr
    (tmp_path / "key").write_bytes(bytes(range(32)))
    assert _analyze("--fingerprint-key", str(tmp_path / "key"), DEMO).stderr == ""


def test_an_empty_fingerprint_key_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "key").touch()
    result = _analyze("--fingerprint-key", str(tmp_path / "key"), DEMO)
    assert result.exit_code == 2
    assert "is empty" in result.stderr


def test_a_fingerprint_key_that_is_no_key_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(bytes(1 << 17))
    result = _analyze("--fingerprint-key", str(tmp_path / "key"), DEMO)
    assert result.exit_code == 2
    assert "is longer than 65536 bytes" in result.stderr


def test_a_topology_file_that_cannot_be_used_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "topology.toml"
    path.write_text("subnet = [")
    result = _analyze("--topology", str(path), DEMO)
    assert result.exit_code == 2
    assert "topology.toml" in result.stderr


def test_addresses_told_are_the_addresses_of_the_report() -> None:
    topology = _json(
        "--subnet=172.30.0.0/16",
        "--agent=172.30.0.20",
        "--agent=172.30.0.21",
        "--api-proxy=172.30.0.30",
        "--squid=172.30.0.10:3128",
        "--scope=all",
        DEMO,
    )["topology"]
    assert topology["subnet"] == "172.30.0.0/16"
    assert topology["agent"] == ["172.30.0.20", "172.30.0.21"]
    assert topology["api_proxy"] == ["172.30.0.30"]
    assert topology["source"] == "options"
    assert topology["scope"] == "all"


def test_standard_input_is_a_capture_too() -> None:
    capture = (Path(DEMO) / "capture.pcapng").read_bytes()
    done = subprocess.run(
        [*COMMAND, "analyze", "-", "--format", "json"], cwd=ROOT, input=capture, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["exchanges"]) == len(_json(DEMO)["exchanges"])


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What -o leaves of the demo."""
    left = tmp_path_factory.mktemp("results")
    assert _analyze("-o", str(left), DEMO).exit_code == 0
    return left


@pytest.mark.parametrize("form", ["terminal", "json", "jsonl"])
def test_a_stored_report_is_shown_as_its_capture_was(results: Path, form: str) -> None:
    [folder, file] = [
        _analyze("--format", form, str(path)) for path in (results, results / "report.json")
    ]
    assert (file.exit_code, file.stderr) == (0, "")
    assert file.stdout == folder.stdout
    if form == "json":
        assert file.stdout == (results / "report.json").read_text()
    if form == "terminal":
        assert file.stdout == _analyze(DEMO).stdout


def test_a_stored_report_comes_by_standard_input_too(results: Path) -> None:
    report = (results / "report.json").read_bytes()
    piped = subprocess.run([*COMMAND, "analyze", "-"], input=report, capture_output=True)
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert piped.stdout.decode() == _analyze(DEMO).stdout
    with (results / "report.json").open("rb") as file:
        shown = subprocess.run([*COMMAND, "show", "-", "e1"], stdin=file, capture_output=True)
    assert shown.stdout.startswith(b"e1  POST")


def test_json_on_standard_input_that_is_no_report_is_named() -> None:
    done = subprocess.run([*COMMAND, "check", "-"], input=b'{"a": 1}', capture_output=True)
    assert done.returncode == 1
    assert b"standard input is no inspector report" in done.stderr


def test_logs_say_nothing_of_a_stored_report_which_is_said(results: Path) -> None:
    log = Path(DEMO) / "access.log"
    result = _analyze("--squid-log", str(log), str(results))
    assert result.exit_code == 0
    assert "logs and key logs are read with captures" in result.stderr


@pytest.mark.parametrize("columns", ["60", "120"])
def test_columns_sets_the_width_and_no_colour_goes_into_a_pipe(columns: str) -> None:
    done = subprocess.run(
        [*COMMAND, "analyze", "captures/issue-1527"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": columns},
        check=True,
    )
    assert "-" * int(columns) in done.stdout.splitlines()
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_of_a_directory_with_several_captures_the_page_says_what_was_merged(
    tmp_path: Path,
) -> None:
    for name in ("issue-1527", "through-squid-absolute"):
        source = ROOT / "captures" / name / "capture.pcapng"
        (tmp_path / f"{name}.pcapng").write_bytes(source.read_bytes())
    shown = " ".join(_analyze(str(tmp_path)).stdout.split())
    assert "Read as one run, merged by time: " in shown
    unwrapped = shown.replace(" ", "")
    assert "through-squid-absolute.pcapng" in unwrapped
    assert "issue-1527.pcapng" in unwrapped
    assert "between files: they may be of different runs" in shown
    assert "Read as one run" not in _analyze(DEMO).stdout


def test_more_captures_than_files_may_be_open_are_told_with_the_remedy() -> None:
    captures = [str(ROOT / "captures" / "issue-1527" / "capture.pcapng")] * 20
    command = ["sh", "-c", 'ulimit -n 12; exec "$@"', "sh", *COMMAND, "analyze", *captures]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "ulimit -n" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_capture_needs_few_open_files() -> None:
    command = ["sh", "-c", 'ulimit -n 10; exec "$@"', "sh", *COMMAND, "analyze", DEMO]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_log_that_is_none_is_told_beside_a_report_for_programs(tmp_path: Path, form: str) -> None:
    (tmp_path / "text.txt").write_text("no log\n")
    logs = ("--squid-log", str(tmp_path / "text.txt"))
    result = _analyze("--format", form, *logs, DEMO)
    assert result.exit_code == 0
    assert "text.txt: no line of a known format." in result.stderr
    page = _analyze(*logs, DEMO)
    assert "text.txt: no line of a known format." in page.stdout
    assert "known format" not in page.stderr
