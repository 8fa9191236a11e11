"""No object that a run is made of gives a credential: only `Secret`s and the vault hold any."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import re
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from inspector.credentials import CredentialReader, Scrubber
from inspector.credentials.masking import Masker
from inspector.credentials.masks import Masks
from inspector.credentials.memo import Memo
from inspector.credentials.text_masks import TextMasker
from inspector.inspection import Inspector
from inspector.options import Options
from inspector.redaction import Redactor
from inspector.redaction.audit import Audit
from inspector.secret import Secret
from inspector.secrets.vault import Vault
from tests.exchanges.network import Network, request, response, say
from tests.flows.build import Packet
from tests.redaction.test_audit import batches

KEY = "made-up-Zq7Lm2Vw9Xr4Kt-LABONLY"
PASSWORD = "Np8Qs5Yd3Bf-LABONLY-password"
PIECE = 12

#: What only leads out of the objects of a run.
_ELSEWHERE = (ModuleType, CodeType, FrameType, BuiltinFunctionType, type)
#: What may hold credentials.
_HOLDERS = (Secret, Vault)


def pieces(key: str) -> list[bytes]:
    raw = key.lower().encode()
    return [raw[at : at + PIECE] for at in range(len(raw) - PIECE + 1)]


SOUGHT = [*pieces(KEY), *pieces(PASSWORD)]


def reachable(start: object) -> Iterator[tuple[object, str]]:
    """Every object that can be reached from one, each with the types on the way."""
    seen: set[int] = set()
    waiting: list[tuple[object, str]] = [(start, type(start).__name__)]
    alive: list[object] = []
    while waiting:
        found, way = waiting.pop()
        if id(found) in seen or isinstance(found, (*_ELSEWHERE, *_HOLDERS)):
            continue
        seen.add(id(found))
        alive.append(found)
        yield found, way
        if isinstance(found, FunctionType):
            inner: list[object] = [cell.cell_contents for cell in found.__closure__ or ()]
        else:
            inner = gc.get_referents(found)
        waiting += ((one, f"{way} > {type(one).__name__}") for one in inner)


def text_of(found: object) -> bytes:
    if isinstance(found, str):
        return found.encode("utf-8", "surrogatepass")
    if isinstance(found, bytes | bytearray | memoryview):
        return bytes(found)
    if isinstance(found, re.Pattern):
        return text_of(found.pattern)
    if isinstance(found, io.BytesIO):
        return found.getvalue()
    return b""


def holders(start: object) -> set[str]:
    """The ways to whatever gives a piece of a key."""
    return {
        way
        for found, way in reachable(start)
        if any(piece in text_of(found).lower() for piece in SOUGHT)
    }


def run() -> list[Packet]:
    """Calls with keys in several positions, answered, echoed, and closed."""
    net = Network()
    say(
        net.to_api_proxy(),
        request(
            f"POST /v1/messages?key={KEY} HTTP/1.1",
            f"X-Api-Key: {KEY}",
            f"Cookie: session={PASSWORD}; theme=dark",
            f"X-Note: {KEY}",
        ),
        response("HTTP/1.1 401 Unauthorized", body=b'{"error":{"message":"no %s"}}' % KEY.encode()),
    ).close()
    say(net.to_api_proxy(), request("GET / HTTP/1.1", f"Authorization: Bearer {KEY}"), response())
    return net.wire.packets


def inspected() -> Inspector:
    inspector = Inspector(Options(fingerprint_key=b"made up"))
    for batch in batches(run()):
        inspector.feed(batch)
    inspector.finish()
    return inspector


def redacted() -> Redactor:
    redactor = Redactor()
    for batch in batches(run()):
        for _ in redactor.feed(batch):
            pass
    for _ in redactor.finish():
        pass
    return redactor


def test_the_search_finds_what_is_there() -> None:
    pattern = re.compile(KEY)
    for held in ({"a": [KEY]}, pattern, lambda: KEY + pattern.pattern, bytearray(KEY.encode())):
        assert holders([held])
    assert not holders([Secret(KEY.encode())])


def test_nothing_that_an_inspector_holds_gives_a_key() -> None:
    assert holders(inspected()) == set()


def test_nothing_that_a_redactor_holds_gives_a_key() -> None:
    assert holders(redacted()) == set()


def vault() -> Vault:
    made = Vault(b"made up")
    made.learn(Secret(KEY.encode()))
    return made


def memo() -> Memo[int]:
    made: Memo[int] = Memo(b"made up")
    made.put((b"x-api-key", KEY.encode()), True)
    return made


def reader() -> CredentialReader:
    made = CredentialReader(b"made up")
    made.auth([(b"x-api-key", KEY.encode())])
    return made


def masker() -> Masker:
    made = Masker(b"made up")
    made.field("x-api-key", KEY)
    return made


MADE: dict[str, Callable[[], Any]] = {
    "Vault": vault,
    "Secret": lambda: Secret(KEY.encode()),
    "Memo": memo,
    "CredentialReader": reader,
    "Scrubber": lambda: Scrubber(b"made up", vault()),
    "Masker": masker,
    "TextMasker": lambda: TextMasker(Masks(b"made up"), vault(), memo()),
    "Audit": lambda: Audit(vault()),
    "Inspector": inspected,
    "Redactor": redacted,
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps, repr, str, vars])
def test_whatever_is_asked_of_a_holder_it_gives_no_key(
    made: Callable[[], Any], take: Callable[[Any], Any]
) -> None:
    try:
        taken = take(made())
    except (TypeError, AttributeError, pickle.PicklingError):
        return
    assert holders([taken]) == set()
    assert KEY not in repr(taken)
