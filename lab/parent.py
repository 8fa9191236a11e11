"""A proxy behind Squid (`cache_peer`), as companies have one: it answers every CONNECT itself.

Run on the lab's world as `python parent.py ADDRESS PORT STATUS`; it says "listening" when it does.
With 407 it asks for credentials in `Proxy-Authenticate`, which nobody has; anything else is bare.
"""

from __future__ import annotations

import socket
import sys
import threading
from typing import Final

_REASONS: Final = {403: "Forbidden", 407: "Proxy Authentication Required", 502: "Bad Gateway"}
_CHALLENGE: Final = 'Proxy-Authenticate: Basic realm="lab parent"\r\n'


def answer(status: int) -> bytes:
    """The head with which it refuses, and closes."""
    challenge = _CHALLENGE if status == 407 else ""
    return (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\n{challenge}"
        "Content-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()


def serve(client: socket.socket, status: int) -> None:
    """Read one request's head and refuse it."""
    with client:
        read = b""
        while b"\r\n\r\n" not in read:
            data = client.recv(65536)
            if not data:
                return
            read += data
        client.sendall(answer(status))


def main() -> None:
    """Listen until ended."""
    address, port, status = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with socket.create_server((address, port)) as listener:
        print("listening", flush=True)
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client, status), daemon=True).start()


if __name__ == "__main__":
    main()
