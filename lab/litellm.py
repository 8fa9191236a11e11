"""litellm's proxy in the API proxy's place: it asks the API by itself, in tunnels that it keeps.

PyPI's `litellm[proxy]` has the program (`tools/environment DIRECTORY gateways`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lab.clients import ANTHROPIC_PLACEHOLDER

#: The model that its clients may name.
MODEL: Final = "claude-lab-1"
#: Who is asked at start-up has nothing to look up in the world.
ENVIRONMENT: Final[Mapping[str, str]] = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "NO_COLOR": "1",
    "PYTHONWARNINGS": "ignore",
}


def configuration(host: str, key: str, limits: Mapping[str, str]) -> str:
    """Its configuration, as JSON (which is YAML): one model of Anthropic's.

    ``limits``: `timeout` in seconds of a call upstream; `master_key`, which clients must send: the
    firewall's placeholder, unless it says another.
    """
    parameters: dict[str, Any] = {
        "model": f"anthropic/{MODEL}",
        "api_key": key,
        "api_base": f"https://{host}",
    }
    if "timeout" in limits:
        parameters |= {"timeout": float(limits["timeout"])}
    master = limits.get("master_key", ANTHROPIC_PLACEHOLDER)
    return json.dumps(
        {
            "model_list": [{"model_name": MODEL, "litellm_params": parameters}],
            "general_settings": {"master_key": master},
            "litellm_settings": {"num_retries": 0},
            "router_settings": {"num_retries": 0},
        },
        indent=1,
    )


def environment(squid: tuple[str, int], ca: Path) -> dict[str, str]:
    """What its process is told besides: Squid as the way out, and whom it trusts."""
    proxy = f"http://{squid[0]}:{squid[1]}"
    trust = {"SSL_CERT_FILE": str(ca), "REQUESTS_CA_BUNDLE": str(ca)}
    return {**ENVIRONMENT, "HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, **trust}
