"""HAR 1.2 as a JSON Schema, from the facts of its specification.

http://www.softwareishard.com/blog/har-12-spec/ names each object's fields, which of them are
optional, and that a custom one begins with an underscore.  In one thing the schema is wider:
`send`, `wait` and `receive` may be -1, as the other timings may, for what is not in the capture.
"""

from __future__ import annotations

from typing import Any, Final

_TEXT: Final = {"type": "string"}
_SIZE: Final = {"type": "integer", "minimum": -1}
_TIME: Final = {"type": "number", "minimum": -1}
#: ISO 8601 (YYYY-MM-DDThh:mm:ss.sTZD).
_MOMENT: Final = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
}


def _object(needed: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object with these fields, a comment, and any whose name begins with `_`."""
    return {
        "type": "object",
        "properties": {**needed, **(optional or {}), "comment": _TEXT},
        "required": list(needed),
        "patternProperties": {"^_": {}},
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_PAIR: Final = _object({"name": _TEXT, "value": _TEXT})
_COOKIE: Final = _object(
    {"name": _TEXT, "value": _TEXT},
    {"path": _TEXT, "domain": _TEXT, "expires": _MOMENT, "httpOnly": {"type": "boolean"},
     "secure": {"type": "boolean"}},
)  # fmt: skip
_POST: Final = _object({"mimeType": _TEXT, "params": {"type": "array"}, "text": _TEXT})
_MESSAGE: Final = {
    "httpVersion": _TEXT,
    "cookies": _list(_COOKIE),
    "headers": _list(_PAIR),
    "headersSize": _SIZE,
    "bodySize": _SIZE,
}
_URL: Final = {"type": "string", "pattern": r"^https?://[^/ ]+/"}
_REQUEST: Final = _object(
    {**_MESSAGE, "method": _TEXT, "url": _URL, "queryString": _list(_PAIR)}, {"postData": _POST}
)
_CONTENT: Final = _object(
    {"size": _SIZE, "mimeType": _TEXT},
    {"compression": {"type": "integer"}, "text": _TEXT, "encoding": _TEXT},
)
_RESPONSE: Final = _object(
    {**_MESSAGE, "status": {"type": "integer"}, "statusText": _TEXT, "content": _CONTENT,
     "redirectURL": _TEXT}
)  # fmt: skip
_TIMINGS: Final = _object(
    {"send": _TIME, "wait": _TIME, "receive": _TIME},
    {"blocked": _TIME, "dns": _TIME, "connect": _TIME, "ssl": _TIME},
)
_ENTRY: Final = _object(
    {"startedDateTime": _MOMENT, "time": _TIME, "request": _REQUEST, "response": _RESPONSE,
     "cache": _object({}, {"beforeRequest": {}, "afterRequest": {}}), "timings": _TIMINGS},
    {"pageref": _TEXT, "serverIPAddress": _TEXT, "connection": _TEXT},
)  # fmt: skip
_TOOL: Final = _object({"name": _TEXT, "version": _TEXT})

SCHEMA: Final = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        {"log": _object({"version": {"const": "1.2"}, "creator": _TOOL, "entries": _list(_ENTRY)},
                        {"browser": _TOOL, "pages": {"type": "array"}})}
    ),
}  # fmt: skip
