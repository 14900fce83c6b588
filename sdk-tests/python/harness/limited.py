"""Servers with limits of rate, and what it takes to meet them."""

import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path

from harness import process
from harness.raw import FORM, basic, call
from harness.waiting import until


@contextmanager
def limited(*flags, variables=None, **limits):
    """A server of one's own, whose limits the configuration file says."""
    with tempfile.TemporaryDirectory(prefix="limited-") as folder:
        file = Path(folder, "tertulia.toml")
        file.write_text("[limits]\n" + "".join(f"{name} = {number}\n" for name, number in limits.items()))
        server = process.start(Path(folder, "data"), "--config", str(file), *flags, variables=variables)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def one_running(server):
    """While this lasts a request of the account runs: its body does not come. In the end it comes, and is taken."""
    head = (
        f"POST /v1/Conversations HTTP/1.1\r\nHost: localhost\r\nAuthorization: {basic(*server.credentials)}\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: 14\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as link:
        link.sendall(head.encode())
        # The server asks for the body once the request is one of those that run.
        assert link.recv(65536).startswith(b"HTTP/1.1 100")
        yield
        link.sendall(b"FriendlyName=x")
        assert link.recv(65536).startswith(b"HTTP/1.1 201")
        until(lambda: running(server) == 1, "the request to end")


def running(server):
    """The account's requests that run, with the one that asks."""
    return int(call(server, "GET", "/v1/Conversations?PageSize=1").headers["Twilio-Concurrent-Requests"])
