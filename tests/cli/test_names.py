"""Names of files and of what a policy says pass a door of their own: none shows a key."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from inspector.cli.main import main
from inspector.errors import NOT_SHOWN, plain_parts
from tests.canary.plants import asked
from tests.canary.wire import Description, capture

#: No shape and no position tells them; each with letters of its own.
KEYS = {
    name: f"{name}QzWkLpRvTnBxMcGdHsYjFqXwZrKtPbNvLmQs"
    for name in ("CAPTURE", "LOG", "POLICY", "TOPOLOGY", "EXPECT", "REASON", "INTERFACE", "FILTER")
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("named")
    about = Description(interface_name=KEYS["INTERFACE"], interface_filter=KEYS["FILTER"])
    (made / f"{KEYS['CAPTURE']}.pcapng").write_bytes(
        capture([asked(b"x-api-key: LABONLY77f123")], about)
    )
    (made / f"{KEYS['LOG']}.log").write_text(
        "1770026400.1 172.30.0.20:20000 api.lab.test:443 -:- 1.1 CONNECT 403"
        ' TCP_DENIED:HIER_NONE api.lab.test:443 "-"\n'
    )
    (made / f"{KEYS['TOPOLOGY']}.toml").touch()
    (made / f"{KEYS['POLICY']}.toml").write_text(
        f"""topology = "{KEYS["TOPOLOGY"]}.toml"
[[expect]]
name = "{KEYS["EXPECT"]}"
min_calls = 5
[[ignore]]
expectation = "{KEYS["EXPECT"]}"
reason = "{KEYS["REASON"]}"
until = 2999-01-01
"""
    )
    return made


@pytest.mark.parametrize(
    "words",
    [
        "analyze -vv --scope all {CAPTURE}.pcapng",
        "analyze --format json --scope all --squid-log {LOG}.log {CAPTURE}.pcapng",
        "analyze --topology {TOPOLOGY}.toml -o left --scope all {CAPTURE}.pcapng",
        "check --policy {POLICY}.toml {CAPTURE}.pcapng",
        "check --format json --policy {POLICY}.toml {CAPTURE}.pcapng",
        "check --explain --policy {POLICY}.toml",
        "compare {CAPTURE}.pcapng {CAPTURE}.pcapng",
        "redact --force {CAPTURE}.pcapng shared.pcapng",
    ],
)
def test_no_name_is_shown_that_may_be_a_key(
    words: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(main, words.format_map(KEYS).split())
    assert done.exit_code in (0, 5), done.output
    left = [*(folder / "left").glob("*"), *folder.glob("shared.pcapng")]
    outputs = [done.stdout_bytes, done.stderr_bytes, *(path.read_bytes() for path in left)]
    assert any(outputs)
    for key in KEYS.values():
        assert not any(key[:12].encode() in output for output in outputs), key[:8]


@pytest.mark.parametrize(
    "name",
    ["/tmp/run-12/capture.pcapng", "awf-run_2026-11-28.pcap", "captures/upstream-403", "-", ""],
)
def test_a_plain_name_stays(name: str) -> None:
    assert plain_parts(name) == name


def test_of_another_the_plain_parts_stay() -> None:
    assert plain_parts("/runs/aB3dE6gH9jK2mN5p/c.pcap") == f"/runs/{NOT_SHOWN}/c.pcap"
    uuid = "1b2c3d4e-aaaa-4bbb-8ccc-1234567890ab"
    assert uuid[:8] not in plain_parts(f"run-{uuid}.pcap")
