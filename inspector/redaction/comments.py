"""The packet comment that says what a masked credential was.

One comment a credential, on the packet in which its message begins, in wire
order:

    inspector:redacted v1 name=x-api-key kind=unknown length=8 value=4f0c9a31b2de

`name` (percent-encoded) is the header's, or `?` and the parameter's; `kind`,
`prefix`, `length` and `anomalies` are those of the report; `value` is equal for
equal credentials of one file and says nothing else of them.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from inspector.credentials.masking import Found

PREFIX: Final = "inspector:redacted "
VERSION: Final = "v1"


def comment(name: str, found: Found) -> str:
    """The comment for one credential."""
    credential = found.credential
    words = [
        f"{PREFIX}{VERSION}",
        f"name={quote(name, safe='?-_')[:100]}",
        f"kind={credential.kind}",
        f"length={credential.length}",
    ]
    if credential.prefix:
        words.append(f"prefix={credential.prefix}")
    if credential.anomalies:
        words.append(f"anomalies={','.join(credential.anomalies)}")
    words.append(f"value={found.tag}")
    return " ".join(words)
