"""The `anthropic` and `openai` Python SDKs as an agent uses them.

Run as `python python_sdk.py '{"sdk": "anthropic", "base_url": …, …}'`; prints
the rows described in `lab.clients`, one for each request that the SDK
made, its own retries included.

Keys of the argument: `sdk` ("anthropic" or "openai"), `base_url`, `api_key`, `auth_token`
(anthropic only), `calls`, `stream`, `retries`, `betas`, `timeout`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

CREDENTIAL_HEADERS = {"authorization", "x-api-key", "api-key"}


class Log:
    """Rows of the requests made so far, filled by the HTTP client's event hooks."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.rows: list[dict[str, Any]] = []

    def hooks(self) -> dict[str, list[Callable[..., Any]]]:
        return {"request": [self.request], "response": [self.response]}

    def request(self, request: Any) -> None:
        named = [(name.decode(), value.decode()) for name, value in request.headers.raw]
        self.rows.append(
            {
                "event": "client_call",
                "program": self.program,
                "n": len(self.rows) + 1,
                "client": None,
                "server": f"{request.url.host}:{request.url.port}",
                "via": "direct",
                "method": request.method,
                "target": request.url.raw_path.decode(),
                "header_names": [name for name, _ in named],
                "user_agent": request.headers.get("user-agent"),
                "auth": [
                    {"name": name, "value": value}
                    for name, value in named
                    if name.lower() in CREDENTIAL_HEADERS
                ],
                "status": None,
                "body_bytes": None,
                "response_finished": False,
                "error": None,
                "started_at": time.time(),
            }
        )

    def response(self, response: Any) -> None:
        row = self.rows[-1]
        row["status"] = response.status_code
        address = response.extensions["network_stream"].get_extra_info("client_addr")
        row["client"] = f"{address[0]}:{address[1]}"
        # Errors and retried answers are read by the SDK itself, whole or not at all.
        row["response_finished"] = response.status_code >= 400


def ask_anthropic(spec: dict[str, Any], log: Log) -> None:
    import anthropic

    hooks: dict[str, list[Callable[..., Any]]] = {
        "request": [log.request],
        "response": [log.response],
    }
    client = anthropic.Anthropic(
        base_url=spec["base_url"],
        api_key=spec.get("api_key"),
        auth_token=spec.get("auth_token"),
        max_retries=spec.get("retries", 2),
        timeout=spec.get("timeout", 20.0),
        http_client=anthropic.DefaultHttpxClient(event_hooks=hooks, trust_env=False),
    )
    message: dict[str, Any] = {
        "model": "claude-lab-1",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "Say hello to the lab."}],
    }
    if betas := spec.get("betas"):
        message["extra_headers"] = {"anthropic-beta": ",".join(betas)}
    if spec.get("stream"):
        # The low-level stream: an SDK that takes the end of the body for the end of the answer.
        for _ in client.messages.create(**message, stream=True):
            pass
    else:
        client.messages.create(**message)


def ask_openai(spec: dict[str, Any], log: Log) -> None:
    import openai

    hooks: dict[str, list[Callable[..., Any]]] = {
        "request": [log.request],
        "response": [log.response],
    }
    client = openai.OpenAI(
        base_url=spec["base_url"],
        api_key=spec["api_key"],
        max_retries=spec.get("retries", 2),
        timeout=spec.get("timeout", 20.0),
        http_client=openai.DefaultHttpxClient(event_hooks=hooks, trust_env=False),
    )
    message: dict[str, Any] = {
        "model": "gpt-lab-1",
        "messages": [{"role": "user", "content": "Say hello to the lab."}],
    }
    if spec.get("stream"):
        for _ in client.chat.completions.create(**message, stream=True):
            pass
    else:
        client.chat.completions.create(**message)


ASK = {"anthropic": ask_anthropic, "openai": ask_openai}


def main(spec: dict[str, Any]) -> None:
    for _ in range(spec.get("calls", 1)):
        log = Log(f"{spec['sdk']}-python")
        try:
            ASK[spec["sdk"]](spec, log)
            log.rows[-1]["response_finished"] = True
        except Exception as error:
            # Whatever an SDK raises is this call's outcome.
            if log.rows:
                log.rows[-1]["error"] = f"{type(error).__name__}: {error}"
        for row in log.rows:
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
