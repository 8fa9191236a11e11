"""`inspector check`: of what runs, with what results."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from inspector.cli.main import main
from inspector.policy.result import check_schema

CAPTURES = Path(__file__).parent.parent.parent / "captures"
HEALTHY = str(CAPTURES / "healthy-json")
KEYED = str(CAPTURES / "agent-holds-real-key")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments])


@pytest.fixture
def reports(tmp_path: Path) -> tuple[str, str]:
    """A run that is kept and one that is broken, as report.json each in a directory."""
    for name in (HEALTHY, KEYED):
        told = CliRunner().invoke(main, ["analyze", "--format", "json", name])
        place = tmp_path / Path(name).name
        place.mkdir()
        (place / "report.json").write_text(told.stdout)
    return str(tmp_path / "healthy-json"), str(tmp_path / "agent-holds-real-key")


def test_a_directory_with_a_report_alone_is_that_report(reports: tuple[str, str]) -> None:
    assert run(reports[0]).exit_code == 0
    assert run(reports[1]).exit_code == 3


def test_each_of_several_reports_is_a_run_by_itself(reports: tuple[str, str]) -> None:
    kept, broken = reports
    result = run("--format", "json", kept, f"{broken}/report.json")
    told = json.loads(result.stdout)
    assert result.exit_code == told["exit_code"] == 3
    jsonschema.Draft202012Validator(check_schema()).validate(told)
    assert told["schema"] == "inspector.check/1.1"
    assert [(each["run"], each["verdict"]) for each in told["runs"]] == [
        (kept, "kept"),
        (f"{broken}/report.json", "broken"),
    ]


def test_several_runs_are_named_on_the_page(
    reports: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(reports[0]).parent)
    out = run("healthy-json", "agent-holds-real-key").stdout
    assert "healthy-json: policy awf: KEPT" in out
    assert "agent-holds-real-key: policy awf: BROKEN" in out


def test_the_result_is_left_beside_other_artifacts(tmp_path: Path) -> None:
    result = run("-o", str(tmp_path / "out"), KEYED)
    told = json.loads((tmp_path / "out" / "check.json").read_text())
    jsonschema.Draft202012Validator(check_schema()).validate(told)
    assert (result.exit_code, told["verdict"]) == (3, "broken")
    assert told["findings"][0]["where"] == ["e1", "e2"]


@pytest.mark.parametrize(
    "key", ["tKq7RmZ2xV9bLw4NcY8pHd3Fs", "0a1b2c3d-3060-565e-bb79-0123456789ab"]
)
def test_a_run_is_named_as_a_report_names_its_file(
    key: str, tmp_path: Path, reports: tuple[str, str]
) -> None:
    place, left = tmp_path / key, tmp_path / "left"
    place.mkdir()
    (place / "report.json").write_bytes((Path(reports[0]) / "report.json").read_bytes())
    (place / "capture.pcapng").write_bytes((Path(HEALTHY) / "capture.pcapng").read_bytes())
    for paths in ([place / "capture.pcapng"], [place / "report.json", *reports]):
        result = run("-o", str(left), *map(str, paths))
        said = result.stdout + result.stderr
        said += "".join(path.read_text() for path in left.iterdir())
        assert not any(part in said for part in key.split("-"))
    assert "report.json" in (left / "junit.xml").read_text()


def test_a_place_where_nothing_can_be_left_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    result = run("-o", str(tmp_path / "out" / "inner"), HEALTHY)
    assert (result.exit_code, result.stdout) == (1, "")
    assert str(tmp_path / "out") in result.stderr


def test_a_runner_is_told(tmp_path: Path) -> None:
    summary, output = tmp_path / "summary", tmp_path / "output"
    summary.touch()
    output.touch()
    result = run("--github-summary", str(summary), "--github-output", str(output), KEYED)
    assert result.exit_code == 3
    assert "verdict=broken" in output.read_text()
    assert "BROKEN" in summary.read_text()
    assert any(line.startswith("::error ") for line in result.stdout.splitlines())


def test_explain_reads_no_capture() -> None:
    result = run("--explain")
    assert result.exit_code == 0
    assert "placeholders only" in result.stdout


def test_a_policy_from_a_good_run(tmp_path: Path) -> None:
    made = run("--init", HEALTHY)
    policy = tmp_path / "policy.toml"
    policy.write_text(made.stdout)
    assert made.exit_code == 0
    assert run("--policy", str(policy), HEALTHY).exit_code == 0


def test_without_a_path_there_is_nothing_to_judge() -> None:
    result = run()
    assert result.exit_code == 2
    assert "PATH" in result.stderr


def test_a_mistake_in_the_policy_is_told_before_packets_are_read(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[[expect]]\nauth = []\n")
    result = run("--policy", str(policy), str(tmp_path / "no-such-capture.pcap"))
    assert result.exit_code == 2
    assert "empty list auth" in result.stderr


def test_a_policy_s_own_topology_and_headers_are_used(tmp_path: Path) -> None:
    (tmp_path / "network.toml").write_text(
        'agents = ["172.30.0.20"]\n[[provider]]\nname = "acme"\nport = 10001\n'
    )
    policy = tmp_path / "policy.toml"
    policy.write_text(
        'topology = "network.toml"\nauth_headers = ["content-type"]\nfail_on = "never"\n'
        '[[expect]]\nprovider = "acme"\nmin_calls = 1\nauth = ["x-api-key"]\n'
    )
    told = json.loads(run("--format", "json", "--policy", str(policy), HEALTHY).stdout)
    assert [remark["provider"] for remark in told["broken"]]
    assert {remark["provider"] for remark in told["broken"]} == {"acme"}
    assert any("content-type" in remark["found"].lower() for remark in told["broken"])


def test_it_says_of_the_network_what_holds_for_captures_beside_reports_too(
    tmp_path: Path, reports: tuple[str, str]
) -> None:
    (tmp_path / "network.toml").write_text('[[provider]]\nname = "acme"\nport = 10001\n')
    policy = tmp_path / "policy.toml"
    policy.write_text(
        'topology = "network.toml"\nauth_headers = ["content-type"]\nfail_on = "never"\n'
        '[[expect]]\nname = "acme"\nprovider = "acme"\nauth = ["x-api-key"]\n'
    )
    told = json.loads(run("--format", "json", "--policy", str(policy), reports[0], HEALTHY).stdout)
    report, captures = told["runs"]
    assert report["broken"] == []
    assert "content-type" in captures["broken"][0]["found"].lower()


def test_logs_are_witnesses_whose_absence_a_policy_can_refuse(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('fail_on = "never"\nrequire = ["logs"]\n')
    alone = tmp_path / "alone.pcapng"
    alone.write_bytes((Path(HEALTHY) / "capture.pcapng").read_bytes())
    wanted = "--policy", str(policy), "--format", "json"
    told = json.loads(run(*wanted, str(alone)).stdout)
    assert [remark["found"] for remark in told["broken"]] == ["no log was read"]
    for log in (("--squid-log", "access.log"), ("--proxy-log", "api-proxy.jsonl")):
        assert run(*wanted, log[0], f"{HEALTHY}/{log[1]}", str(alone)).exit_code == 0
