"""`inspector show`: one exchange, tunnel or connection of a capture or of its report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from inspector.cli.main import main
from inspector.report.formats.detailed import show_schema

from .test_main import ROOT

DIED = str(ROOT / "captures" / "issue-1527")
CUT = str(ROOT / "captures" / "h3-upstream-cut")


def _show(*args: str) -> Result:
    return CliRunner().invoke(main, ["show", "--no-progress", *args])


def _json(*args: str) -> Any:
    result = _show("--format", "json", *args)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_an_exchange_of_a_capture_is_shown_in_full() -> None:
    result = _show(DIED, "e1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("e1  POST /v1/messages?beta=true  no answer  anthropic\n")
    assert "X-Stainless-Retry-Count: 0" in result.stdout


def test_a_report_shows_what_its_capture_shows(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    told = CliRunner().invoke(main, ["analyze", "--format", "json", "--no-progress", CUT])
    report.write_text(told.stdout)
    shown = _show(str(report), "e1").stdout
    assert shown == _show(str(tmp_path), "e1").stdout
    assert "e2 inside t1" in shown


@pytest.mark.parametrize("identifier", ["e1", "e2", "t1", "c1", "h1"])
def test_as_json_it_keeps_its_schema(identifier: str) -> None:
    plain = _json(CUT, identifier)
    jsonschema.Draft202012Validator(show_schema()).validate(plain)
    assert plain["detail"]["id"] == identifier


def test_as_json_it_has_both_hops_and_the_steps() -> None:
    detail = _json(CUT, "e1")["detail"]
    assert [leg["exchange"]["id"] for leg in detail["legs"]] == ["e1", "e2"]
    assert detail["steps"][0]["kind"] == "open"
    assert detail["display_filter"].startswith("(ip.addr == 172.30.0.20")


def test_an_unknown_id_is_an_error_of_usage_that_names_those_there_are() -> None:
    result = _show(DIED, "e7")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "exchange e1, tunnels t1 to t4" in result.stderr
    assert "inspector analyze -v" in result.stderr


def test_an_id_that_may_be_a_key_is_not_repeated() -> None:
    result = _show(DIED, "sk-ant-api03-LABONLY0123456789abcdefghij")
    assert result.exit_code == 2
    assert "LABONLY" not in result.stderr


def test_a_capture_without_tcp_is_nothing_to_show(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    assert _show(str(empty), "e1").exit_code == 4


def test_the_packets_of_an_exchange_are_written_alone(tmp_path: Path) -> None:
    out = tmp_path / "e1.pcapng"
    result = _show(DIED, "e1", "--extract", str(out))
    assert result.exit_code == 0
    assert "10 packets of e1 in " in result.stderr
    assert out.stat().st_mode & 0o777 == 0o600
    assert "e1  POST /v1/messages?beta=true  no answer" in _show(str(out), "e1").stdout


def test_a_report_finds_the_capture_that_it_was_made_of_or_the_copy_beside_it(
    tmp_path: Path,
) -> None:
    capture = tmp_path / "capture.pcapng"
    capture.write_bytes(Path(DIED, "capture.pcapng").read_bytes())
    left = tmp_path / "results"
    CliRunner().invoke(main, ["analyze", "--no-progress", "-o", str(left), str(capture)])
    report, out = str(left / "report.json"), str(tmp_path / "e1.pcapng")
    assert _show(report, "e1", "--extract", out).exit_code == 0
    capture.write_bytes(Path(CUT, "capture.pcapng").read_bytes())  # not what was read
    assert _show(report, "e1", "--extract", out, "--force").exit_code == 0
    (left / "capture.redacted.pcapng").unlink()
    result = _show(report, "e1", "--extract", out, "--force")
    assert result.exit_code == 2
    assert "inspector show CAPTURE e1 --extract OUT" in result.stderr


def test_what_is_there_is_replaced_only_if_told_and_before_anything_is_read(
    tmp_path: Path,
) -> None:
    out = tmp_path / "e1.pcapng"
    out.write_text("mine")
    assert _show("/absent", "e1", "--extract", str(out)).exit_code == 2
    assert _show("/absent", "e1", "--extract", str(tmp_path)).exit_code == 2
    assert out.read_text() == "mine"
    same = _show(str(out), "e1", "--extract", str(out), "--force")
    assert same.exit_code != 0
    assert out.read_text() == "mine"
