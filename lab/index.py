"""Writes `captures/README.md`: the scenarios that were recorded, each by what it looks like.

``python -m lab.index``
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, Final

CAPTURES: Final = Path(__file__).resolve().parents[1] / "captures"

_HEAD: Final = """\
# Captures

<!-- Written by `python -m lab.index` from the scenario.toml files. -->

Each folder is one recording of the lab (`lab/`): a real bridge, Squid, TLS, curl and SDKs,
with stand-ins for the API proxy and the APIs behind it; Claude Code is played by a plain client
that sends its headers. All keys are made up (`LABONLY`). Find the picture that looks like the
failing run at hand.

| file | what it is |
|---|---|
| `capture.pcapng` | the bridge as dumpcap saw it |
| `scenario.toml` | what was done, what is wrong, what there is to learn |
| `truth.json` | what happened, from the programs' own logs; `expect` is the right diagnosis |
| `expected.json` | what the report ought to say; follows from the two above |
| `access.log`, `api-proxy.jsonl` | Squid's and the API proxy's logs; absent when empty |
| `keys.log` | the TLS secrets of all tunnels, where there was TLS; issue-1527 has none |

`make captures` records all of them anew, `make captures SCENARIO=name` one.
"""

_HEALTHY: Final = "Healthy, or nothing failed"


def index() -> str:
    """The page: failures by root cause, then what is healthy."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(CAPTURES.glob("*/scenario.toml")):
        scenario = tomllib.loads(path.read_text())
        cause = scenario["expect"].get("root_cause")
        if cause is None and scenario["report"]["verdict"] != "complete":
            cause = "the capture lacks something"
        groups.setdefault(cause or _HEALTHY, []).append(scenario)
    sections = [_HEAD]
    for cause in sorted(groups, key=lambda cause: (cause == _HEALTHY, cause)):
        title = f"`{cause}`" if " " not in cause else cause[0].upper() + cause[1:]
        sections.append(f"## {title}\n")
        sections.extend(_entry(scenario) for scenario in groups[cause])
    return "\n".join(sections)


def _entry(scenario: dict[str, Any]) -> str:
    name = scenario["name"]
    wrong = "" if scenario["wrong"] == "nothing" else f" *{scenario['wrong']}*"
    truth = json.loads((CAPTURES / name / "truth.json").read_text())
    # The log of who stands behind a gateway does not have what the agent got from it.
    asked = truth["client_calls" if scenario["lab"].get("gateway") else "agent_requests"]
    statuses = [str(item["status"] or "none") for item in asked]
    counts = ", ".join(f"{statuses.count(status)} x {status}" for status in dict.fromkeys(statuses))
    connects = sum(line["method"] == "CONNECT" for line in truth["squid_log"])
    return (
        f"### [{name}]({name}/)\n\n"
        f"**{scenario['title']}.**{wrong} {scenario['what']}\n\n"
        f"Agent's answers: {counts or 'no request'}; CONNECTs in Squid's log: {connects}.\n\n"
        f"> {scenario['learn']}\n"
    )


def write() -> None:
    """Bring `captures/README.md` up to date."""
    (CAPTURES / "README.md").write_text(index())


if __name__ == "__main__":
    write()
