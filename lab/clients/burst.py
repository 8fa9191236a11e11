"""Many calls at once: each on a connection of its own, as hundreds of sub-agents make them.

Reads `{"url": …, "headers": …, "bodies": […], "within": seconds}` from its input; one request
for each body, all sent within that time, each read to the end of its answer.  Prints how many
had which status, as JSON; `null` is for those without one.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

READ = 1 << 16


async def call(spec: dict[str, Any], body: str, after: float) -> int | None:
    """One request, `after` so many seconds; the status of its answer."""
    await asyncio.sleep(after)
    url = urlsplit(spec["url"])
    content = body.encode()
    lines = [f"POST {url.path} HTTP/1.1", f"host: {url.netloc}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in spec["headers"]]
    lines += [f"content-length: {len(content)}", "", ""]
    try:
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write("\r\n".join(lines).encode() + content)
        answer = b""
        while piece := await reader.read(READ):
            answer = answer or piece
        writer.close()
    except OSError:
        return None
    return int(answer[9:12]) if answer else None


async def main(spec: dict[str, Any]) -> None:
    """All calls of the specification."""
    bodies = spec["bodies"]
    step = spec["within"] / len(bodies)
    statuses = await asyncio.gather(
        *(call(spec, body, number * step) for number, body in enumerate(bodies))
    )
    print(json.dumps(Counter(str(status) for status in statuses)))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.read())))
