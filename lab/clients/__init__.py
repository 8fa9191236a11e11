"""Clients of the lab: real programs that run in the agent's namespace.

Each program is given one JSON object as its first argument and prints one JSON
object a request on standard output.  These lines are the client's own log, one
of the four sources of a scenario's truth:

* `program`: who made the request (`curl`, `anthropic-python`, …);
* `client`, `server`: `ip:port` of the TCP connection, null where the program
  does not tell (fetch in Node);
* `method`, `target`: as the request line has them where the program tells, else
  the path of the URL;
* `header_names`: in wire order, null where the program does not tell;
* `user_agent`: as sent, or null;
* `auth`: `[{name, value}]`, the credential-bearing headers;
* `status`: of the response, null when none came;
* `body_bytes`: of the response as received;
* `response_finished`: whether the response ended as its framing promised;
* `error`: why not, in the program's words, or null;
* `via`: "direct", "absolute" (through Squid, `POST http://…`) or "connect"
  (inside a tunnel of its own), then with `connect_status`;
* `protocol`: of curl alone, where it is not HTTP/1.1: "h2c", or "tls" of a handshake that came to
  nothing;
* `started_at`: seconds since the epoch.
"""

from __future__ import annotations

from typing import Final

#: What the firewall gives its agent in place of keys (public constants).
ANTHROPIC_PLACEHOLDER: Final = "sk-ant-placeholder-key-for-credential-isolation"
OLD_TOKEN_PLACEHOLDER: Final = "placeholder-token-for-credential-isolation"
OPENAI_PLACEHOLDER: Final = "sk-placeholder-for-api-proxy"
COPILOT_PLACEHOLDER: Final = "ghu_" + 36 * "a"
GEMINI_PLACEHOLDER: Final = "gemini-api-key-placeholder-for-credential-isolation"

#: Headers whose value is a credential, lower case.
CREDENTIAL_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"}
)
