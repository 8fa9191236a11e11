"""Where a text repeats a learnt key: as it is, or in another writing.

Whoever echoes a key may escape, encode or wrap it.  Each writing is undone once
for a whole text, keeping where every byte came from, and the result is looked
at by the vault; so what is found is hidden where it stands.  Nothing is undone
in a text that has no sign of the writing.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from inspector.regex import regex
from inspector.secrets.grammar import merged
from inspector.secrets.vault import CLEAR_TEXT, Vault
from inspector.secrets.windows import WIDTH

#: How often a writing may be applied over another one: a URL in a URL, base64 of base64.
_DEPTH: Final = 2

_HTML_NAMED: Final = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}

#: A run in which a piece of twelve bytes has room: a shorter word is a writing of nothing.
_CODED: Final = 16
_BASE64: Final = regex(rb"[A-Za-z0-9+/_\-]{%d,}" % _CODED)
_TO_BASE64: Final = bytes.maketrans(b"-_", b"+/")
_HEX: Final = regex(rb"[0-9a-fA-F]{24,}")


def _percent(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 16)])


def _html(match: re.Match[bytes]) -> bytes:
    if match[3]:
        return _HTML_NAMED[match[3]]
    number = int(match[1] or match[2], 10 if match[1] else 16)
    return bytes([number]) if number < 256 else b"?"


def _nothing(match: re.Match[bytes]) -> bytes:
    return b""


_LETTER: Final = regex(rb"[A-Za-z0-9]")
_REST: Final = regex(rb"[A-Za-z0-9_\-+~.%]*(?<!\.)=*")
_WORDS: Final = frozenset(
    byte for byte in range(128) if _REST.fullmatch(b"." + bytes([byte]) + b"a")
)

_Meaning = Callable[[re.Match[bytes]], bytes]

#: (sign without which there is none, what is undone, what each match stands for)
_WRITINGS: Final[tuple[tuple[bytes, re.Pattern[bytes], _Meaning], ...]] = (
    (b"%", regex(rb"%([0-9A-Fa-f]{2})"), _percent),
    (b"\\", regex(rb"\\u00([0-9A-Fa-f]{2})"), _percent),
    (b"=", regex(rb"=([0-9A-F]{2})"), _percent),
    (b"&", regex(rb"&(?:#(\d{1,4})|#[xX]([0-9A-Fa-f]{1,4})|(amp|lt|gt|quot|apos));"), _html),
)  # fmt: skip

#: Wrapped, spaced, UTF-16, coloured, with invisible characters between.
_BETWEEN: Final = regex(
    rb"\\[nrt]|[\x00\s]+|\\|\x1b\[[0-9;]*m|\xe2\x80[\x8b-\x8d]|\xc2\xad|</?w?br ?/?>"
)
#: The same, taken out one after another: twenty times as fast.
_SPACE: Final = b"\0\t\n\v\f\r \\"
_BETWEEN_WORDS: Final = (
    *(b"\\n", b"\\r", b"\\t"),
    *(b"\xe2\x80\x8b", b"\xe2\x80\x8c", b"\xe2\x80\x8d", b"\xc2\xad"),
)
_BETWEEN_SIGNS: Final = (b"\x1b[", b"<br", b"<wbr", b"</br", b"</wbr")
_BETWEEN_MARKUP: Final = regex(rb"\x1b\[[0-9;]*m|</?w?br ?/?>")
#: Longer texts are searched writing by writing, with one of them in memory at a time, and only
#: where the writing is.
_AT_ONCE: Final = 16 << 10
#: A piece of twelve bytes is shorter in every writing of a writing (`%255Cu0041` a byte).
_AROUND: Final = 256


def echoes(vault: Vault, text: bytes) -> list[tuple[int, int]]:
    """Where pieces of learnt keys stand in `text`, in order and apart.

    A piece is that of a word: keys of one provider begin alike, and what is left
    of another one would have no shape any more.
    """
    if not vault or len(text) < WIDTH or _is_clear(vault, text):
        return []
    return merged([_word(vault, text, *span) for span in merged(_found(vault, text, _DEPTH))])


def may_echo(vault: Vault, text: bytes) -> bool:
    """Whether `echoes` has to be asked; of many texts, one behind another with NUL between.

    Nothing of it is remembered: who asks does so once every key is learnt, and not again.
    """
    return bool(vault) and any(map(vault.may_hold, _writings(text)))


def is_remembered(vault: Vault, text: bytes) -> bool:
    """Whether `echoes` finds nothing in a text, and will not until the vault's `epoch` changes."""
    return len(text) <= CLEAR_TEXT and vault.is_clear(text, _writings)


def stamp_of(vault: Vault, *texts: bytes) -> int:
    """How long that holds which is made of these texts now, all of them (`Vault.holds`)."""
    for text in texts:
        is_remembered(vault, text)
    # Not before: remembering one may make room by forgetting another.
    return max(map(vault.stamp, texts))


def whole_keys(vault: Vault, text: bytes) -> list[tuple[int, int]]:
    """Where learnt keys stand in `text` as a whole and as they are."""
    if not vault or len(text) < WIDTH or _is_clear(vault, text):
        return []
    found = (_alone(vault, text, *span) for span in vault.spans(text))
    return [span for span in found if span is not None]


def _alone(vault: Vault, text: bytes, start: int, stop: int) -> tuple[int, int] | None:
    """The whole key in a span, if it is no part of a longer word."""
    whole = vault.whole(text, start, stop)
    if whole is None:
        return None
    first, last = whole
    joined = _LETTER.match(text, last) or (first and _LETTER.match(text, first - 1))
    return None if joined else whole


def _word(vault: Vault, text: bytes, start: int, stop: int) -> tuple[int, int]:
    """The word in which a piece stands; a whole key that stands by itself is one."""
    whole = _alone(vault, text, start, stop)
    if whole is not None:
        return whole
    rest = _REST.match(text, stop)
    while start and text[start - 1] in _WORDS:
        start -= 1
    return start, rest.end() if rest else stop


def _is_clear(vault: Vault, text: bytes) -> bool:
    """Whether nothing is found in a text, at a glance."""
    if len(text) <= _AT_ONCE:
        return vault.is_clear(text, _writings)
    # Not whether a window is there: each mask that keeps a documented prefix has one.
    return not any(map(vault.finds, _writings(text)))


def _writings(text: bytes, depth: int = _DEPTH) -> Iterator[bytes]:
    """Everything that `_found` may ask the vault of: a text and what it may be a writing of.

    Coded runs come together: where two meet, what stands in one of them is not missed, since
    they are read on across the border at every phase.
    """
    yield text
    if depth == 0 or (len(text) < _CODED and text.isalnum()):
        return
    for sign, pattern, meant in _WRITINGS:
        if sign in text:
            view = text if len(text) <= _AT_ONCE else _around(pattern, text)
            undone = pattern.sub(meant, view)
            if len(undone) != len(view):
                yield from _writings(undone, depth - 1)
    together = _together(text)
    if len(together) != len(text):
        yield together
    for view in (*_decoded(_BASE64.findall(text)), *_from_hex(_HEX.findall(text))):
        yield view
        yield from _again(view)


def _around(pattern: re.Pattern[bytes], text: bytes) -> bytes:
    """What stands around the matches: in it is every piece that has one of them within."""
    parts: list[bytes] = []
    start = stop = 0
    for match in pattern.finditer(text):
        if match.start() - _AROUND > stop:
            parts.append(text[start:stop])
            start = match.start() - _AROUND
        stop = match.end() + _AROUND
    parts.append(text[start:stop])
    return b"\0".join(parts)


def _together(text: bytes) -> bytes:
    """A text without what `_BETWEEN` takes out: as far as keys go, which are ASCII, the same."""
    # A NUL stands for each until the end: what it parted is not to be read as another of them.
    if (b"<" in text or b"\x1b" in text) and any(sign in text for sign in _BETWEEN_SIGNS):
        text = _BETWEEN_MARKUP.sub(b"\0", text)
    if b"\\" in text or not text.isascii():
        for word in _BETWEEN_WORDS:
            text = text.replace(word, b"\0")
    return text.translate(None, _SPACE)


def _found(vault: Vault, text: bytes, depth: int) -> Iterator[tuple[int, int]]:
    yield from vault.spans(text)
    if depth == 0:
        return
    for sign, pattern, meant in _WRITINGS:
        if sign not in text:
            continue
        undone = pattern.sub(meant, text)
        if len(undone) == len(text):
            continue
        inner = list(_found(vault, undone, depth - 1))
        if inner:
            origin = _origins(pattern, meant, text)
            yield from ((origin[start][0], origin[stop - 1][1]) for start, stop in inner)
    if vault.finds(_together(text)):
        inner = vault.spans(_BETWEEN.sub(b"", text))
        if inner:
            origin = _origins(_BETWEEN, _nothing, text)
            yield from ((origin[start][0], origin[stop - 1][1]) for start, stop in inner)
    coded = list(_BASE64.finditer(text))
    if coded and _may_hold(vault, _decoded([match[0] for match in coded])):
        yield from (one.span() for one in coded if _holds(vault, _decoded([one[0]])))
    digits = list(_HEX.finditer(text))
    if digits and _may_hold(vault, _from_hex([match[0] for match in digits])):
        yield from (one.span() for one in digits if _holds(vault, _from_hex([one[0]])))


def _may_hold(vault: Vault, views: Iterable[bytes]) -> bool:
    """Whether a key can stand in what many runs decode to, put together: mostly none does.

    Runs that meet where they were put together are read on across the border, at every phase, so
    what stands in one of them is not missed.
    """
    return any(vault.may_hold(view) or any(map(vault.may_hold, _again(view))) for view in views)


def _holds(vault: Vault, views: Iterable[bytes]) -> bool:
    """Whether there is a key in what a run decodes to, as it is or in base64 once more."""
    return any(vault.finds(view) or any(map(vault.finds, _again(view))) for view in views)


def _again(view: bytes) -> Iterator[bytes]:
    """What was decoded decoded once more, where it is base64 itself."""
    return _decoded(_BASE64.findall(view))


def _decoded(runs: Sequence[bytes]) -> Iterator[bytes]:
    """Base64 undone at each phase at which it may have begun (RFC 4648 4, 5), run after run.

    Of each run as many groups of four as it has: nothing of one gets into the next.
    """
    if not runs:
        return
    for phase in range(4):
        groups = [run[phase : len(run) - (len(run) - phase) % 4] for run in runs]
        yield a2b_base64(b"".join(groups).translate(_TO_BASE64))


def _from_hex(runs: Sequence[bytes]) -> Iterator[bytes]:
    """Hex undone at both phases at which it may have begun, one run after another."""
    if not runs:
        return
    for phase in range(2):
        pairs = [run[phase : len(run) - (len(run) - phase) % 2] for run in runs]
        yield bytes.fromhex(b"".join(pairs).decode())


def _origins(pattern: re.Pattern[bytes], meant: _Meaning, text: bytes) -> list[tuple[int, int]]:
    """Where each byte of the undone text came from: (start, stop) in the text as it is."""
    origin: list[tuple[int, int]] = []
    at = 0
    for match in pattern.finditer(text):
        origin.extend((place, place + 1) for place in range(at, match.start()))
        origin.extend([match.span()] * len(meant(match)))
        at = match.end()
    origin.extend((place, place + 1) for place in range(at, len(text)))
    return origin
