"""What a run leaves besides its page: files, exit codes, and what a runner is told."""

from __future__ import annotations

import errno
import json
import os
import shlex
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from inspector import inspect
from inspector.cli.main import main
from inspector.cli.outcome import LEFT
from inspector.report.formats.whole import from_dict, stable_part

from .test_main import COMMAND, ROOT

DEMO = str(ROOT / "captures" / "issue-1527")
HEALTHY = str(ROOT / "captures" / "healthy-sse")
EXAMPLE = str(ROOT / "docs" / "example-report.json")
LOSSY = str(ROOT / "captures" / "lost-packets")

#: What a step of a workflow does: an agent fails, and the capture is looked at all the same.
STEP = """
set -u
sh -c 'echo "::error::the agent failed"; exit 7' || agent=$?
{sudo} {inspector} analyze {capture} -o {out} --fail-on error {options}
echo "inspector=$? agent=$agent"
exit $agent
"""


@pytest.fixture(autouse=True)
def no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may themselves run on a runner."""
    for name in list(os.environ):
        if name.startswith("GITHUB_"):
            monkeypatch.delenv(name)


def _run(*args: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, args, env=env)


def test_o_leaves_report_summary_and_redacted_capture_for_the_user_alone(tmp_path: Path) -> None:
    place = tmp_path / "results"
    result = _run("analyze", "-o", str(place), DEMO)
    assert result.exit_code == 0
    report = from_dict(json.loads((place / "report.json").read_bytes()))
    assert report.exchanges
    assert "sk-ant-placeholder" in (place / "summary.md").read_text()
    assert stable_part(inspect(place / "capture.redacted.pcapng")) == stable_part(report)
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (("--only", "exchanges.har"), {"exchanges.har"}),
        (("--only", "exchanges.har", "--only", "report.json"), {"exchanges.har", "report.json"}),
        (("--without", "capture.redacted.pcapng"), {*LEFT} - {"capture.redacted.pcapng"}),
        (("--only", "summary.md", "--without", "report.json"), {"summary.md"}),
    ],
)
def test_the_files_left_are_chosen_by_their_names(
    options: tuple[str, ...], left: set[str], tmp_path: Path
) -> None:
    place = tmp_path / "results"
    assert _run("analyze", "-o", str(place), *options, HEALTHY).exit_code == 0
    assert {path.name for path in place.iterdir()} == left


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--only", "summary.md"), "give -o DIR"),
        (("-o", "x", "--only", "summary.md", "--without", "summary.md"), "leave no file"),
        (("-o", "x", "--only", "summary"), "summary.md"),
    ],
)
def test_a_choice_that_leaves_nothing_is_a_usage_error(options: tuple[str, ...], said: str) -> None:
    result = _run("analyze", *options, HEALTHY)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not Path("x").exists()


def test_a_renderer_that_fails_costs_no_other_file_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("sk-ant-api03-MADEUPKEY")

    monkeypatch.setattr("inspector.report.formats.har.write_har", fails)
    place = tmp_path / "results"
    result = _run("analyze", "-o", str(place), HEALTHY)
    assert result.exit_code == 1
    assert "exchanges.har: ValueError" in result.stderr
    assert "MADEUPKEY" not in result.output
    assert {path.name for path in place.iterdir()} == {*LEFT} - {"exchanges.har"}
    assert result.stdout.startswith("inspector ")


def test_the_packets_left_hold_no_key_and_give_the_same_findings(tmp_path: Path) -> None:
    capture = ROOT / "captures" / "agent-holds-real-key"
    place = tmp_path / "results"
    assert _run("analyze", "--no-decrypt", "-o", str(place), str(capture)).exit_code == 0
    left = place / "capture.redacted.pcapng"
    assert b"LABONLY" in (capture / "capture.pcapng").read_bytes()
    assert b"LABONLY" not in left.read_bytes()
    plain = json.loads((place / "report.json").read_bytes())
    again = json.loads(_run("analyze", "--format", "json", str(left)).stdout)
    assert len(again["exchanges"]) == len(plain["exchanges"])
    assert [f["code"] for f in again["findings"]] == [f["code"] for f in plain["findings"]]


def test_what_was_read_inside_tls_is_in_no_copy_and_no_secret_is_left(tmp_path: Path) -> None:
    capture = ROOT / "captures" / "h4-401-inside-tunnel"
    place = tmp_path / "results"
    assert _run("analyze", "-o", str(place), str(capture)).exit_code == 0
    report = json.loads((place / "report.json").read_bytes())
    assert report["keys"]["key_logs"] == ["keys.log"]
    assert any(exchange["decrypted"] for exchange in report["exchanges"])
    secrets = [line.split()[-1] for line in (capture / "keys.log").read_text().splitlines()]
    for file in place.iterdir():
        data = file.read_bytes()
        assert b"LABONLY" not in data
        assert not any(
            secret.encode() in data or bytes.fromhex(secret) in data for secret in secrets
        )


def test_standard_input_leaves_its_copy_though_it_is_read_once(tmp_path: Path) -> None:
    place = tmp_path / "results"
    done = subprocess.run(
        [*COMMAND, "analyze", "-o", str(place), "-"],
        cwd=ROOT,
        input=(Path(DEMO) / "capture.pcapng").read_bytes(),
        capture_output=True,
        check=True,
    )
    assert b"read once" not in done.stderr
    report = from_dict(json.loads((place / "report.json").read_bytes()))
    assert stable_part(inspect(place / "capture.redacted.pcapng")) == stable_part(report)
    assert {path.name for path in place.iterdir()} == set(LEFT)


def test_the_files_are_left_though_nobody_reads_the_page(tmp_path: Path) -> None:
    place = tmp_path / "results"
    with subprocess.Popen(
        [*COMMAND, "analyze", "-v", "-o", str(place), DEMO],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.communicate()
    assert (place / "report.json").stat().st_size > 0


def test_nothing_to_analyse_leaves_a_report_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("dear diary")
    place = tmp_path / "results"
    result = _run("analyze", "-o", str(place), str(tmp_path / "notes.txt"))
    assert result.exit_code == 4
    assert "notes.txt" in (place / "report.json").read_text()


@pytest.mark.parametrize("command", [["analyze"], ["check"]])
def test_where_no_results_can_be_left_nothing_is_read(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "taken").write_text("")
    for place in (tmp_path / "taken", tmp_path / "taken" / "results"):
        result = _run(*command, "-o", str(place), "/absent/capture.pcap")
        assert result.exit_code in (1, 2)
        assert "absent" not in result.stderr
        assert result.stdout == ""


def test_a_disk_that_fills_later_does_not_keep_the_page_from_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("inspector.artifacts._write", full)
    result = _run("analyze", "-o", str(tmp_path / "results"), DEMO)
    assert result.exit_code == 1
    assert "SENT   claude-cli" in result.stdout
    assert "No space left on device" in result.stderr


def test_a_directory_with_its_own_results_is_read_as_it_was_without(tmp_path: Path) -> None:
    capture = tmp_path / "capture.pcapng"
    capture.write_bytes((ROOT / "captures" / "issue-1527" / "capture.pcapng").read_bytes())
    _run("analyze", "-o", str(tmp_path), str(tmp_path))
    assert (tmp_path / "capture.redacted.pcapng").exists()
    told = json.loads(_run("analyze", "--format", "json", str(tmp_path)).stdout)
    assert [each["name"] for each in told["captures"]] == [str(capture)]


def test_a_complete_capture_without_findings_passes_fail_on() -> None:
    assert _run("analyze", "--fail-on", "warning", HEALTHY).exit_code == 0


def test_a_capture_that_lacks_packets_cannot_prove_it_and_ends_with_5() -> None:
    result = _run("analyze", "--fail-on", "error", LOSSY)
    assert result.exit_code in (3, 5)
    checked = _run("check", "--fail-on", "error", LOSSY)
    assert checked.exit_code == 5
    assert "not proven" in checked.stdout


def test_check_takes_a_report_and_ends_with_3_for_its_findings() -> None:
    result = _run("check", EXAMPLE)
    assert result.exit_code == 3
    assert "policy awf: BROKEN" in result.stdout
    assert "real-key-on-agent-hop x1" in result.stdout


def test_check_keeps_a_healthy_run() -> None:
    result = _run("check", HEALTHY)
    assert (result.exit_code, result.stdout) == (0, "policy awf: KEPT\n")


def test_check_reads_a_policy_and_writes_json(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[expect]]\nprovider = "openai"\nstatuses = [404]\n')
    result = _run("check", "--policy", str(policy), "--format", "json", HEALTHY)
    told = json.loads(result.stdout)
    assert result.exit_code == told["exit_code"] == 3
    assert told["broken"] == [
        {
            "name": "",
            "level": "error",
            "provider": "openai",
            "expected": "status 404",
            "found": "status 200",
            "where": ["e4"],
        }
    ]


def test_a_policy_with_a_mistake_is_a_usage_error(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[[expect]]\nprovide = 1\n")
    result = _run("check", "--policy", str(policy), HEALTHY)
    assert result.exit_code == 2
    assert "provide" in result.stderr


def test_json_that_is_no_report_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    result = _run("check", str(path))
    assert result.exit_code == 1
    assert "x.json is no inspector report: $.captures is missing" in result.stderr


def _runner_files(tmp_path: Path) -> dict[str, str]:
    files = {}
    for variable in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        path = tmp_path / variable.lower()
        path.write_text("before\n")
        files[variable] = str(path)
    return files


def test_on_a_runner_summary_and_outputs_are_appended_without_being_asked(
    tmp_path: Path,
) -> None:
    env = {"GITHUB_ACTIONS": "true", **_runner_files(tmp_path)}
    result = _run("analyze", "-o", str(tmp_path / "out"), DEMO, env=env)
    assert result.exit_code == 0
    summary = Path(env["GITHUB_STEP_SUMMARY"]).read_text()
    assert summary.startswith("before\n\n###")
    lines = Path(env["GITHUB_OUTPUT"]).read_text().splitlines()
    assert lines[0] == "before"
    assert [line.partition("=")[0] for line in lines[1:]] == [
        "root-cause",
        "findings",
        "errors",
        "warnings",
        "notes",
        "failed-calls",
        "capture",
        "report-dir",
    ]
    assert lines[-1] == f"report-dir={tmp_path / 'out'}"


def test_a_summary_that_would_be_dropped_as_too_long_is_not_appended_whole(
    tmp_path: Path,
) -> None:
    env = {"GITHUB_ACTIONS": "true", **_runner_files(tmp_path)}
    path = Path(env["GITHUB_STEP_SUMMARY"])
    path.write_bytes(b"x" * ((1 << 20) - 300))
    _run("analyze", DEMO, env=env)
    assert path.stat().st_size < 1 << 20


def test_no_github_is_silent_on_a_runner(tmp_path: Path) -> None:
    env = {"GITHUB_ACTIONS": "true", **_runner_files(tmp_path)}
    _run("analyze", "--no-github", DEMO, env=env)
    assert Path(env["GITHUB_STEP_SUMMARY"]).read_text() == "before\n"


def test_what_sudo_dropped_is_said_with_the_remedy() -> None:
    result = _run("analyze", "--github", DEMO)
    assert result.exit_code == 0
    assert 'give --github-summary "$GITHUB_STEP_SUMMARY"' in result.stderr
    assert "sudo --preserve-env=GITHUB_OUTPUT" in result.stderr


def test_json_on_stdout_stays_json_on_a_runner(tmp_path: Path) -> None:
    env = {"GITHUB_ACTIONS": "true", **_runner_files(tmp_path)}
    result = _run("analyze", "--format", "json", DEMO, env=env)
    json.loads(result.stdout)


def test_a_step_with_a_failing_agent_under_a_reset_environment(tmp_path: Path) -> None:
    """As a runner does it: the environment of `sudo` has PATH, HOME, TERM, LANG and SUDO_* only."""
    files = _runner_files(tmp_path)
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    if os.geteuid() == 0:
        for path in files.values():
            os.chown(path, owner, owner)
    sudo = f"env -i PATH=/usr/bin:/bin HOME=/root SUDO_UID={owner} SUDO_GID={owner}"
    step = STEP.format(
        sudo=sudo,
        inspector=shlex.join(COMMAND),
        capture=DEMO,
        out=tmp_path / "out",
        options='--github-summary "$GITHUB_STEP_SUMMARY" --github-output "$GITHUB_OUTPUT"',
    )
    done = subprocess.run(
        ["bash", "-c", step],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "GITHUB_ACTIONS": "true", **files},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7, "the agent's own failure is the step's"
    assert "agent=7" in done.stdout
    assert Path(files["GITHUB_STEP_SUMMARY"]).read_text().startswith("before\n\n###")
    assert f"report-dir={tmp_path / 'out'}\n" in Path(files["GITHUB_OUTPUT"]).read_text()
    report = from_dict(json.loads((tmp_path / "out" / "report.json").read_bytes()))
    commands = [line for line in done.stdout.splitlines() if line.startswith("::")]
    annotated = (report.root_cause is not None) + sum(
        report.root_cause is None or finding.code != report.root_cause.code
        for finding in report.findings
    )
    assert commands[0] == "::error::the agent failed"
    assert len(commands) - 1 == min(10, annotated)
    assert {path.stat().st_uid for path in (tmp_path / "out").iterdir()} == {owner}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has more rights than the runner's user")
def test_root_does_not_append_to_a_file_that_is_not_the_invoking_users(tmp_path: Path) -> None:
    path = tmp_path / "shadow"
    path.write_text("root's\n")
    env = {"SUDO_UID": "65534", "SUDO_GID": "65534"}
    result = _run("analyze", "--github-summary", str(path), DEMO, env=env)
    assert path.read_text() == "root's\n"
    assert "cannot be written: Operation not permitted" in result.stderr
