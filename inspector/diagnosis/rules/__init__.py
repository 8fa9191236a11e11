"""The rules, one a file, in the catalogue's order."""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.rule import Cause, Notice, OfCall, OfExchange, OfTunnel
from inspector.diagnosis.rules import (
    agent_bypasses_squid,
    anthropic_beta_retired,
    anthropic_version_unusual,
    api_proxy_bypassed,
    api_proxy_bypasses_squid,
    api_proxy_unreachable,
    call_failed,
    call_through_squid,
    call_unanswered,
    capture_incomplete,
    client_aborted,
    client_left_after_end,
    credential_malformed,
    credential_malformed_notice,
    credentials_differ,
    log_status_differs,
    log_tunnel_empty,
    log_without_packets,
    no_api_call,
    no_auth_header,
    origin_form_at_squid,
    plain_http_in_connect,
    proxy_died,
    proxy_not_configured,
    proxy_not_listening,
    proxy_refused,
    real_key_on_agent_hop,
    response_cut,
    retry_storm,
    side_traffic_denied,
    sni_mismatch,
    squid_cannot_connect,
    squid_denied,
    squid_dns_failure,
    squid_down,
    squid_page_relayed,
    stream_buffered,
    stream_cut,
    stream_error_event,
    stream_malformed,
    stream_stalled,
    tls_failed_in_tunnel,
    tunnel_without_data,
    upstream_bad_request,
    upstream_forbidden,
    upstream_overloaded,
    upstream_rate_limited,
    upstream_rejected_credential,
    upstream_server_error,
    wrong_auth_scheme,
    wrong_path,
)

#: A failed call has the first of these that explains it: the nearest to its origin.
CAUSES: Final[tuple[Cause, ...]] = (
    credential_malformed.CAUSE,
    wrong_path.CAUSE,
    proxy_died.CAUSE,
    proxy_not_configured.CAUSE,
    proxy_refused.CAUSE,
    squid_down.CAUSE,
    squid_denied.CAUSE,
    squid_dns_failure.CAUSE,
    squid_cannot_connect.CAUSE,
    tls_failed_in_tunnel.CAUSE,
    wrong_auth_scheme.CAUSE,
    upstream_rejected_credential.CAUSE,
    upstream_forbidden.CAUSE,
    upstream_rate_limited.CAUSE,
    upstream_overloaded.CAUSE,
    upstream_server_error.CAUSE,
    upstream_bad_request.CAUSE,
    stream_error_event.CAUSE,
    stream_malformed.CAUSE,
    stream_stalled.CAUSE,
    stream_cut.CAUSE,
    response_cut.CAUSE,
    client_aborted.CAUSE,
)

#: Asked of every failed call, in the one pass over them.
OF_CALLS: Final[tuple[OfCall, ...]] = (
    call_unanswered.NOTICE,
    squid_page_relayed.NOTICE,
    anthropic_beta_retired.OF_CALLS,
)

#: Asked of every failed call that none of the causes explains.
UNEXPLAINED: Final[OfCall] = call_failed.NOTICE

#: Asked of every exchange, in the one pass over them.
OF_EXCHANGES: Final[tuple[OfExchange, ...]] = (
    credential_malformed_notice.NOTICE,
    real_key_on_agent_hop.NOTICE,
    no_auth_header.NOTICE,
    anthropic_version_unusual.NOTICE,
    credentials_differ.NOTICE,
    call_through_squid.NOTICE,
    stream_buffered.NOTICE,
    origin_form_at_squid.NOTICE,
    side_traffic_denied.OF_REQUESTS,
    api_proxy_bypassed.OF_REQUESTS,
    client_left_after_end.NOTICE,
    capture_incomplete.NOTICE,
)

#: Asked of every tunnel, in the one pass over them.
OF_TUNNELS: Final[tuple[OfTunnel, ...]] = (
    api_proxy_bypassed.NOTICE,
    plain_http_in_connect.NOTICE,
    sni_mismatch.NOTICE,
    tunnel_without_data.NOTICE,
    side_traffic_denied.NOTICE,
    squid_denied.OF_TUNNELS,
    real_key_on_agent_hop.OF_TUNNELS,
)

#: Asked of the case.
NOTICES: Final[tuple[Notice, ...]] = (
    proxy_not_listening.NOTICE,
    api_proxy_unreachable.NOTICE,
    retry_storm.NOTICE,
    anthropic_beta_retired.OF_RETRIES,
    agent_bypasses_squid.NOTICE,
    api_proxy_bypasses_squid.NOTICE,
    no_api_call.NOTICE,
    log_tunnel_empty.NOTICE,
    log_status_differs.NOTICE,
    log_without_packets.NOTICE,
)

#: Every code that has a rule.
RULED: Final[frozenset[str]] = frozenset(
    [rule.code for rule in CAUSES]
    + [rule.code for rule in (*OF_CALLS, UNEXPLAINED)]
    + [rule.code for rule in OF_EXCHANGES]
    + [rule.code for rule in OF_TUNNELS]
    + [rule.code for rule in NOTICES]
)
