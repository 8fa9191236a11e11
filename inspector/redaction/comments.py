"""Comments of packets in a copy: those that this program wrote, said again; nobody else's.

A stranger's comment is free text that nothing here understands.  What the program itself
says of a packet is which process held an end of its connection (a live capture's
attribution); what it says of credentials is written anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from inspector.credentials.masking import Masker
from inspector.exchanges.processes import comment, parse
from inspector.fact import replace


def own_comments(texts: Iterable[str], masker: Masker) -> list[str]:
    """The comments of one packet that stay, with keys in them masked."""
    claims = [claim for text in texts if (claim := parse(text)) is not None]
    return [
        comment(
            replace(
                claim,
                process=replace(
                    claim.process,
                    comm=masker.granted_words_of(claim.process.comm),
                    exe=_words(claim.process.exe, masker),
                    container=_words(claim.process.container, masker),
                    container_id=_words(claim.process.container_id, masker),
                ),
            )
        )
        for claim in claims
    ]


def _words(text: str | None, masker: Masker) -> str | None:
    return None if text is None else masker.granted_words_of(text)
