"""A path that the API, or whoever answered, does not have."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis import answers, paths
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at, told
from inspector.model.addresses import path_of
from inspector.secrets.labels import shortened

ABOUT: Final = Code(
    "wrong-path",
    severity="error",
    title="There is no such path",
    needs=AGENT_HOP,
    meaning=(
        "The answer is 404 (or 405) to a path that the provider's reference does not have: a base"
        " URL without /v1 or with it twice, or a retired endpoint; or whoever answered says itself"
        " that it has no such path. Who answered does not matter, and the credential was not the"
        " trouble. A model or a deployment that is missing is not meant (model-not-found)."
    ),
    advice="Compare the path with the API's reference; mostly the client's base URL is wrong.",
    shown_by="h1-wrong-path",
)

#: Asked with an upgrade to WebSocket, a path without its version is not always 404.
_UPGRADE_REFUSED: Final = 426
#: The path is there, and that method at it is not (RFC 9110 15.5.6).
_WRONG_METHOD: Final = 405


def explains(call: FailedCall, case: Case) -> bool:
    """By the provider's reference, whoever answered; else by the answer's own words."""
    where = paths.asked(call, case)
    if where is None or call.answered_by in ("forward-proxy", "nobody"):
        return False
    if answers.known(call) is not None or where.is_foreign:
        return False
    if call.status != _WRONG_METHOD and is_served(call, case):
        return False
    if call.status == _UPGRADE_REFUSED:
        return where.mended is not None
    if call.status not in paths.STATUSES:
        return False
    in_reference = where.in_reference if where.on_host is None else where.on_host
    if in_reference is False:
        return "model" not in call.words or paths.says_no_path(call)
    # The API proxy's own 404 to a good path: it has no such provider.
    return call.answered_by != "api-proxy" and bool(call.words) and paths.says_no_path(call)


def is_served(call: FailedCall, case: Case) -> bool:
    """Whether another call at that path and port was answered well: then the path is there."""
    request = call.exchange.request
    served = case.contacts.service(call.exchange).served
    return request is not None and path_of(request.target) in served


def sentence(call: FailedCall, case: Case, count: int) -> str:
    where = paths.asked(call, case)
    path = "" if where is None else where.path
    method = "" if call.exchange.request is None else call.exchange.request.method
    knows = where is not None and where.in_reference
    who = where.host if where is not None and where.host and knows else "The API"
    asked = f"{method} {shortened(path, 60)}"
    return f"{who} has no {asked}: {count} x {call.status} ({at(call.packet, case)})."


def details(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    where = paths.asked(call, case)
    lines = told(call, case, count)
    if where is not None and where.mended is not None:
        lines += (f"The provider's reference has {shortened(where.mended, 80)}.",)
    elif where is not None and where.in_reference:
        lines += ("The provider's reference has it; whoever answered says that it does not.",)
    return lines


def advice(call: FailedCall, case: Case) -> str:
    """Name the base URL, or Azure's api-version, that the path wants."""
    where, request = paths.asked(call, case), call.exchange.request
    if where is None or request is None:
        return ABOUT.advice
    if where.host_of == "azure-openai" and "api-version" not in request.target:
        return f"Add ?api-version=... to the path: {where.host} answers 404 without it."
    if where.mended is None:
        return ABOUT.advice
    server = call.exchange.server
    lost = where.mended.removesuffix(where.path)
    base = f"http://{server.ip}:{server.port}"
    if where.mended.endswith(where.path):
        return answers.filled("Set the client's {base}", call) + (
            f" to {base}{lost}: {lost} is missing."
        )
    extra = where.path.removesuffix(where.mended)
    return (
        f"Take {shortened(extra, 80)} out of "
        + answers.filled("the client's {base}", call)
        + (": it is there twice.")
    )


CAUSE: Final = Cause(ABOUT, explains, sentence, details, advice=advice)
