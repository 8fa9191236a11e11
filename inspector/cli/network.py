"""The options that say what network it is, shared by the commands that analyse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from inspector.cli.messages import say
from inspector.cli.parameters import Address, HeaderName, ServiceParameter, Subnet
from inspector.presets import PRESETS

#: Shorter keys can be guessed.
SHORT_KEY: Final = 16
#: Longer files were given by mistake, or never end.
LONGEST_KEY: Final = 64 << 10

FILE: Final = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


subnet_option: Final = click.option(
    "--subnet",
    type=Subnet(),
    metavar="CIDR",
    multiple=True,
    envvar="INSPECTOR_SUBNET",
    show_envvar=True,
    help="A bridge network. Default: 172.30.0.0/24.",
)

_OPTIONS: Final[tuple[Callable[[Any], Any], ...]] = (
    click.option(
        "--scope",
        envvar="INSPECTOR_SCOPE",
        show_envvar=True,
        type=click.Choice(["subnet", "all"]),
        help="Connections that touch the subnet, or every TCP connection. "
        "Default: subnet if the capture has traffic of it, else all.",
    ),
    subnet_option,
    click.option(
        "--agent",
        "agents",
        type=Address(),
        metavar="IP",
        multiple=True,
        envvar="INSPECTOR_AGENT",
        show_envvar=True,
        help="An agent's address.",
    ),
    click.option(
        "--api-proxy",
        "api_proxies",
        envvar="INSPECTOR_API_PROXY",
        show_envvar=True,
        type=Address(),
        metavar="IP",
        multiple=True,
        help="An address of the API proxy.",
    ),
    click.option(
        "--squid",
        "forward_proxies",
        envvar="INSPECTOR_SQUID",
        show_envvar=True,
        type=ServiceParameter(),
        metavar="IP[:PORT]",
        multiple=True,
        help="An address of the forward proxy.",
    ),
    click.option(
        "--preset",
        envvar="INSPECTOR_PRESET",
        show_envvar=True,
        type=click.Choice(list(PRESETS)),
        help="A network of another kind: its addresses, ports, and what it does without "
        "(docs/topology.md). Default: awf.",
    ),
    click.option(
        "--topology",
        "topology_file",
        envvar="INSPECTOR_TOPOLOGY",
        show_envvar=True,
        type=FILE,
        metavar="FILE",
        help="Roles, addresses and provider ports from a TOML file.",
    ),
    click.option(
        "--auth-header",
        "auth_headers",
        type=HeaderName(),
        metavar="NAME",
        multiple=True,
        help="A further header that carries a credential.",
    ),
    click.option(
        "--keep-header",
        "kept_headers",
        type=HeaderName(),
        metavar="NAME",
        multiple=True,
        help="A header whose value is shown as it is, but for keys in it. Default: its length "
        "and fingerprint, unless it is known and plain.",
    ),
    click.option(
        "--fingerprint-key",
        type=FILE,
        metavar="FILE",
        help="Key for the fingerprints of credentials, so that runs can be compared. "
        "Default: a new one for each run.",
    ),
)


def network_options(command: Any) -> Any:
    """Add --scope, --subnet, --agent and the others to a command, in that order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def key_bytes(path: Path | None) -> bytes | None:
    """The key in a file; an empty one is an error of usage."""
    if path is None:
        return None
    with path.open("rb") as file:
        key = file.read(LONGEST_KEY + 1)
    if len(key) > LONGEST_KEY:
        raise click.BadParameter(
            f"{click.format_filename(path)} is longer than {LONGEST_KEY} bytes: no key for "
            "fingerprints. 32 bytes are enough.",
            param_hint="--fingerprint-key",
        )
    if key and len(key) < SHORT_KEY:
        say(
            f"{click.format_filename(path)} has {len(key)} bytes: who guesses the key can try out"
            f" guesses of what a fingerprint stands for. {SHORT_KEY} random bytes or more are safe."
        )
    if not key:
        raise click.BadParameter(
            f"{click.format_filename(path)} is empty: fingerprints need a key.",
            param_hint="--fingerprint-key",
        )
    return key


def key_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--keylog` and `--no-decrypt`: whether TLS is read with its keys."""
    command = click.option(
        "--no-decrypt", is_flag=True, help="Read no TLS, whatever keys there are."
    )(command)
    return click.option(
        "--keylog",
        "key_logs",
        type=FILE,
        metavar="FILE",
        multiple=True,
        help="TLS secrets (SSLKEYLOGFILE's format) with which tunnels are read. Those embedded in"
        " a capture are used by themselves.",
    )(command)


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--squid-log` and `--proxy-log`: second witnesses; their lines tell their format."""
    for name, field, what in (
        (
            "--proxy-log",
            "proxy_logs",
            "The API proxy's log, or its token-usage.jsonl (JSON lines).",
        ),
        (
            "--squid-log",
            "squid_logs",
            "Squid's access log (native, the firewall's format, or JSON lines), or the firewall's"
            " policy-manifest.json.",
        ),
    ):
        command = click.option(
            name,
            field,
            type=FILE,
            metavar="FILE",
            multiple=True,
            help=f"{what} A directory's own logs are found by themselves.",
        )(command)
    return command
