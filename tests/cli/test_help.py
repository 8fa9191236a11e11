"""How the commands explain themselves: help, groups, examples, and words that are no command."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from inspector.cli.help import CHAPTERS, EXAMPLES, GROUPS, option_groups
from inspector.cli.main import COMMANDS, main
from inspector.errors import ExitCode
from tests.cli.test_main import ROOT

CONTEXT = click.Context(main, info_name="inspector")


def said(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def command(name: str) -> click.Command:
    found = main.get_command(CONTEXT, name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_h_and_help_say_the_same_of_a_command(name: str) -> None:
    assert said(name, "-h") == said(name, "--help") == said("help", name)


def test_h_and_help_say_the_same_of_the_program() -> None:
    assert said("-h") == said("--help") == said("help")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_examples_in_its_help_and_a_chapter(name: str) -> None:
    text = said(name, "-h")
    assert EXAMPLES[name]
    for line, what in EXAMPLES[name]:
        assert f"# {what}\n" in text
        assert f"{line}\n" in text
    assert sum(name in chapter for chapter in CHAPTERS.values()) == 1


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_an_example_has_options_that_the_command_has(name: str) -> None:
    known = {
        spelling for option in command(name).params for spelling in (*option.opts, "-h", "--help")
    }
    for line, _ in EXAMPLES[name]:
        own = line.partition(f"inspector {name}")[2].partition(" -- ")[0].partition(" | ")[0]
        assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", own)) <= known, line


@pytest.mark.parametrize("name", ["analyze", "capture"])
def test_a_long_list_of_options_is_in_groups(name: str) -> None:
    titles = [title for title, _ in option_groups(command(name), CONTEXT)]
    assert titles[0] == "Options"
    assert {"The network", "What may be seen", "What is left"} <= set(titles)
    text = said(name, "-h")
    assert [text.index(f"\n{title}:\n") for title in titles] == sorted(
        text.index(f"\n{title}:\n") for title in titles
    )


def test_an_option_is_in_one_group_alone() -> None:
    names = [name for group in GROUPS.values() for name in group]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("arguments", [("-h",), ("analyze", "-h")])
def test_exit_codes_are_a_table(arguments: tuple[str, ...]) -> None:
    text = said(*arguments).partition("Exit codes:\n")[2]
    assert [int(code) for code in re.findall(r"^  (\d+)", text, re.MULTILINE)] == list(ExitCode)


def test_no_first_sentence_is_cut_in_the_list_of_commands() -> None:
    assert "..." not in said("-h").partition("Look at a capture:")[2]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("anaylze", "Did you mean analyze?"),
        ("analyse", "Did you mean analyze?"),
        ("wacth", "Did you mean watch?"),
        ("bridge.pcapng", "To read a capture: inspector analyze bridge.pcapng"),
        ("monday.pcap.gz", "To read a capture: inspector analyze monday.pcap.gz"),
        (str(ROOT / "captures"), f"To read a capture: inspector analyze {ROOT / 'captures'}"),
        ("zzzz", "inspector help lists the commands."),
    ],
)
def test_a_word_that_is_no_command_is_answered_with_what_was_meant(word: str, meant: str) -> None:
    for arguments in ((word,), ("help", word)):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == ExitCode.USAGE
        assert meant in result.stderr


def test_a_hostile_word_is_no_workflow_command_and_moves_no_cursor() -> None:
    result = CliRunner().invoke(main, ["::error::\x1b[2J.pcap"])
    assert result.exit_code == ExitCode.USAGE
    assert "\x1b" not in result.stderr
    assert not re.search(r"^\s*::", result.stderr, re.MULTILINE)


def test_version_with_v_names_what_it_runs_on() -> None:
    assert re.fullmatch(r"inspector \S+\n", said("--version"))
    for arguments in (("--version", "-v"), ("-v", "--version")):
        names = [line.split()[0] for line in said(*arguments).splitlines()]
        assert names[:5] == ["inspector", "core:", "report", "CPython", "Linux"]
