from __future__ import annotations

import stat
from pathlib import Path

from click.testing import CliRunner, Result

from inspector.cli.main import main
from tests.canary.plants import asked, request
from tests.canary.wire import Description, Talk, capture

KEY = b"LABONLY-of-no-known-shape"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["redact", *map(str, arguments)])


def source(folder: Path) -> Path:
    path = folder / "in.pcapng"
    path.write_bytes(capture([asked(b"X-Api-Key: " + KEY, b"X-Badge: " + KEY[:9])], Description()))
    return path


def test_it_says_what_was_masked_and_no_value(tmp_path: Path) -> None:
    target = tmp_path / "out.pcapng"
    done = run(source(tmp_path), target)
    assert done.exit_code == 0
    assert "2 of 10 packets changed; 1 credentials masked: x-api-key x1" in done.stderr
    assert KEY.decode() not in done.output
    assert KEY not in target.read_bytes()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_further_header_is_masked_when_told(tmp_path: Path) -> None:
    target = tmp_path / "out.pcapng"
    assert run("--auth-header", "x-badge", source(tmp_path), target).exit_code == 0
    assert b"LABONLY" not in target.read_bytes()


def test_a_value_that_nothing_grants_is_masked_and_kept_when_told(tmp_path: Path) -> None:
    target, kept = tmp_path / "out.pcapng", tmp_path / "kept.pcapng"
    assert run(source(tmp_path), target).exit_code == 0
    assert b"X-Badge: xx" in target.read_bytes()
    assert b"LABONLY-o" not in target.read_bytes()
    assert run("--keep-header", "X-Badge", source(tmp_path), kept).exit_code == 0
    assert b"X-Badge: LABONLY-o" in kept.read_bytes()


def test_an_existing_file_is_replaced_only_with_force(tmp_path: Path) -> None:
    target = tmp_path / "out.pcapng"
    target.write_text("mine")
    refused = run(source(tmp_path), target)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert target.read_text() == "mine"
    assert run("--force", source(tmp_path), target).exit_code == 0
    assert target.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"


def test_the_input_itself_is_never_written_over(tmp_path: Path) -> None:
    path = source(tmp_path)
    before = path.read_bytes()
    assert run("--force", path, path).exit_code == 2
    assert path.read_bytes() == before


def test_what_is_no_capture_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no capture")
    assert run(path, tmp_path / "out.pcapng").exit_code == 4
    assert [entry.name for entry in tmp_path.iterdir()] == ["text"]


def test_analyze_leaves_the_redacted_capture_among_its_results(tmp_path: Path) -> None:
    results = tmp_path / "results"
    done = CliRunner().invoke(main, ["analyze", "-o", str(results), str(source(tmp_path))])
    assert done.exit_code == 0, done.stderr
    data = (results / "capture.redacted.pcapng").read_bytes()
    assert b"X-Api-Key: xxxx" in data
    assert KEY not in data


def with_a_prompt(folder: Path) -> Path:
    path = folder / "in.pcapng"
    talk = Talk().up(request(body=b'{"prompt":"words of a person"}'))
    path.write_bytes(capture([talk], Description()))
    return path


def test_prompts_are_kept_only_when_told_and_that_is_said(tmp_path: Path) -> None:
    target = tmp_path / "out.pcapng"
    done = run(with_a_prompt(tmp_path), target)
    assert b'{"prompt":"xxxxxxxxxxxxxxxxx"}' in target.read_bytes()
    assert "--keep-bodies" not in done.stderr
    done = run("--keep-bodies", "--force", with_a_prompt(tmp_path), target)
    assert b"words of a person" in target.read_bytes()
    assert "holds prompts, answers and whatever the agent read" in done.stderr


def test_an_option_that_does_nothing_any_more_says_so(tmp_path: Path) -> None:
    target = tmp_path / "out.pcapng"
    done = run("--drop-bodies", with_a_prompt(tmp_path), target)
    assert done.exit_code == 0
    assert "--drop-bodies does nothing any more" in done.stderr
    assert b"person" not in target.read_bytes()
    done = run("--drop-bodies", "--keep-bodies", "--force", with_a_prompt(tmp_path), target)
    assert done.exit_code == 2
    assert "contradict" in done.stderr


ENCRYPTED = b"\x17\x03\x03\x00\x10" + b"LABONLY-secret.."


def tunnel(folder: Path) -> Path:
    path = folder / "tls.pcapng"
    talk = Talk().up(b"CONNECT lab.test:443 HTTP/1.1\r\n\r\n")
    talk.down(b"HTTP/1.1 200 Connection established\r\n\r\n")
    path.write_bytes(capture([talk.up(ENCRYPTED).down(ENCRYPTED)], Description()))
    return path


def test_what_is_encrypted_is_kept_only_when_told_and_then_it_is_said(tmp_path: Path) -> None:
    target, kept = tmp_path / "out.pcapng", tmp_path / "kept.pcapng"
    assert run(tunnel(tmp_path), target).exit_code == 0
    assert b"LABONLY" not in target.read_bytes()
    done = run("--keep-ciphertext", tunnel(tmp_path), kept)
    assert ENCRYPTED in kept.read_bytes()
    assert "whoever gets the session keys later reads real keys in it" in done.stderr


def test_analyze_leaves_a_copy_by_the_same_rule(tmp_path: Path) -> None:
    for options, kept in (([], False), (["--keep-ciphertext"], True)):
        left = tmp_path / f"left-{kept}"
        arguments = ["analyze", "--scope", "all", "-o", str(left), *options, str(tunnel(tmp_path))]
        assert CliRunner().invoke(main, arguments).exit_code == 0
        assert (ENCRYPTED in (left / "capture.redacted.pcapng").read_bytes()) is kept
