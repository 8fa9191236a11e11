"""Each command that a page shows runs; what cannot here says why."""

from __future__ import annotations

import gzip
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner

from inspector.cli.main import COMMANDS, main
from tests.docs.pages import PAGES, ROOT, commands, text

#: What a command line begins with, or is -> why it is not run here.
NOT_RUN: Final = {
    "sudo inspector capture": "a live capture, as root: tests/live plays them",
    "sudo --preserve-env=GH_TOKEN env": "a live capture, as root: tests/live plays them",
    "sudo inspector watch": "a live capture, as root: tests/live plays them",
    "sudo inspector doctor": "asks the machine: tests/cli/test_doctor.py",
    "inspector verify": "asks tshark: tests/test_second_opinion.py",
    "tcpdump ": "captures: a pipe is read in tests/cli/test_streams.py",
    "head -c 32 /dev/urandom": "makes the key that the test makes",
    "pipx install .": "installs: the wheel is held in tests/test_wheel.py",
    "uv tool install .": "installs: the wheel is held in tests/test_wheel.py",
    "git checkout ": "asks for a release: the wheel is built twice in tests/test_wheel.py",
    ".venv/bin/python -m hatchling": "builds: the wheel is built twice in tests/test_wheel.py",
    "sha256sum ": "of wheels: they are built and compared in tests/test_wheel.py",
    "gh attestation": "asks GitHub of a release that is not there yet",
    "pypi-attestations": "asks an index of a release that is not there yet",
    "make ": "held to the Makefile below",
    ". .venv/bin/activate": "of the shell: tests/docs/test_follow.py",
}
#: Names that pages give to captures -> the golden capture that stands in their place.
CAPTURES: Final = {
    "bridge.pcapng": "h4-401-inside-tunnel",
    "capture.pcapng": "healthy-json",
    "anything.pcap": "healthy-json",
    "good.pcapng": "key-newline-fixed",
    "bad.pcapng": "key-newline",
    "before.pcapng": "healthy-json",
    "after.pcapng": "healthy-sse",
}
#: Exit codes of a command that did what it says: done, broken, not proven.
DID: Final = (0, 3, 5)
#: Clients that a page names -> those of the capture that stands in its place.
CLIENTS: Final = {"claude-cli": "Anthropic"}

SHOWN: Final = tuple(dict.fromkeys(commands()))


def plain(line: str) -> str:
    """A command without the search for the program, and without what its shell does first."""
    return line.replace('"$(command -v inspector)"', "inspector").partition("   # ")[0]


def why_not(line: str) -> str | None:
    return next((why for begins, why in NOT_RUN.items() if plain(line).startswith(begins)), None)


RUN: Final = [
    shown for shown in SHOWN if why_not(shown.line) is None and "[OPTIONS]" not in shown.line
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with all that the pages name; commands of one page build on each other."""
    place = tmp_path_factory.mktemp("pages")
    (place / "captures").symlink_to(ROOT / "captures")
    for name, golden in CAPTURES.items():
        shutil.copy(ROOT / "captures" / golden / "capture.pcapng", place / name)
    for name, golden in (("monday", "healthy-json"), ("tuesday", "issue-1527")):
        data = (ROOT / "captures" / golden / "capture.pcapng").read_bytes()
        (place / f"{name}.pcap.gz").write_bytes(gzip.compress(data))
    for log in ("access.log", "api-proxy.jsonl", "keys.log"):
        shutil.copy(ROOT / "captures" / "h4-401-inside-tunnel" / log, place / log)
    (place / "policy.toml").write_text('extends = "awf"\n')
    (place / "fingerprint.key").write_bytes(32 * b"k")
    (place / "summary").touch()
    return place


@pytest.mark.parametrize("shown", RUN, ids=lambda shown: shown.line)
def test_a_command_on_a_page_runs(
    shown: tuple[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    line = plain(shown[1]).partition(" | ")[0].removeprefix("sudo ")
    program, *arguments = shlex.split(re.sub(r'"\$GITHUB_[A-Z_]+"', "summary", line))
    assert program == "inspector", "say in NOT_RUN why it is not run"
    arguments = [CLIENTS.get(argument, argument) for argument in arguments]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code in DID, result.stderr


def test_what_is_not_run_is_there() -> None:
    lines = [plain(shown.line) for shown in SHOWN]
    for begins in NOT_RUN:
        assert any(line.startswith(begins) for line in lines), begins


@pytest.mark.parametrize(
    "line",
    sorted({plain(s.line) for s in SHOWN if s.line.startswith("sudo") and "inspector" in s.line}),
)
def test_a_command_for_root_has_the_options_that_it_names(line: str) -> None:
    name, *rest = shlex.split(line.partition(" inspector ")[2].replace("[OPTIONS]", ""))
    assert name in COMMANDS
    own = rest[: rest.index("--")] if "--" in rest else rest
    assert {each for each in own if each.startswith("-")} <= options_of(name)


def options_of(name: str) -> set[str]:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return {
        spelling
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for spelling in (*parameter.opts, *parameter.secondary_opts)
    }


#: Pages about other programs, or about this one's development.
OF_OTHERS: Final = ("docs/lab.md", "benchmarks/README.md", "captures/README.md", "CONTRIBUTING.md")
#: Options of other programs, and of the group of commands, that the other pages name.
FOREIGN: Final = {"--config", "--preserve-env", "--require-hashes", "--token", "--version"}


def named_options() -> Iterator[tuple[str, str]]:
    for page in sorted(set(PAGES) - set(OF_OTHERS)):
        for option in re.findall(r"`(--[a-z][a-z-]+)", text(page)):
            yield page, option


def test_every_option_that_a_page_names_is_one() -> None:
    known = set().union(*(options_of(name) for name in COMMANDS)) | FOREIGN
    assert {(page, option) for page, option in named_options() if option not in known} == set()


@pytest.mark.parametrize(
    "target", sorted({s.line.split()[1] for s in SHOWN if s.line.startswith("make ")})
)
def test_a_target_that_a_page_names_is_in_the_makefile(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
