"""`inspector explain`: what a finding's code means, needs and asks for."""

from __future__ import annotations

from typing import Final

import click

from inspector.cli.group import verbose_option
from inspector.cli.help import Described
from inspector.errors import ExitCode, InspectorError
from inspector.regex import regex


class UnknownCode(InspectorError):
    """No finding has this code."""

    exit_code = ExitCode.USAGE


def _codes(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """The codes that a shell offers for what was begun."""
    from inspector.diagnosis.catalogue import CODES

    return [code for code in CODES if code.startswith(begun)]


@click.command(cls=Described)
@click.argument("code", required=False, metavar="[CODE]", shell_complete=_codes)
@verbose_option
def explain(code: str | None) -> None:
    """What a finding's CODE means, what it needs to be said, and what to do next.

    CODE may also be a hypothesis (H3) or an oddity (sse-broken-json). Without CODE all findings
    are listed.  The same texts are in docs/findings.md.
    """
    from inspector.diagnosis.catalogue import CODES
    from inspector.report.explain import explanation, hypothesis, oddity

    if code is None:
        width = max(map(len, CODES))
        for entry in CODES.values():
            click.echo(f"{entry.code:{width}}  {entry.severity:7}  {entry.title}")
        return
    known = CODES.get(code)
    told = explanation(known) if known is not None else hypothesis(code) or oddity(code)
    if told is None:
        raise _unknown(code, list(CODES))
    click.echo(told)


#: A name of something in one report, and no code.
_ID: Final = regex(r"[etcdh][1-9][0-9]{0,8}")


def _unknown(code: str, codes: list[str]) -> UnknownCode:
    from difflib import get_close_matches

    if _ID.fullmatch(code):
        return UnknownCode(
            f"{code} is a name in one report, and the code of no finding",
            f"inspector show FILE {code} shows it in full",
            "FILE is the capture, or its report.json",
        )

    near = get_close_matches(code, codes, n=3, cutoff=0.5)
    return UnknownCode(
        f"No finding is called {code}",
        f"Did you mean {' or '.join(near)}?" if near else "inspector explain lists them all",
        "This says nothing about a capture; none was read",
    )
