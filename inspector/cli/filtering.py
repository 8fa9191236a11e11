"""The options that show some of a report's calls alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from inspector.cli.parameters import Text, duration_in_seconds
from inspector.errors import plain, quoted
from inspector.regex import regex

if TYPE_CHECKING:
    from inspector.report.selecting import Selection, TimeBound

_STATUS: Final = regex(r"[1-5](?:[0-9]{2}|xx)|none|unknown", re.ASCII)
_EXCHANGE: Final = regex(r"e[1-9][0-9]{0,8}", re.ASCII)
_NS: Final = 1_000_000_000


class Status(Text):
    """A status, a class of them, or what stands in the place of one."""

    name = "STATUS"

    def checked(self, text: str) -> str:
        if not _STATUS.fullmatch(text.lower()):
            raise ValueError(f"{quoted(text)} is no status; write 401, 5xx, none or unknown.")
        return text.lower()


class ExchangeName(Text):
    """The id of an exchange."""

    name = "ID"

    def checked(self, text: str) -> str:
        if not _EXCHANGE.fullmatch(text):
            raise ValueError(f"{quoted(text)} is no exchange; write it as e1.")
        return text


class TimeText(Text):
    """A time of day with its date, or how long after the first packet; see `moment`."""

    name = "TIME"

    def checked(self, text: str) -> str:
        moment(text)
        return text


def moment(text: str) -> TimeBound:
    """`30s`, `2m`: after the first packet; `2026-11-24T00:31:21Z`: then.

    Raises ValueError with a sentence.
    """
    from inspector.report.selecting import TimeBound

    if "T" in text:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(
                f"{quoted(text)} is no time; write it as 2026-11-24T00:31:21Z."
            ) from None
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        since = at - datetime(1970, 1, 1, tzinfo=UTC)
        seconds = since.days * 86_400 + since.seconds
        return TimeBound(seconds * _NS + since.microseconds * 1000, is_offset=False)
    try:
        return TimeBound(round(duration_in_seconds(text) * _NS), is_offset=True)
    except ValueError:
        raise ValueError(
            f"{quoted(text)} is no time; write 30s or 2m for so long after the first packet, or"
            " 2026-11-24T00:31:21Z."
        ) from None


_OPTIONS: Final[tuple[Callable[[Any], Any], ...]] = (
    click.option(
        "--only-client",
        "only_clients",
        metavar="TEXT",
        multiple=True,
        help="Show only calls of clients with this in their user agent, or of this address, program"
        " or container.",
    ),
    click.option(
        "--provider",
        "only_providers",
        metavar="NAME",
        multiple=True,
        help="Show only calls to this provider.",
    ),
    click.option("--failed", "only_failed", is_flag=True, help="Show only calls that failed."),
    click.option(
        "--status",
        "only_statuses",
        type=Status(),
        metavar="STATUS",
        multiple=True,
        help="Show only calls with this answer: 401, 5xx, none.",
    ),
    click.option(
        "--since",
        type=TimeText(),
        metavar="TIME",
        help="Show only calls from then on: 30s or 2m after the first packet, or"
        " 2026-11-24T00:31:21Z.",
    ),
    click.option("--until", type=TimeText(), metavar="TIME", help="Show only calls until then."),
    click.option(
        "-e",
        "--exchange",
        "only_exchanges",
        type=ExchangeName(),
        metavar="ID",
        multiple=True,
        help="Show only the call of this exchange (e1).",
    ),
)
limit_option: Final = click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="ROWS",
    help="Rows of each table; 0: all. Default: 8, with -v 500.",
)


def filter_options(command: Any) -> Any:
    """Add --only-client and the others to a command, in that order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def selection_of(told: Mapping[str, Any]) -> Selection:
    """What the options select, from their values."""
    from inspector.report.selecting import Selection

    since, until = told["since"], told["until"]
    return Selection(
        clients=told["only_clients"],
        providers=told["only_providers"],
        failed=told["only_failed"],
        statuses=told["only_statuses"],
        since=None if since is None else moment(since),
        until=None if until is None else moment(until),
        exchanges=told["only_exchanges"],
        said=_said(told),
    )


def _said(told: Mapping[str, Any]) -> str:
    """The options as they were typed; a text that may be a key is not repeated."""
    import shlex

    words = [
        *(f"--only-client {shlex.quote(plain(text))}" for text in told["only_clients"]),
        *(f"--provider {plain(name)}" for name in told["only_providers"]),
        *(["--failed"] if told["only_failed"] else []),
        *(f"--status {status}" for status in told["only_statuses"]),
        *([f"--since {told['since']}"] if told["since"] is not None else []),
        *([f"--until {told['until']}"] if told["until"] is not None else []),
        *(f"-e {name}" for name in told["only_exchanges"]),
    ]
    return " ".join(words)
