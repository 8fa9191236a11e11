"""Where OpenSSL hands a secret to a key log, whether or not anybody asked for one.

OpenSSL calls an internal function for each secret of a session, and asks only inside of it
whether there is a callback (ssl/ssl_lib.c, since 1.1.1).  Its arguments are what a line of a key
log is made of:

    ssl_log_secret(SSL *, label, secret, length)            the client's random is in the SSL
    nss_keylog_int(label, SSL *, random, 32, secret, length)   which the former calls

A program that is linked with OpenSSL statically and exports what it has (Node.js) has the first one
among its symbols; where the random is in the structure is read in the code of the public function
`SSL_get_client_random`, and of a build that does not show it is learnt while it runs
(`live.calibration`).  In a stripped library the second one is the only function that compares
the field with zero which the public `SSL_CTX_set_keylog_callback` sets.

Measured: Node.js 18 to 24 (OpenSSL 3.0 and 3.5) and Debian's libssl 3.  What is found here is a
guess all the same: what it gives is keyed by the client's random and opens a record or does not.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from inspector.executables.elf import X86_64, ElfImage, Symbol, UnreadableProgram
from inspector.fact import Fact
from inspector.regex import regex

#: Bytes of a function that are looked at.
_BODY: Final = 160
#: Comparisons that are looked at: of more than one function none is taken.
_HITS: Final = 64
#: A structure of OpenSSL has fewer bytes (SSL of 3.5: 2.7 KB).
_STRUCTURE: Final = 1 << 14

_SETTER: Final = b"SSL_CTX_set_keylog_callback"
_GETTER: Final = b"SSL_get_client_random"
_LOGGER: Final = b"ssl_log_secret"

#: `lea N(%rdi), any register`
_LEA_RDI: Final = regex(rb"[\x48\x4c]\x8d[\x87\x8f\x97\x9f\xa7\xaf\xb7\xbf](....)", re.DOTALL)
#: `mov %rsi, N(%rdi)`
_SET_RDI: Final = regex(rb"\x48\x89\xb7(....)", re.DOTALL)


class Layout(Fact):
    """Which arguments of a function, counted from 0, are what.

    `random`: a pointer to `random_offset` bytes before the client's random; None: it is not known
    how far, and has to be learnt from the sessions.
    """

    label: int
    random: int
    random_offset: int | None
    secret: int
    length: int


class KeyLogSite(Fact):
    """A place for a probe: `offset` is of the file, `name` the function's in OpenSSL's source."""

    name: str
    offset: int
    layout: Layout


def find_key_log(image: ElfImage) -> KeyLogSite | None:
    """The place in a program or library; None: there is no OpenSSL in it that can be seen.

    Raises `UnreadableProgram` for an OpenSSL whose place is not found, and says why.
    """
    setter, logger = image.symbol(_SETTER), image.symbol(_LOGGER)
    if setter is None and logger is None:
        return None
    if image.machine != X86_64:
        raise UnreadableProgram("it is OpenSSL for another machine than x86-64")
    if logger is not None:
        layout = Layout(label=1, random=0, random_offset=_random(image), secret=2, length=3)
        return KeyLogSite("ssl_log_secret", image.offset(logger.address), layout)
    assert setter is not None
    layout = Layout(label=0, random=2, random_offset=0, secret=4, length=5)
    return KeyLogSite("nss_keylog_int", image.offset(_comparing(image, setter)), layout)


def _random(image: ElfImage) -> int | None:
    """Where a session has the client's random; None where the code does not show it."""
    getter = image.symbol(_GETTER)
    found = set() if getter is None else set(_LEA_RDI.findall(_code(image, getter)))
    number = _number(found.pop()) if len(found) == 1 else 0
    return number if 0 < number < _STRUCTURE else None


def _comparing(image: ElfImage, setter: Symbol) -> int:
    """The one function that asks whether there is a callback."""
    set_to = {_number(each) for each in _SET_RDI.findall(_code(image, setter))}
    if len(set_to) != 1:
        raise UnreadableProgram(f"{_SETTER.decode()} does not show where the callback is")
    field = _field(set_to.pop()).to_bytes(4, "little")
    # `cmpq $0, N(any register)`: r12 would need another byte.
    compares = re.compile(rb"[\x48\x49]\x83[\xb8-\xbb\xbd-\xbf]" + re.escape(field) + rb"\0")
    hits = (
        address + hit.start() for address, code in image.code() for hit in compares.finditer(code)
    )
    functions = {image.function_of(hit) for hit in islice(hits, _HITS)}
    if len(functions) != 1 or (function := functions.pop()) is None:
        raise UnreadableProgram("not one function alone in it asks for the callback of a key log")
    return function


def _code(image: ElfImage, symbol: Symbol) -> bytes:
    return image.read(symbol.address, min(symbol.size or _BODY, _BODY))


def _number(displacement: bytes) -> int:
    return int.from_bytes(displacement, "little", signed=True)


def _field(number: int) -> int:
    if not 0 < number < _STRUCTURE:
        raise UnreadableProgram(
            "the place of a field in OpenSSL's structures is not to be believed"
        )
    return number
