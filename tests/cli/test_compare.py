from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from inspector.cli.main import main

from .test_main import ROOT

BAD = str(ROOT / "captures" / "key-newline")
GOOD = str(ROOT / "captures" / "key-newline-fixed")
TWO = str(ROOT / "captures" / "h4-401-inside-tunnel")
HOLDS_KEY = str(ROOT / "captures" / "agent-holds-real-key")
EXAMPLE = str(ROOT / "docs" / "example-report.json")


def _compare(*args: str) -> Result:
    return CliRunner().invoke(main, ["compare", *args])


def test_a_bad_run_and_a_good_one_differ_in_what_was_answered() -> None:
    result = _compare("--format", "json", BAD, GOOD)
    assert result.exit_code == 0
    differences = {
        (d["of"], d["aspect"]): (d["a"], d["b"]) for d in json.loads(result.stdout)["differences"]
    }
    assert differences["curl -> anthropic", "answers"] == ({"none": 1}, {"200": 2})
    assert ("curl -> anthropic", "value of x-api-key") not in differences


def test_the_same_key_is_the_same_in_both_captures_without_a_key_file() -> None:
    result = _compare(HOLDS_KEY, HOLDS_KEY)
    assert "No difference" in result.stdout
    assert result.stderr == ""


def test_two_clients_of_one_capture_are_set_beside_each_other() -> None:
    result = _compare(TWO, "--client", "curl", "--client", "Anthropic/JS")
    assert "value of x-api-key" in result.stdout
    assert "x-stainless-retry-count" in result.stdout


def test_reports_of_one_key_are_compared_without_a_word(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(32 * b"k")
    for name in ("a", "b"):
        told = CliRunner().invoke(
            main, ["analyze", "--fingerprint-key", str(key), "--format", "json", HOLDS_KEY]
        )
        (tmp_path / f"{name}.json").write_text(told.stdout)
    both = str(tmp_path / "a.json"), str(tmp_path / "b.json")
    result = _compare("--exit-code", *both)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "No difference" in result.stdout


def test_reports_of_different_keys_leave_credentials_open(tmp_path: Path) -> None:
    for name in ("a", "b"):
        told = CliRunner().invoke(main, ["analyze", "--format", "json", HOLDS_KEY])
        (tmp_path / f"{name}.json").write_text(told.stdout)
    both = str(tmp_path / "a.json"), str(tmp_path / "b.json")
    assert _compare(*both).exit_code == 0
    result = _compare("--exit-code", *both)
    assert result.exit_code == 5
    assert "cannot be compared" in result.stdout
    assert _compare("--exit-code", "--ignore", "value of *", *both).exit_code == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((TWO,), "Give B, or --client twice"),
        ((TWO, "--client", "curl"), "Give B, or --client twice"),
        ((TWO, TWO, "--client", "a", "--client", "b", "--client", "c"), "twice at most"),
        ((TWO, "--client", "curl", "--client", "nobody"), "has 'nobody' in its user agent"),
    ],
)
def test_what_cannot_be_compared_is_a_usage_error(args: tuple[str, ...], said: str) -> None:
    result = _compare(*args)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_a_difference_is_an_exit_code_where_it_is_asked_for() -> None:
    assert _compare(BAD, GOOD).exit_code == 0
    assert _compare("--exit-code", BAD, GOOD).exit_code == 3
    assert _compare("--exit-code", "--ignore", "*", BAD, GOOD).exit_code == 0
    assert _compare("--exit-code", BAD, BAD).exit_code == 0


def test_a_capture_without_tcp_is_nothing_to_compare(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    result = _compare(str(empty), GOOD)
    assert (result.exit_code, result.stdout) == (4, "")
    assert "No TCP connection in scope" in result.stderr
