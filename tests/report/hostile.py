"""The example report with hostile text wherever a renderer shows what was captured."""

from __future__ import annotations

from dataclasses import replace

from inspector.model.capture import Oddity
from inspector.model.conclusions import RootCause, RuledOut
from inspector.model.http import ApiError
from inspector.model.report import Report


def spoiled(report: Report, text: str) -> Report:
    """`report` with `text` for every name, value and sentence that is free text."""
    exchange = report.exchanges[0]
    tunnel, direct = report.tunnels[0], report.direct_tls[0]
    assert exchange.request is not None
    assert exchange.response is not None
    assert tunnel.tls is not None
    tls = replace(tunnel.tls, sni=text, version=text, alerts=(text,))
    client = replace(
        report.clients[0],
        user_agent=text,
        auth_headers=tuple(
            replace(h, name=text, scheme=text) for h in report.clients[0].auth_headers
        ),
    )
    return replace(
        report,
        captures=(replace(report.captures[0], name=text),),
        completeness=replace(report.completeness, because=(text,), limits_hit=(text,)),
        topology=replace(report.topology, notes=(text,), source=text),
        clients=(client,),
        exchanges=(
            replace(
                exchange,
                upgrade=text,
                request=replace(exchange.request, method=text, target=text, user_agent=text),
                response=replace(exchange.response, api_error=ApiError(text, text)),
            ),
        ),
        tunnels=(
            replace(tunnel, authority=text, tls=tls),
            replace(report.tunnels[2], authority=text, proxy_error=text),
        ),
        direct_tls=(replace(direct, tls=replace(direct.tls, sni=text)),),
        oddities=(Oddity(text, 1, (1,), text),),
        chains=(replace(report.chains[0], reasons=(text,)),),
        hypotheses=tuple(
            replace(h, question=text, because=(text, text)) for h in report.hypotheses
        ),
        findings=tuple(replace(f, code=text, title=text, advice=text) for f in report.findings),
        root_cause=RootCause(
            code=text,
            explains=1,
            of=2,
            sentence=text,
            ruled_out=(RuledOut(text, text),),
            details=(text,),
            not_in_packets=text,
            advice=text,
        ),
    )
