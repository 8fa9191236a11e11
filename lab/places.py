"""Where the hosts of a scenario are, by its `truth.json`; what the API proxy's ports stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

PROVIDERS: Final = {
    10000: "openai",
    10001: "anthropic",
    10002: "copilot",
    10003: "gemini",
    10004: "vertex",
}


def place(text: str) -> tuple[str, int]:
    """`ip:port` as a pair; an IPv6 address may stand in brackets."""
    ip, _, port = text.rpartition(":")
    return ip.strip("[]"), int(port)


def squid_address(truth: Mapping[str, Any]) -> str:
    return "fd00:172:30::10" if _is_ipv6(truth) else "172.30.0.10"


def agent_address(truth: Mapping[str, Any]) -> str:
    return "fd00:172:30::20" if _is_ipv6(truth) else "172.30.0.20"


def api_proxy_address(truth: Mapping[str, Any]) -> str:
    return "fd00:172:30::30" if _is_ipv6(truth) else "172.30.0.30"


def _is_ipv6(truth: Mapping[str, Any]) -> bool:
    return any(request["server"].startswith("[") for request in truth["agent_requests"])
