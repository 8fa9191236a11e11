"""Which run a report is of: digests, labels, options, key and build; and no key in any of them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from inspector.build import build_of, this_build
from inspector.capture_files import inspect
from inspector.cli.main import main
from inspector.model.provenance import VERSION
from inspector.options import Options
from inspector.pcap.digest import StreamDigest
from inspector.provenance import key_id
from inspector.report.formats.whole import as_json

ROOT: Final = Path(__file__).parent.parent
CAPTURES: Final = ROOT / "captures"
CAPTURE: Final = CAPTURES / "agent-holds-real-key" / "capture.pcapng"
KEY: Final = "sk-ant-api03-LABONLY" + 73 * "x" + "AA"
SHA: Final = "9f1c3b7e5a2d4860f1e2d3c4b5a69788796a5b4c"


def told(*arguments: str, env: dict[str, str] | None = None) -> Any:
    command = ["analyze", "--format", "json", *arguments]
    result = CliRunner(env=env).invoke(main, command)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# -- digests -----------------------------------------------------------------------------------


def test_each_file_has_its_digest_compressed_as_it_lies(tmp_path: Path) -> None:
    data = CAPTURE.read_bytes()
    packed = tmp_path / "capture.pcapng.gz"
    packed.write_bytes(gzip.compress(data))
    report = inspect(CAPTURE, packed)
    assert [each.sha256 for each in report.captures] == [digest(data), digest(packed.read_bytes())]


def test_standard_input_has_one_too() -> None:
    data = CAPTURE.read_bytes()
    run = subprocess.run(
        [sys.executable, "-m", "inspector", "analyze", "--format", "json", "-"],
        input=data, capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(run.stdout)["captures"][0]["sha256"] == digest(data)


@pytest.mark.parametrize("what", ["a block that lies", "bytes behind gzip"])
def test_what_is_not_read_of_a_file_is_in_its_digest(tmp_path: Path, what: str) -> None:
    data = CAPTURE.read_bytes()
    data = data[:400] + b"\xff" * 400 + data[800:] if "lies" in what else gzip.compress(data)
    path = tmp_path / "capture"
    path.write_bytes(data + 300_000 * b"z")
    (capture,) = inspect(path).captures
    assert capture.sha256 == digest(path.read_bytes())
    assert capture.bytes == path.stat().st_size


def test_a_large_file_is_hashed_beside_its_reading() -> None:
    made = StreamDigest()
    pieces = [bytes([number]) * (1 << 17) for number in range(80)]
    for piece in pieces:
        made.update(piece)
    assert made.hexdigest() == digest(b"".join(pieces))
    made.close()
    assert made.hexdigest() == digest(b"".join(pieces))


def test_a_file_that_cannot_be_read_to_its_end_has_none() -> None:
    from inspector.pcap.source import ByteSource

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

        read1 = read

    source = ByteSource(Broken(), hashed=True)
    assert source.read() == b""
    assert source.sha256 is None


# -- options and labels ------------------------------------------------------------------------


def test_the_options_of_the_run_are_in_its_report(tmp_path: Path) -> None:
    network = tmp_path / "network.toml"
    network.write_text('agents = ["172.30.0.20"]\n')
    options = told(
        "--scope", "all", "--agent", "172.30.0.21", "--topology", str(network),
        "--auth-header", "x-key", "--keep-header", "server", str(CAPTURE),
    )["provenance"]["options"]  # fmt: skip
    assert options == {
        "scope": "all", "subnet": None, "subnets": [], "agents": ["172.30.0.21"], "api_proxies": [],
        "forward_proxies": [], "topology_file": "network.toml", "auth_headers": ["x-key"],
        "kept_headers": ["server"], "decrypts": True, "preset": None,
    }  # fmt: skip


def test_a_runner_gives_labels_by_itself_and_told_ones_go_before() -> None:
    env = {
        "GITHUB_REPOSITORY": "acme/gh-x9y8", "GITHUB_RUN_ID": "17098241573",
        "GITHUB_RUN_ATTEMPT": "2", "GITHUB_SHA": SHA,
    }  # fmt: skip
    labels = told("--label", "run_attempt=3", "--label", "team=payments", str(CAPTURE), env=env)
    assert labels["provenance"]["labels"] == {
        "repository": "acme/gh-x9y8", "run_attempt": "3", "run_id": "17098241573", "sha": SHA,
        "team": "payments",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["team", "repository", "sha", "run_id"])
@pytest.mark.parametrize("key", [KEY, SHA.upper() + "ff", "Zq8vKp2Xw7Lm3Rt9Yb4N"])
def test_a_key_is_shown_in_no_label(name: str, key: str) -> None:
    report = told("--label", f"{name}={key}", str(CAPTURE))
    assert key not in json.dumps(report)
    assert report["provenance"]["labels"][name].startswith("<")


def test_a_key_that_the_capture_shows_is_no_label_though_its_grammar_fits(tmp_path: Path) -> None:
    from tests.exchanges.network import Network, request, response, say

    net = Network()
    say(net.to_api_proxy(), request("GET / HTTP/1.1", f"x-api-key: {SHA}"), response()).close()
    report = net.report(Options(labels={"sha": SHA}))
    assert SHA.encode() not in as_json(report)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("team", "written NAME=VALUE"),
        ("Team=a", "written NAME=VALUE"),
        ("team=", "is empty"),
        ("team=" + 201 * "a", "longer than 200 characters"),
        ("team=a\x1b[2J", "not printable"),
    ],
)
def test_what_is_no_label_is_a_usage_error(label: str, said: str) -> None:
    result = CliRunner().invoke(main, ["analyze", "--label", label, str(CAPTURE)])
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_one_name_has_one_value() -> None:
    both = ["--label", "team=a", "--label", "team=b"]
    result = CliRunner().invoke(main, ["analyze", *both, str(CAPTURE)])
    assert result.exit_code == 2
    assert "team is given twice" in result.stderr


# -- the key's id ------------------------------------------------------------------------------


def test_equal_keys_have_equal_ids_and_one_is_no_fingerprint_of_anything() -> None:
    one, again, other = (
        inspect(CAPTURE, options=Options(fingerprint_key=key)) for key in (b"a", b"a", b"b")
    )
    assert as_json(one) == as_json(again)
    assert one.provenance is not None
    assert other.provenance is not None
    assert one.provenance.fingerprint_key == key_id(b"a") != other.provenance.fingerprint_key
    fingerprints = {h.credential.fingerprint for c in one.clients for h in c.auth_headers}
    assert one.provenance.fingerprint_key not in fingerprints


def test_without_a_key_file_each_run_has_a_key_of_its_own() -> None:
    ids = [told(str(CAPTURE))["provenance"]["fingerprint_key"] for _ in range(2)]
    assert ids[0] != ids[1]


# -- witnesses, build --------------------------------------------------------------------------


def test_every_line_of_a_log_names_its_file() -> None:
    witnesses = inspect(CAPTURES / "healthy-json").witnesses
    assert witnesses is not None
    assert {(line.witness, line.file) for line in witnesses.joined} == {
        ("forward-proxy", "access.log"),
        ("api-proxy", "api-proxy.jsonl"),
    }


def installed(home: Path, record: str) -> Path:
    """A place with what pip leaves there of a wheel."""
    folder = home / f"agent_traffic_inspector-{VERSION}.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "RECORD").write_text(record)
    return home


def test_a_wheel_is_told_by_what_was_installed(tmp_path: Path) -> None:
    line = "inspector/a.py,sha256=abc,12\n"
    noise = "inspector/__pycache__/a.pyc,,\nother/x.py,sha256=q,1\nbin/inspector,sha256=z,9\n"
    one = build_of(installed(tmp_path, line))
    assert one == f"wheel-{digest(line.strip().encode())[:12]}"
    assert build_of(installed(tmp_path, noise + line)) == one
    assert build_of(installed(tmp_path, line.replace("abc", "abd"))) != one


def test_a_checkout_is_told_by_its_commit_in_a_work_tree_too(tmp_path: Path) -> None:
    home, tree = tmp_path / "home", tmp_path / "tree"

    def git(*arguments: str, at: Path = home) -> str:
        who = ["-c", "user.name=lab", "-c", "user.email=lab@lab.test"]
        command = ["git", *who, *arguments]
        return subprocess.run(
            command, cwd=at, check=True, capture_output=True, text=True
        ).stdout.strip()

    home.mkdir()
    git("init", "-q", "-b", "main")
    assert build_of(home) is None
    git("commit", "-q", "--allow-empty", "-m", "first")
    first = git("rev-parse", "HEAD")
    assert build_of(home) == f"git-{first[:12]}"
    git("worktree", "add", "-q", "-b", "side", str(tree))
    git("commit", "-q", "--allow-empty", "-m", "second", at=tree)
    assert build_of(tree) == f"git-{git('rev-parse', 'HEAD', at=tree)[:12]}"
    git("pack-refs", "--all")
    assert build_of(home) == f"git-{first[:12]}"
    git("checkout", "-q", "--detach")
    assert build_of(home) == f"git-{first[:12]}"


def test_the_version_is_the_one_that_is_packaged() -> None:
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert packaged["project"]["version"] == VERSION


def test_a_report_names_the_build_that_wrote_it() -> None:
    assert inspect(CAPTURE).tool.build == this_build()


def test_what_is_in_no_place_for_a_key_stays_out_of_a_stable_part() -> None:
    from inspector.report.formats.whole import stable_part

    report = inspect(CAPTURE)
    assert stable_part(report) == stable_part(replace(report, provenance=None))
