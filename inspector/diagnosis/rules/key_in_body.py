"""A key of a real key's form in the body of a request on the agent's hop.

Prompts quote documentation, logs and files, so this is a warning and no proof that the agent
was given a key: of what is sent as a credential `real-key-on-agent-hop` speaks.
"""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.case import Case
from inspector.diagnosis.rule import AGENT_HOP, Code, Match, OfExchange, of_exchange
from inspector.model.http import Exchange

ABOUT: Final = Code(
    "key-in-body",
    severity="warning",
    title="A text that looks like a real key stands in the body of a request",
    needs=AGENT_HOP,
    meaning=(
        "The body of a request that the agent sent holds a word with the documented prefix of a"
        " key and the length of one. Whatever the agent read, a file, a log, an environment, may"
        " stand in a prompt, documentation with a made-up key too. The evidence names the"
        " exchange; the value is in no output. Bodies in a content coding that is not undone, and"
        " what is beyond 16 MiB of one, are not searched. Of policies it breaks"
        ' placeholder_only = "everywhere" alone.'
    ),
    advice=(
        "Look at what the agent read before that call. If the key is real, replace it at the"
        " provider and keep the file or variable from the agent."
    ),
    shown_by="key-in-prompt",
)


def of_request(exchange: Exchange, case: Case) -> Match | None:
    """Once for a call, not for each of its legs."""
    request = exchange.request
    if request is None or request.key_in_body is None or exchange.relays is not None:
        return None
    return Match(of_exchange(exchange))


NOTICE: Final = OfExchange(ABOUT, of_request)
