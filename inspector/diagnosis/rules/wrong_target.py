"""The provider has the path, and the host that answered is not the provider's."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers, paths
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Cause, Code
from inspector.diagnosis.words import LINE, at, told
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "wrong-target",
    severity="error",
    title="The call went to a host that is not the API's",
    needs="the call at the API proxy and the CONNECT of its tunnel",
    meaning=(
        "The provider's reference has the path, and the host that the API proxy was sent to does"
        " not: it is a gateway's or another provider's, whose paths begin with more (a base path"
        " that was dropped), or it is a web page. The credential was not the trouble."
    ),
    advice="Compare the API proxy's target and base path with the address that the gateway gives.",
)


def explains(call: FailedCall, case: Case) -> bool:
    """The path is good, the host is another's, and the host says that it has no such path."""
    where = paths.asked(call, case)
    if where is None or not where.is_foreign or answers.known(call) is not None:
        return False
    if call.answered_by not in ("upstream", "unknown") or call.outcome not in (
        "status",
        "unusable",
    ):
        return False
    return paths.says_no_path(call) or is_page(call)


def is_page(call: FailedCall) -> bool:
    """Whether a web page came where an API's answer should be, with success or as not found."""
    response = call.exchange.response
    if response is None or response.content_type not in ("text/html", "application/xhtml+xml"):
        return False
    return response.status in (200, *paths.STATUSES)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    where = paths.asked(call, case)
    assert where is not None
    what = "is a web page for" if is_page(call) else "has no"
    got = f"{count} x {call.status} ({at(call.packet, case)})."
    whole = f"{where.host} {what} {shortened(where.path, 60)}: {got}"
    # Its details name both.
    return whole if len(whole) <= LINE else f"The host that answered has no such path: {got}"


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    where = paths.asked(call, case)
    assert where is not None
    whose = f"is {where.host_of}'s" if where.host_of != "unknown" else "is no known API's"
    path = shortened(where.path, 60)
    return (
        *told(call, case, count),
        f"{call.exchange.provider}'s reference has {path}; {where.host} {whose}.",
    )


def advice(call: FailedCall, case: Case) -> str:
    return answers.filled(
        "Set {target} to the host of the API, or give {path} the part of the path that {host} wants"
        " before it (/serving-endpoints, /openai, /api).",
        call,
    )


CAUSE: Final = Cause(ABOUT, explains, sentence, details, advice=advice)
