"""What a request may carry: credentials in their places, and headers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from inspector.model.credentials import AuthHeader
from inspector.policy.checks.demand import UNSEEN, Demand, Places, either
from inspector.policy.hearing import Hearing
from inspector.policy.model import Expect
from inspector.report.page.escape import clipped

_ON_THE_HOP: Final = "plaintext that agents sent to the API proxy, a gateway or Squid"


def _names(expect: Expect) -> str | None:
    if expect.auth is None or expect.auth.names is None:
        return None
    return f"a credential in {either(expect.auth.names)}, and nowhere else"


def _hold_names(hearing: Hearing, wanted: str) -> None:
    auth = hearing.expect.auth
    allowed = {name.lower() for name in (auth.names if auth is not None else None) or ()}
    others = Places()
    bare: list[str] = []
    unknown: list[str] = []
    for call in hearing.calls:
        request = call.request
        if request is None:
            unknown.append(call.id)
            continue
        names = {header.name.lower(): clipped(header.name, 60) for header in request.auth}
        for folded, name in names.items():
            if folded not in allowed:
                others.add(name, call.id)
        if not names:
            (bare if request.complete else unknown).append(call.id)
    others.tell(hearing, wanted, "a credential in {}")
    hearing.breach(wanted, "no credential", bare)
    hearing.needs_calls(wanted, unknown, UNSEEN)


def _schemes(expect: Expect) -> str | None:
    if expect.auth is None or expect.auth.schemes is None:
        return None
    return f"no authorization scheme but {either(expect.auth.schemes)}"


def _hold_schemes(hearing: Hearing, wanted: str) -> None:
    auth = hearing.expect.auth
    allowed = {scheme.lower() for scheme in (auth.schemes if auth is not None else None) or ()}
    others = Places()
    for call, request in hearing.requests():
        for header in request.auth:
            if header.name.lower().endswith("authorization"):
                scheme = header.scheme or "none"
                if scheme.lower() not in allowed:
                    others.add(scheme, call.id)
    others.tell(hearing, wanted, "the scheme {}")
    _needs_requests(hearing, wanted)


def _kinds(expect: Expect) -> str | None:
    if expect.auth is None or expect.auth.kinds is None:
        return None
    return f"no credential but of the kind {either(expect.auth.kinds)}"


def _hold_kinds(hearing: Hearing, wanted: str) -> None:
    auth = hearing.expect.auth
    allowed = (auth.kinds if auth is not None else None) or ()
    others = Places()
    for call, request in hearing.requests():
        for header in request.auth:
            if header.credential.kind not in allowed:
                others.add(header.credential.kind, call.id)
    others.tell(hearing, wanted, "one of the kind {}")
    _needs_requests(hearing, wanted)


def _placeholders(expect: Expect) -> str | None:
    if expect.auth is None or expect.auth.placeholders is None:
        return None
    return f"no placeholder but {either(expect.auth.placeholders)}"


def _hold_placeholders(hearing: Hearing, wanted: str) -> None:
    auth = hearing.expect.auth
    allowed = (auth.placeholders if auth is not None else None) or ()
    others = Places()
    for call, request in hearing.requests():
        for header in request.auth:
            known = header.credential.placeholder
            if known is not None and known not in allowed:
                others.add(known, call.id)
    others.tell(hearing, wanted, "{}")
    _needs_requests(hearing, wanted)


def _query(expect: Expect) -> str | None:
    if expect.auth is None or expect.auth.query:
        return None
    return "no credential in a query"


def _hold_query(hearing: Hearing, wanted: str) -> None:
    others = Places()
    for call, request in hearing.requests():
        for header in request.auth:
            if header.name.startswith("?"):
                others.add(header.name, call.id)
    others.tell(hearing, wanted, "one in {}")
    _needs_requests(hearing, wanted)


def _placeholder_only(expect: Expect) -> str | None:
    if not expect.placeholder_only:
        return None
    where = ", bodies too" if expect.placeholder_only == "everywhere" else ""
    return f"placeholders only{where}"


def _hold_placeholder_only(hearing: Hearing, wanted: str) -> None:
    real = [call.id for call, request in hearing.requests() if _is_real(request.auth)]
    connects = [tunnel.id for tunnel in hearing.agents_connects() if _is_real(tunnel.auth)]
    hearing.breach(wanted, "another credential", real)
    hearing.breach(wanted, "another credential in a CONNECT", connects)
    if hearing.expect.placeholder_only == "everywhere":
        asked = [(call, request) for call, request in hearing.requests() if request.body_bytes]
        held = [call.id for call, request in asked if request.key_in_body is not None]
        hearing.breach(wanted, "a key in a body", held)
        unknown = [
            call.id
            for call, request in asked
            if request.key_in_body is None and not request.body_searched
        ]
        if unknown:
            hearing.doubt(wanted, "the body of the request was not searched", unknown)
    _needs_requests(hearing, wanted, "the request was not seen")


def _is_real(auth: Iterable[AuthHeader]) -> bool:
    return any(header.credential.placeholder is None for header in auth)


def _absent(expect: Expect) -> str | None:
    names = expect.headers.absent if expect.headers is not None else ()
    return f"no header {either(names)}" if names else None


def _hold_absent(hearing: Hearing, wanted: str) -> None:
    rules = hearing.expect.headers
    names = {name.lower() for name in (rules.absent if rules is not None else ())}
    found, unknown = Places(), []
    for call in hearing.calls:
        request = call.request
        has = [] if request is None else [n for n, _ in request.headers if n.lower() in names]
        for name in has:
            found.add(name, call.id)
        if not has and (request is None or not request.complete):
            unknown.append(call.id)
    found.tell(hearing, wanted, "the header {}")
    hearing.needs_calls(wanted, unknown, UNSEEN)


def _present(expect: Expect) -> str | None:
    names = expect.headers.present if expect.headers is not None else ()
    return f"a header {' and '.join(names)}" if names else None


def _hold_present(hearing: Hearing, wanted: str) -> None:
    rules = hearing.expect.headers
    names = {name.lower(): name for name in (rules.present if rules is not None else ())}
    without, unknown = Places(), []
    for call in hearing.calls:
        request = call.request
        has = set() if request is None else {name.lower() for name, _ in request.headers}
        lacking = [name for folded, name in names.items() if folded not in has]
        if lacking and (request is None or not request.complete):
            unknown.append(call.id)
            continue
        for name in lacking:
            without.add(name, call.id)
    without.tell(hearing, wanted, "a request without {}")
    hearing.needs_calls(wanted, unknown, UNSEEN)


def _needs_requests(hearing: Hearing, wanted: str, why: str = UNSEEN) -> None:
    hearing.needs_calls(wanted, [call.id for call in hearing.calls if call.request is None], why)


CHECKS: Final = (
    Demand(("auth",), _ON_THE_HOP, _names, _hold_names),
    Demand(("auth",), _ON_THE_HOP, _schemes, _hold_schemes),
    Demand(("auth",), _ON_THE_HOP, _kinds, _hold_kinds),
    Demand(("auth",), _ON_THE_HOP, _placeholders, _hold_placeholders),
    Demand(("auth",), _ON_THE_HOP, _query, _hold_query),
    Demand(("placeholder_only",), _ON_THE_HOP, _placeholder_only, _hold_placeholder_only),
    Demand(("headers",), _ON_THE_HOP, _absent, _hold_absent),
    Demand(("headers",), _ON_THE_HOP, _present, _hold_present),
)
