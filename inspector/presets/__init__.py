"""Networks of other products, each a topology file that ships with the program (`--preset`).

Every file says in comments where each fact is from.  A preset is read by what reads `--topology`:
there is no second format.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: Name of a preset -> what it is, in a few words.
PRESETS: Final[dict[str, str]] = {
    "awf": "the firewall of agentic workflows: agent, API proxy, Squid",
    "docker-sandbox": "Docker Sandboxes: a microVM behind the host's filtering proxy",
    "coder-boundary": "Coder's Agent Firewall (boundary): a jail whose TCP a proxy takes",
    "litellm": "LiteLLM's proxy, one port for all providers",
    "bifrost": "Bifrost, one port for all providers",
}


def path_of(name: str) -> Path:
    """The topology file of a preset."""
    return Path(__file__).with_name(f"{name}.toml")
