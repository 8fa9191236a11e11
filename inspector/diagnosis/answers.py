"""What an answer says: its words looked up in a table of known ones, before any generic rule.

The same status stands for different things: OpenAI's 401 is a bad key, a missing one, or a good
one beside a header of another organization; AWS answers a wrong clock with 403.  A row of
`answer_table.TABLE` knows words, and says what they mean, what to do, and where that is written.
A gateway passes on the words of others, so whose they are is no condition of a row.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from inspector.diagnosis.answer_row import Answer
from inspector.diagnosis.answer_table import PUT_ASIDE, TABLE
from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import Cause, Code
from inspector.diagnosis.words import LINE, answer, at, told, upstream_host
from inspector.model.conclusions import FindingCode
from inspector.model.providers import PROVIDERS
from inspector.regex import regex

#: Answers whose rows are kept; a capture has few different ones, or none twice.
_KEPT: Final = 512


#: What an advice may name: the host that answered, the header of the provider's key, the variables
#: of the API proxy's key, target and base path and of the client's base URL, the provider.
FIELDS: Final = ("host", "header", "key", "target", "path", "base", "provider")

#: Provider -> variables of the firewall's API proxy (key, target, base path) and of its clients
#: (base URL), as its sources have them (src/api-proxy-env-constants.ts, containers/api-proxy).
_VARIABLES: Final = {
    "openai": ("OPENAI_API_KEY", "OPENAI_API_TARGET", "OPENAI_API_BASE_PATH", "OPENAI_BASE_URL"),
    "anthropic": (
        "ANTHROPIC_API_KEY", "ANTHROPIC_API_TARGET", "ANTHROPIC_API_BASE_PATH",
        "ANTHROPIC_BASE_URL",
    ),
    "copilot": (
        "COPILOT_GITHUB_TOKEN", "COPILOT_API_TARGET", "COPILOT_API_BASE_PATH", "COPILOT_API_URL",
    ),
    "gemini": (
        "GEMINI_API_KEY", "GEMINI_API_TARGET", "GEMINI_API_BASE_PATH", "GOOGLE_GEMINI_BASE_URL",
    ),
    "vertex": (
        "GOOGLE_API_KEY", "VERTEX_API_TARGET", "VERTEX_API_BASE_PATH", "GOOGLE_VERTEX_BASE_URL",
    ),
}  # fmt: skip
_PUT_ASIDE: Final = regex(PUT_ASIDE)
_NO_VARIABLES: Final = ("the key", "the target", "the target's base path", "the base URL")


def known(call: FailedCall) -> Answer | None:
    """The row that knows what the answer to a call says; None where no row does.

    Squid's own pages are none of an API's, and only an answer that was read whole says anything.
    """
    if call.answered_by == "forward-proxy" or not call.is_read or not call.words:
        return None
    if call.outcome not in ("status", "unusable"):
        return None
    return _known(call.status or 0, call.words)


@lru_cache(maxsize=_KEPT)
def _known(status: int, words: str) -> Answer | None:
    return next(
        (
            row
            for row in TABLE
            if (not row.statuses or status in row.statuses) and row.is_found(words)
        ),
        None,
    )


def is_put_aside(call: FailedCall) -> bool:
    """Whether a gateway refuses a call because calls before it failed."""
    return call.answered_by != "upstream" and _PUT_ASIDE.search(call.message) is not None


def is_about(call: FailedCall, code: FindingCode) -> bool:
    """Whether the answer's words make that finding."""
    row = known(call)
    return row is not None and row.code == code


def is_free(call: FailedCall, code: FindingCode) -> bool:
    """Whether a generic rule may have a call: no row knows its words, or the rule's own does."""
    row = known(call)
    return row is None or row.code == code


def filled(text: str, call: FailedCall) -> str:
    """A sentence with the names that it speaks of (`FIELDS`)."""
    provider = call.exchange.provider
    header = next((row.auth_header for row in PROVIDERS if row.name == provider), None)
    key, target, path, base = _VARIABLES.get(provider, _NO_VARIABLES)
    return text.format(
        host=upstream_host(call) or f"{provider}'s host",
        header=header or "the provider's credential header",
        key=key,
        target=target,
        path=path,
        base=base,
        provider=provider,
    )


def advice(about: Code, call: FailedCall) -> str:
    """What to do about an answer: what its row says, else what the finding does."""
    row = known(call)
    return about.advice if row is None else filled(row.advice, call)


def explained(call: FailedCall, case: Case, count: int) -> tuple[str, ...]:
    """The answer's own words, what they mean, and what else it could be."""
    lines = [*told(call, case, count)]
    row = known(call)
    if row is not None:
        lines += [filled(text, call) for text in (row.meaning, row.or_else) if text]
    return tuple(lines)


def cause(
    about: Code,
    lead: str,
    not_in_packets: str | None = None,
    *,
    status: int | None = None,
    in_words: bool = False,
) -> Cause:
    """The cause of calls whose answers say what `about` is; its sentence begins with `lead`.

    `status`: it is about answers of the API's own alone, and of these also about those with that
    status whose words no row knows.  `in_words`: the status alone does not say it, so that an
    answer whose words were not captured is not known to.
    """

    def explains(call: FailedCall, case: Case) -> bool:
        if status is None:
            return is_about(call, about.code)
        if call.answered_by != "upstream":
            return False
        if is_about(call, about.code):
            return True
        is_told = call.is_read or not in_words
        return call.status == status and known(call) is None and is_told

    def sentence(call: FailedCall, case: Case, count: int) -> str:
        where = at(call.packet, case)
        whole = f"{lead}: {count} x {answer(call)} ({where})."
        return whole if len(whole) <= LINE else f"{lead}: {count} x {call.status} ({where})."

    return Cause(
        about,
        explains,
        sentence,
        explained,
        not_in_packets,
        lambda call, case: advice(about, call),
    )
