"""Each default, limit and exit code that a page states is that of the program."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import pytest

from inspector.errors import ExitCode
from inspector.exchanges.topology import DEFAULT_ROLES, DEFAULT_SUBNET, FORWARD_PROXY_PORTS
from inspector.linux.ring import BLOCK_SIZE, BLOCKS
from inspector.model.credentials import Credential
from inspector.model.providers import DEFAULT_PORTS
from inspector.model.texts import field_texts
from inspector.policy.model import Expect, Policy
from inspector.redaction.summary import HoldLimits
from tests.docs.pages import text

#: What a value is written as.
Written = Callable[[Any], str]


def of(place: str, written: Written = str) -> str:
    """A constant of the program, `module:NAME` or `module:NAME.field`, as a page writes it."""
    module, _, name = place.partition(":")
    value: Any = import_module(f"inspector.{module}")
    for part in name.split("."):
        value = getattr(value, part)
    return written(value)


def kib(value: int) -> str:
    assert value % 1024 == 0
    return f"{value >> 10} KiB"


def mib(value: int) -> str:
    assert value % (1 << 20) == 0
    return f"{value >> 20} MiB"


def seconds(value: float) -> str:
    return f"{value:g} s"


def nanoseconds(value: int) -> str:
    return f"{value / 1e9:g} s"


def last(role: Any) -> str:
    (address,) = DEFAULT_ROLES[role]
    return "." + address.rpartition(".")[2]


_PORTS: Final = sorted(DEFAULT_PORTS)
(_SQUID_PORT,) = FORWARD_PROXY_PORTS

#: (page, its sentence with the values of the program in it).  Blanks are any white space.
STATED: Final = (
    ("README.md", f"The defaults are those of the firewall ({DEFAULT_SUBNET}: agent"
     f" {last('agent')}, API proxy {last('api-proxy')}, Squid"
     f" {last('forward-proxy')}:{_SQUID_PORT})"),
    ("docs/topology.md", f"subnet {DEFAULT_SUBNET}, agent {last('agent')}, API proxy"
     f" {last('api-proxy')} with ports {_PORTS[0]} to {_PORTS[-1]}, Squid {last('forward-proxy')}"
     f" with port {_SQUID_PORT}"),
    ("README.md", f"The exit code is {ExitCode.BROKEN:d} when a finding of the level or above"
     f" exists, {ExitCode.NOT_PROVEN:d} when the capture cannot prove that there is none"),
    ("docs/policy.md", f"exit code {ExitCode.BROKEN:d} when a finding of the policy's level or"
     f" above, or a broken expectation, exists; {ExitCode.NOT_PROVEN:d} when the capture cannot"
     f" prove that there is none; {ExitCode.DONE:d} when it is kept"),
    ("docs/policy.md", f'"{Policy("p").fail_on}" (the default), "warning", "note", "never"'),
    ("docs/policy.md", f'"{Policy("p").when_not_proven}" ({ExitCode.NOT_PROVEN:d}, the default)'),
    ("docs/policy.md", f'`level` | "{Expect().level}" (the default)'),
    ("docs/policy.md", f"or `{Expect().provider}` (the default)"),
    ("docs/security.md", f"are unread, and give exit code {ExitCode.NOT_PROVEN:d}"),
    ("docs/security.md", f"exit code {ExitCode.DONE:d} says that"),
    ("docs/topology.md", "16 characters at most"),
    ("docs/live.md", f"messages of at most {of('live.broker:LONGEST_QUESTION')} bytes, and gets at"
     f" most {of('live.broker:LONGEST_ANSWER', kib)} back"),
    ("docs/live.md", f"until none came for {of('live.run:QUIET', seconds)}, at most"
     f" {of('live.run:LINGER', seconds)}"),
    ("docs/live.md", f"waits at most {of('redaction.summary:LIVE.held_time', nanoseconds)} (or"
     f" {of('redaction.summary:LIVE.held_bytes', mib)}) for those that decide about it"),
    ("docs/live.md", f"A ring has {mib(BLOCK_SIZE * BLOCKS)} for each interface; once a quarter"),
    ("docs/live.md", f"waits in memory, {of('live.backlog:SPILL', mib)} at most. When half"),
    ("docs/live.md", f"at most {of('live.proof:LONGEST', seconds)}; a signal ends it, too"),
    ("docs/redaction.md", f"any key of {of('secrets.vault:PIECE')} bytes or more"),
    ("docs/redaction.md", f"longer than {of('redaction.bodies:STRING_LIMIT', kib)} keeps its first"
     f" {of('redaction.bodies:TEXT_KEPT', kib)}"),
    ("docs/redaction.md", f"at most {mib(HoldLimits().held_bytes)} of packets in a file,"
     f" {of('redaction.summary:LIVE.held_time', nanoseconds)} or"
     f" {of('redaction.summary:LIVE.held_bytes', mib)} in a live capture"),
    ("docs/redaction.md", f"at most {of('exchanges.marks:BLOCK_LIMIT', kib)} of one block and"
     f" {of('pcap.carried:MARKS_LIMIT', mib)} of one file are read"),
    ("SECURITY.md", f"or {of('secrets.vault:PIECE')} bytes or more of one"),
    ("docs/tls.md", f"It is put together up to {of('protocols.tls:MAX_HELLO', kib)}"),
    ("docs/tls.md", f"or longer than {of('protocols.tls:MAX_HELLO', kib)}"),
    ("docs/ebpf.md", f"then {of('linux.ebpf.filter:AFTER_HANDSHAKE', kib)} more of each direction"),
)  # fmt: skip


@pytest.mark.parametrize(("page", "sentence"), STATED)
def test_what_a_page_states_is_so(page: str, sentence: str) -> None:
    assert " ".join(sentence.split()) in " ".join(text(page).split())


#: Pages that people wrote, and that state what the program does.
WRITTEN: Final = (
    "README.md",
    "SECURITY.md",
    *(f"docs/{name}.md" for name in ("policy", "topology", "live", "redaction", "tls", "ebpf")),
)
#: A statement of a bound, or of an exit code.
_BOUND: Final = re.compile(
    r"exit code (?:is )?\d|at most \d[\d.,]* ?(?:KiB|MiB|bytes|s\b)|\d+ (?:KiB|MiB)\b"
)
#: What stands in such a form and is none of this program's -> why.
ELSEWHERE: Final = {
    "128 KiB": "how long bytes are remembered: tests/redaction/test_track.py",
    "32 MiB": "how long bytes are remembered: tests/redaction/test_track.py",
    "4 KiB where": "how long bytes are remembered: tests/redaction/test_track.py",
}


@pytest.mark.parametrize("page", WRITTEN)
def test_no_bound_is_stated_that_nothing_holds(page: str) -> None:
    whole = " ".join(text(page).split())
    held = [" ".join(sentence.split()) for at, sentence in STATED if at == page]
    spans = [
        (found.start(), found.end())
        for each in held
        for found in re.finditer(re.escape(each), whole)
    ]
    loose = [
        whole[found.start() - 40 : found.end() + 40]
        for found in _BOUND.finditer(whole)
        if not any(start <= found.start() < stop for start, stop in spans)
        and not any(whole.startswith(known, found.start()) for known in ELSEWHERE)
    ]
    assert loose == []


def test_a_fingerprint_has_as_many_digits_as_is_said() -> None:
    assert field_texts(Credential)["fingerprint"].startswith("12 hex digits")
