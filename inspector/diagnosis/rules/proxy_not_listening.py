"""A port of a living API proxy refuses connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspector.diagnosis.attempts import Attempts, barred, is_refused
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Cause, Code, Match, OfAttempts, OfTunnel, of_tunnel
from inspector.diagnosis.words import at, authority, plural, squid_error
from inspector.model.conclusions import Evidence
from inspector.model.ids import connection_id
from inspector.model.network import Tunnel

ABOUT: Final = Code(
    "proxy-not-listening",
    severity="error",
    title="The API proxy does not listen on that port",
    needs="connection attempts to the port",
    meaning=(
        "Every connection to the provider's port is refused. While the API proxy is alive: it has"
        " no key for that provider (older versions do not listen then). Where it shows no sign of"
        " life: it did not start, or had died before the capture began. Or a client asked Squid"
        " for the API proxy (it ignores NO_PROXY), and Squid answered 503 ERR_CONNECT_FAIL 111."
    ),
    advice=(
        "Look whether the API proxy runs (docker ps, its log); give it the provider's key, or use"
        " the port of a provider that it has."
    ),
    shown_by="proxy-not-listening",
)


def explains(call: FailedCall, case: Case) -> bool:
    """A call in absolute form, for which Squid found nobody at the API proxy's port."""
    return case.is_first_leg(call.exchange) and is_refused(squid_error(call))


def sentence(call: FailedCall, case: Case, count: int) -> str:
    return (
        f"Nobody listens on {authority(call)}, says Squid:"
        f" {plural(count, 'call')} ({at(call.packet, case)})."
    )


def match(tunnel: Tunnel, case: Case) -> Match | None:
    """A call that got no further than its CONNECT to the API proxy."""
    return Match(of_tunnel(tunnel)) if barred(tunnel, case) == ABOUT.code else None


def find(attempts: Attempts) -> Iterator[Match]:
    for name, packet in attempts.refused:
        yield Match(Evidence(connection_id(name), packet=packet))


NOTICE: Final = OfAttempts(ABOUT, find)
OF_TUNNELS: Final = OfTunnel(ABOUT, match)
CAUSE: Final = Cause(ABOUT, explains, sentence)
