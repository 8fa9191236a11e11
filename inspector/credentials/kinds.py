"""What a credential is, told from its shape: kind, public prefix, placeholder, anomalies.

Everything here looks into a `Secret` and answers with facts that give nothing
of it away.  A prefix is always one of the constants below, never a slice of
the value, so no entry can leak more than what the providers document.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Final

from inspector.fact import Fact, replace
from inspector.model.credentials import Anomaly, Credential, CredentialKind
from inspector.regex import regex
from inspector.secret import Secret
from inspector.secrets.constants import PLACEHOLDERS, PREFIXES


class Shape(Fact):
    """A documented form: `prefix` is public, `pattern` must match the whole value."""

    kind: CredentialKind
    prefix: str | None
    pattern: re.Pattern[bytes]


SHAPES: Final[tuple[Shape, ...]] = (
    *(
        Shape(
            kind,
            None if kind == "unknown" else prefix,
            regex(re.escape(prefix.encode()) + rb".+", re.DOTALL),
        )
        for kind, prefix in PREFIXES
    ),
    # RFC 7519 3.1 (three parts), RFC 7516 3.1 (five): a base64url JSON object comes first.
    Shape("jwt", None, regex(rb"eyJ[\w-]+\.[\w-]+\.[\w-]*(?:\.[\w-]*){0,2}")),
    Shape("azure-key", None, regex(rb"[0-9a-fA-F]{32}")),
    # Azure's newer keys: 84 characters with a fixed mark in the middle.
    Shape("azure-key", None, regex(rb"[A-Za-z0-9]{52}JQQJ9[A-Za-z0-9]{27}")),
)

#: Any of them: the group that matches is the number of the first that does.
_SHAPED: Final = regex(b"|".join(b"(%s)" % shape.pattern.pattern for shape in SHAPES), re.DOTALL)
_AWS_KEY_ID: Final = regex(rb"Credential=(AKIA|ASIA)")

_PLACEHOLDERS: Final = {text.encode(): text for text in PLACEHOLDERS}

#: Schemes that decide the kind, whatever the value looks like.
SCHEME_KINDS: Final[dict[bytes, CredentialKind]] = {
    b"basic": "basic",
    b"aws4-hmac-sha256": "aws-sigv4",
    b"aws4-ecdsa-p256-sha256": "aws-sigv4",
}

_QUOTES: Final = b"\"'`"
_CONTROLS: Final = bytes((*range(0x20), 0x7F))


def placeholder(value: bytes) -> str | None:
    """The public constant that `value` is, or None."""
    return _PLACEHOLDERS.get(value)


def classify(core: Secret, scheme: bytes = b"") -> tuple[CredentialKind, str | None]:
    """Kind and public prefix of a credential sent under `scheme` (lower case, may be empty)."""
    value = core.reveal()
    if not value:
        return "empty", None
    if value in _PLACEHOLDERS:
        return "placeholder", None
    by_scheme = SCHEME_KINDS.get(scheme)
    if by_scheme == "aws-sigv4":
        named = _AWS_KEY_ID.search(value)
        # Compared, not sliced: the answer is a constant of this module.
        return by_scheme, next(
            (p for p in ("AKIA", "ASIA") if named and named[1] == p.encode()), None
        )
    if by_scheme is not None:
        return by_scheme, prefix_within(_password_and_user(value))
    shaped = _SHAPED.fullmatch(value)
    if shaped is None or shaped.lastindex is None:
        return "unknown", None
    shape = SHAPES[shaped.lastindex - 1]
    return shape.kind, shape.prefix


def prefix_within(parts: Iterable[bytes]) -> str | None:
    """The public prefix of the first of some values that is a key; none of a placeholder."""
    for part in parts:
        for shape in SHAPES:
            if shape.prefix and part not in _PLACEHOLDERS and shape.pattern.fullmatch(part):
                return shape.prefix
    return None


def _password_and_user(value: bytes) -> tuple[bytes, ...]:
    """What Basic holds (RFC 7617 2); git sends a token as either."""
    try:
        user, _, password = b64decode(value).partition(b":")
    except ValueError:
        return ()
    return password, user


def core_of(value: Secret) -> Secret:
    """The key itself: quotes and control characters around it left off.

    Kind, placeholder and fingerprint are judged by this, so that a damaged
    copy of a key is recognised as that key.
    """
    return Secret(value.reveal().strip(_CONTROLS + b" ").strip(_QUOTES).strip(_CONTROLS + b" "))


def prefix_in_user_information(text: str) -> str | None:
    """The documented prefix of a key in either half of `user:password`; the password's first."""
    user, colon, password = text.partition(":")
    if not colon:
        return None
    halves = (core_of(Secret(half.encode("latin-1", "replace"))) for half in (password, user))
    return next((prefix for half in halves if (prefix := classify(half)[1])), None)


def inner_anomalies(value: Secret) -> Iterator[Anomaly]:
    """What is odd within a value whose surrounding space was already judged."""
    text = value.reveal()
    if text.translate(None, _CONTROLS) != text:
        yield "control-character"
    # A quote at the end alone also closes a parameter: `response="..."`.
    if text and (text[0] in _QUOTES or (text[-1] in _QUOTES and b"=" not in text)):
        yield "quoted"
    if not text.isascii():
        yield "non-ascii"


def describe(
    value: Secret, core: Secret, scheme: bytes, fingerprint_key: bytes, anomalies: set[Anomaly]
) -> Credential:
    """The facts of one credential.

    `value` is what follows the scheme and its space, without surrounding white
    space; its bytes are counted.  `core` is the key in it (`core_of`, a doubled
    scheme left off), which gives kind, placeholder and fingerprint.
    """
    kind, prefix = classify(core, scheme)
    return Credential(
        kind=kind,
        prefix=prefix,
        length=len(value),
        fingerprint=core.fingerprint(fingerprint_key) if len(core) else None,
        placeholder=placeholder(core.reveal()),
        anomalies=tuple([name for name in _ANOMALY_ORDER if name in anomalies]),
    )


def named(
    credential: Credential, core: Secret, prefixes: Iterable[tuple[CredentialKind, str]]
) -> Credential:
    """The credential by a prefix of the user's own, unless a longer documented one names it."""
    if credential.placeholder is not None or credential.kind in SCHEME_KINDS.values():
        return credential
    value, known = core.reveal(), len(credential.prefix or "")
    for kind, prefix in prefixes:
        if len(value) > len(prefix) > known and value.startswith(prefix.encode()):
            return replace(credential, kind=kind, prefix=prefix)
    return credential


def is_recognised(credential: Credential) -> bool:
    """Whether a value is told to be a key by itself: a documented prefix, or a placeholder."""
    return credential.prefix is not None or credential.placeholder is not None


_ANOMALY_ORDER: Final[tuple[Anomaly, ...]] = (
    "leading-space",
    "trailing-space",
    "control-character",
    "quoted",
    "doubled-scheme",
    "empty",
    "non-ascii",
    "protocol-words",
)


def label(credential: Credential) -> str:
    """What stands in a report where the credential stood.

    `<anthropic-api-key sk-ant-api03- 108 bytes a1b2c3d4e5f6>`; a placeholder is
    shown in full, an empty value is `<empty>`.
    """
    if credential.placeholder is not None:
        return credential.placeholder
    if credential.kind == "empty":
        return "<empty>"
    prefix = f" {credential.prefix}" if credential.prefix else ""
    return f"<{credential.kind}{prefix} {credential.length} bytes {credential.fingerprint}>"


def label_of_user_information(text: str, shown: str) -> str:
    """The label of user information, which is what Basic carries (RFC 3986 3.2.1), as Basic's is.

    It names the prefix of a key in either half.
    """
    if not shown.startswith("<unknown "):
        return shown
    prefix = prefix_in_user_information(text)
    return shown.replace("<unknown ", "<basic " if prefix is None else f"<basic {prefix} ", 1)


#: Matches exactly what `label` writes, so that scrubbing twice changes nothing.
LABEL: Final = (
    r"<(?:"
    + "|".join(sorted({shape.kind for shape in SHAPES} | {"basic", "aws-sigv4"}))
    + r")(?: (?:"
    + "|".join(re.escape(prefix) for _, prefix in PREFIXES)
    + r"))?"
    r" (?:\d+ bytes [0-9a-f]{12}|masked)>"
)

_NAMES_PREFIX: Final = regex(
    r"<[a-z0-9-]+ (?:"
    + "|".join(re.escape(prefix) for _, prefix in PREFIXES)
    + r") (?:\d+ bytes [0-9a-f]{12}|masked)>"
)


def names_a_key(text: str) -> bool:
    """Whether the label of a key with a documented prefix stands in a text without keys."""
    return ">" in text and _NAMES_PREFIX.search(text) is not None
