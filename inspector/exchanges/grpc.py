"""What a call of gRPC says of itself beside HTTP: its content type, and the status that ends it.

gRPC answers 200, and says in the trailers what came of it (gRPC over HTTP/2, "Responses"); an
answer that is an error alone has these fields in its head.  What they stand for in HTTP is from
google/rpc/code.proto.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from inspector.credentials.reader import CredentialReader
from inspector.exchanges.response_bodies import USUAL
from inspector.model.http import ApiError, Grpc
from inspector.protocols.messages import Field, MessageEnd, RequestHead, ResponseHead
from inspector.regex import regex

#: Status -> its name, and the HTTP status that it stands for.
CODES: Final[dict[int, tuple[str, int]]] = {
    0: ("OK", 200),
    1: ("CANCELLED", 499),
    2: ("UNKNOWN", 500),
    3: ("INVALID_ARGUMENT", 400),
    4: ("DEADLINE_EXCEEDED", 504),
    5: ("NOT_FOUND", 404),
    6: ("ALREADY_EXISTS", 409),
    7: ("PERMISSION_DENIED", 403),
    8: ("RESOURCE_EXHAUSTED", 429),
    9: ("FAILED_PRECONDITION", 400),
    10: ("ABORTED", 409),
    11: ("OUT_OF_RANGE", 400),
    12: ("UNIMPLEMENTED", 501),
    13: ("INTERNAL", 500),
    14: ("UNAVAILABLE", 503),
    15: ("DATA_LOSS", 500),
    16: ("UNAUTHENTICATED", 401),
}

_MEDIA: Final = regex(rb"(?i:application/grpc)(?:\+[\w.-]{1,40})?(?:\s*;.*)?", re.DOTALL)
_STATUS: Final = regex(rb"[0-9]{1,4}")
_MESSAGE: Final = b"grpc-message"
#: Percent-encoded punctuation, which the grammar of what is shown takes for itself.
_PUNCTUATION: Final = regex(r"%(2[0-9A-Fa-f]|3[A-Fa-f])")


def grpc_of(
    request: RequestHead | None, response: ResponseHead | None, end: MessageEnd | None
) -> Grpc | None:
    """How a call of gRPC ended; None of what is none."""
    for head in (request, response):
        if head is None or b"content-type" not in head.named:
            continue
        sent = head.named[b"content-type"]
        if sent.raw not in USUAL and _MEDIA.fullmatch(sent.value.strip()):
            break
    else:
        return None
    value = _last(b"grpc-status", response, end)
    status = int(value) if value is not None and _STATUS.fullmatch(value) else None
    return Grpc(status, None if status is None else CODES.get(status, (None, 0))[0])


def error_of(
    grpc: Grpc | None,
    response: ResponseHead | None,
    end: MessageEnd | None,
    credentials: CredentialReader,
) -> ApiError | None:
    """The error that such a call ended with; None of one that did not."""
    if grpc is None or not grpc.status:
        return None
    message = _last(_MESSAGE, response, end)
    shown = None
    if message is not None:
        granted = credentials.value(_MESSAGE, message.decode("latin-1"))
        shown = _PUNCTUATION.sub(lambda found: chr(int(found[1], 16)), granted)
    status = CODES.get(grpc.status, ("", 500))[1]
    return ApiError(grpc.name or f"grpc-status {grpc.status}", shown, None, status)


def _last(name: bytes, response: ResponseHead | None, end: MessageEnd | None) -> bytes | None:
    """A field of the trailers, or of the head of an answer that has no others."""
    fields: Iterable[Field] = () if end is None else end.trailers
    value = next((field.value for field in fields if field.name.lower() == name), None)
    return value if value is not None or response is None else response.get(name)
