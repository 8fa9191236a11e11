"""Nothing that was typed is said again, in any option of any command, if it may be a key."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from inspector.cli.main import COMMANDS, main
from inspector.errors import is_plain_word
from tests.canary.wire import Description, capture
from tests.leaks.cases import pair
from tests.leaks.views import is_leaked

K = pair("a command line", "unshaped")[0].text.decode()
A = pair("a command line", "anthropic")[0].text.decode()
PASSWORD = "hunter22-Robin7"

#: What somebody may type where a value is wanted: (text, its secret).
TYPED = {
    "key": (K, K),
    "shaped key": (A, A),
    "header line without a shape": (f"Authorization: Bearer {K}", K),
    "proxy": (f"http://robin:{PASSWORD}@lab.test:3128", PASSWORD),
    "service": (f"172.30.0.10:{K}", K),
    "assignment": (f"ANTHROPIC_API_KEY={K}", K),
    "uuid": ("4f0c9a31-b2de-77aa-9c1b-0d5e8f7a6b2c", "4f0c9a31-b2de-77aa-9c1b-0d5e8f7a6b2c"),
    "hex": ("9f420cf152a302083762c7f9a5a9986c", "9f420cf152a302083762c7f9a5a9986c"),
}
#: They need the kernel, or would wait.
LIVE = {"capture", "watch", "doctor"}


def options() -> Iterator[tuple[str, str]]:
    for name, module in sorted(COMMANDS.items()):
        command: click.Command = getattr(import_module(module), name)
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not (parameter.is_flag or parameter.count):
                yield name, parameter.opts[0]


def said(*words: str | Path) -> bytes:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code in (1, 2, 4), done.output
    return done.stdout_bytes + done.stderr_bytes


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.pcapng"
    path.write_bytes(capture([], Description()))
    return path


@pytest.mark.parametrize("what", TYPED)
@pytest.mark.parametrize(("command", "option"), list(options()))
def test_a_value_that_may_be_a_key_is_not_said_again(
    command: str,
    option: str,
    what: str,
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    text, secret = TYPED[what]
    for words in ([option, text], [f"{option}={text}"]):
        if option.startswith("--") or len(words) == 2:
            # --no-such-option ends every run before it begins.
            done = CliRunner().invoke(main, [command, *words, "--no-such-option"])
            assert done.exit_code == 2
            assert not is_leaked([secret.encode()], done.stdout_bytes + done.stderr_bytes)
            if command not in LIVE:
                done = CliRunner().invoke(main, [command, *words, str(sample)])
                assert not is_leaked([secret.encode()], done.stderr_bytes)


@pytest.mark.parametrize("what", TYPED)
@pytest.mark.parametrize("command", sorted({*COMMANDS, "no-such-command"} - LIVE))
def test_nor_is_a_word_in_the_place_of_a_file_an_option_or_a_command(
    command: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text, secret = TYPED[what]
    for words in ([command, text], [command, f"--{text}"], [text], ["-vv", command, text, text]):
        assert not is_leaked([secret.encode()], said(*words))


@pytest.mark.parametrize("what", TYPED)
@pytest.mark.parametrize(
    "form",
    ['subnet = "%s"', 'agents = ["%s"]', 'forward_proxies = ["%s"]', '"%s" = 1', '[ports]\n"%s"=1'],
)
def test_nor_is_a_word_of_a_topology_file(
    form: str, what: str, sample: Path, tmp_path: Path
) -> None:
    text, secret = TYPED[what]
    file = tmp_path / "topology.toml"
    file.write_text(form % text)
    output = said("analyze", "--topology", file, sample)
    assert not is_leaked([secret.encode()], output)
    assert b"topology" in output or b"network" in output or b"address" in output


@pytest.mark.parametrize("what", TYPED)
@pytest.mark.parametrize(
    "form", ['"%s" = 1', '[[expect]]\n"%s" = 1', '[[ignore]]\ncode = "%s"', '[[expect]]\nauth="%s"']
)
def test_nor_is_a_word_of_a_policy(form: str, what: str, sample: Path, tmp_path: Path) -> None:
    text, secret = TYPED[what]
    file = tmp_path / "policy.toml"
    file.write_text(form % text)
    assert not is_leaked([secret.encode()], said("check", "--policy", file, sample))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("analyze", "absent-capture.pcapng"), b"absent-capture.pcapng"),
        (("analyze", "--agent", "172.30.0.999", "x"), b"172.30.0.999"),
        (("analyze", "--squid", "172.30.0.10:99999", "x"), b"99999"),
        (("analyze", "--scope", "everything", "x"), b"everything"),
        (("analyse", "x"), b"analyse"),
        (("analyze", "--subnetz", "x"), b"--subnetz"),
    ],
)
def test_a_plain_word_is_said_so_that_the_mistake_is_seen(
    words: tuple[str, ...], shown: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown in said(*words)


def test_what_is_wanted_is_said_instead(sample: Path) -> None:
    output = said("analyze", "--auth-header", f"X-Api-Key: {A}", sample)
    assert b"--auth-header" in output
    assert b"the name alone" in output


@pytest.mark.parametrize(
    "word", ["capture.pcapng", "run-2026-02-02", "172.30.0.10", "fd00::10", "br-4f0c9a31b2de",
             "capture-20260202T101500Z.pcapng", "anthropic", "X-Api-Key", "issue-1527"]
)  # fmt: skip
def test_names_addresses_and_times_are_plain(word: str) -> None:
    assert is_plain_word(word)
