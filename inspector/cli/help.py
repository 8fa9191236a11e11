"""How commands explain themselves: options in groups, examples, exit codes; and `inspector help`.

All of it is in tables.  A new command takes a row in `COMMANDS` (`cli/main.py`) and one in
`EXAMPLES`; an option that belongs to a group takes its name there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import click

from inspector.errors import ExitCode

#: Title of a group of options -> the longest spelling of each; what is in none is under "Options".
GROUPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "The network": (
        "--scope", "--subnet", "--agent", "--api-proxy", "--squid", "--topology",
    ),
    "Live": (
        "--interface", "--netns", "--wait", "--full", "--user", "--duration", "--max-size",
        "--ready-file", "--pid-file",
    ),
    "Logs and keys": ("--squid-log", "--proxy-log", "--keylog", "--no-decrypt"),
    "Which exchanges": (
        "--only-client", "--provider", "--failed", "--status", "--since", "--until", "--exchange",
        "--limit",
    ),
    "What may be seen": (
        "--auth-header", "--keep-header", "--fingerprint-key", "--keep-bodies", "--drop-bodies",
        "--keep-ciphertext", "--raw",
    ),
    "What is left": (
        "--output", "--only", "--without", "--write", "--rotate", "--extract", "--force", "--label",
    ),
    "On GitHub Actions": ("--github", "--github-summary", "--github-output"),
})  # fmt: skip

#: Command -> command lines to begin with, each with what it does.
EXAMPLES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = MappingProxyType({
    "analyze": (
        ("inspector analyze bridge.pcapng", "the cause, who sent what, which tunnels"),
        ("inspector analyze -o results bridge.pcapng", "leave report, summary and a clean capture"),
        ("inspector analyze --format json bridge.pcapng | jq .root_cause", "for a program"),
    ),
    "capture": (
        ("sudo inspector capture -o results -- ./run-agent.sh", "while an agent runs"),
        ("sudo inspector capture --duration 60s -w bridge.pcapng", "for a minute, into a file"),
    ),
    "check": (
        ("inspector check bridge.pcapng", "by the firewall's own promise"),
        ("inspector check --policy policy.toml results/report.json", "by a policy of your own"),
    ),
    "compare": (
        ("inspector compare good.pcapng bad.pcapng", "what changed between two runs"),
        ("inspector compare bridge.pcapng --client claude-cli --client curl", "two clients of one"),
    ),
    "completion": (
        ('eval "$(inspector completion bash)"', "bash, in ~/.bashrc"),
        ("inspector completion zsh > ~/.zfunc/_inspector", "zsh; ~/.zfunc in fpath"),
        ("inspector completion fish > ~/.config/fish/completions/inspector.fish", "fish"),
    ),
    "doctor": (("sudo inspector doctor", "what a live capture would have here"),),
    "explain": (
        ("inspector explain", "all codes"),
        ("inspector explain proxy-died", "one of them"),
    ),
    "fleet": (
        ("inspector fleet -o tables runs/", "read every run below a folder"),
        ("inspector fleet -o tables --group-by client", "what the tables say, by client"),
    ),
    "help": (("inspector help capture", "as inspector capture --help"),),
    "redact": (("inspector redact bridge.pcapng shared.pcapng", "a copy that can be shared"),),
    "schema": (("inspector schema check", "of check --format json"),),
    "show": (
        ("inspector show bridge.pcapng e1", "one exchange in full"),
        ("inspector show results/report.json t1", "a tunnel of a report"),
        ("inspector show --extract e1.pcapng bridge.pcapng e1", "its packets alone, masked"),
    ),
    "verify": (("inspector verify bridge.pcapng", "what tshark reads otherwise"),),
    "watch": (
        ("sudo inspector watch", "until q or Ctrl-C"),
        ("sudo inspector watch -i fw-bridge --format jsonl", "for a program"),
    ),
})  # fmt: skip

#: What `inspector` alone shows, by what one wants.
CHAPTERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Look at a capture": ("analyze", "show", "compare", "fleet", "verify"),
        "Capture": ("capture", "watch", "doctor"),
        "Judge and share": ("check", "redact"),
        "Look things up": ("explain", "schema", "completion", "help"),
    }
)

#: A first sentence of a command is never cut.
_WHOLE: Final = 200


class Described(click.Command):
    """A command whose help has its options in groups, examples and the exit codes."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        from inspector.cli.screen import color_option

        self.params.append(color_option())

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        return ["-h", "--help"]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each group under its title, the command's own first."""
        for title, options in option_groups(self, ctx):
            with formatter.section(title):
                records = (option.get_help_record(ctx) for option in options)
                formatter.write_dl([record for record in records if record is not None])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, and what the exit codes say."""
        examples = EXAMPLES.get(ctx.info_name or "", ())
        if examples:
            with formatter.section("Examples"):
                for line, what in examples:
                    formatter.write(f"{'':{formatter.current_indent}}# {what}\n")
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")
        exit_codes(formatter)


def option_groups(
    command: click.Command, ctx: click.Context
) -> list[tuple[str, list[click.Option]]]:
    """Titles with the options that stand under them."""
    titled: dict[str, list[click.Option]] = {"Options": [], **{title: [] for title in GROUPS}}
    of = {name: title for title, names in GROUPS.items() for name in names}
    for parameter in command.get_params(ctx):
        if isinstance(parameter, click.Option) and not parameter.hidden:
            titled[of.get(max(parameter.opts, key=len), "Options")].append(parameter)
    return [(title, options) for title, options in titled.items() if options]


def exit_codes(formatter: click.HelpFormatter) -> None:
    """The table of exit codes."""
    with formatter.section("Exit codes"):
        formatter.write_dl([(str(int(code)), code.meaning) for code in ExitCode])


def chapters(group: click.Group, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """All commands with their first sentences whole, in `CHAPTERS`; others under "More"."""
    names = group.list_commands(ctx)
    placed = {name for chapter in CHAPTERS.values() for name in chapter}
    more = tuple(name for name in names if name not in placed)
    width = max(map(len, names))
    for title, listed in (*CHAPTERS.items(), ("More", more)):
        there = [name for name in listed if name in names]
        rows = [(name.ljust(width), _sentence(group, ctx, name)) for name in there]
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _sentence(group: click.Group, ctx: click.Context, name: str) -> str:
    command = group.get_command(ctx, name)
    return "" if command is None else command.get_short_help_str(_WHOLE)


def _commands(ctx: click.Context, _: click.Parameter, begun: str) -> list[str]:
    group = ctx.find_root().command
    names = group.list_commands(ctx) if isinstance(group, click.Group) else []
    return [name for name in names if name.startswith(begun)]


@click.command("help", cls=Described)
@click.argument("command", required=False, metavar="[COMMAND]", shell_complete=_commands)
@click.pass_context
def help(ctx: click.Context, command: str | None) -> None:
    """Show the help of COMMAND, or of inspector itself."""
    parent = ctx.find_root()
    group = parent.command
    assert isinstance(group, click.Group)
    if command is None:
        click.echo(parent.get_help())
        return
    name, found, _ = group.resolve_command(parent, [command])
    assert found is not None  # what is none has ended the run
    with found.make_context(name, [], parent=parent, resilient_parsing=True) as asked:
        click.echo(found.get_help(asked))


def commands_near(name: str, names: Sequence[str]) -> str:
    """What a word that is no command may have been meant as, as a sentence."""
    from difflib import get_close_matches

    near = get_close_matches(name, names, n=2, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    if _is_capture(name):
        return f"To read a capture: inspector analyze {name}"
    return "inspector help lists the commands."


def _is_capture(word: str) -> bool:
    """Whether a word names a file, or looks like the name of one."""
    from pathlib import Path

    suffixes = (".pcap", ".pcapng", ".cap", ".gz", ".zst", ".json")
    try:
        return word == "-" or word.endswith(suffixes) or Path(word).exists()
    except (OSError, ValueError):
        return False
