"""A path that the API's reference does not have."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from inspector.diagnosis.case import Case, FailedCall
from inspector.diagnosis.rule import AGENT_HOP, Cause, Code
from inspector.diagnosis.words import at, told
from inspector.model.providers import PROVIDERS

ABOUT: Final = Code(
    "wrong-path",
    severity="error",
    title="The API has no such path",
    needs=AGENT_HOP,
    meaning=(
        "The API answered 404 to a path that its reference does not have: a base URL that lacks"
        " or repeats /v1, or a retired endpoint. The credential was not the trouble."
    ),
    advice=("Compare the path with the API's reference; mostly the client's base URL is wrong."),
    shown_by="h1-wrong-path",
)


def explains(call: FailedCall, case: Case) -> bool:
    """404 of the API; one that speaks of a model is about the model."""
    request = call.exchange.request
    if call.answered_by != "upstream" or call.status != 404 or request is None:
        return False
    if "model" in call.message:
        return False
    provider = call.exchange.provider
    rows = (row for row in (*case.topology.added, *PROVIDERS) if row.name == provider)
    known = next((row.path_prefixes for row in rows), ())
    path = urlsplit(request.target).path
    return bool(known) and not path.startswith(known)


def sentence(call: FailedCall, case: Case, count: int) -> str:
    request = call.exchange.request
    path = "" if request is None else urlsplit(request.target).path
    return f"The API has no {path[:40]}: {count} x 404 ({at(call.packet, case)})."


CAUSE: Final = Cause(ABOUT, explains, sentence, told)
