"""Somebody whom webhooks are told: a server on loopback that keeps what it hears and behaves as it is told.

What it does with a request is a function of the connection: ``answer(500)``, ``hang``, ``reset`` and so on. Behaviours
are given per path, and are used up one after the other; where none is left, it answers 200.
"""

import socket
import struct
import threading
from collections import defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qs


@dataclass
class Told:
    """A request as it came in."""

    path: str
    headers: dict
    form: dict

    @property
    def token(self):
        return self.headers["i-twilio-idempotency-token"]

    def __getitem__(self, name):
        return self.form[name][0]


class Receiver:
    """Listens until it is closed."""

    def __init__(self, tls=None, port=0):
        self.tls, self.closing = tls, threading.Event()
        self.told, self.behaviours, self.usual = [], defaultdict(deque), {}
        self.listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closing.set()
        # A thread that waits in accept() would hold the port.
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def url(self, path, fragment="", host="127.0.0.1"):
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{host}:{self.port}{path}" + (f"#{fragment}" if fragment else "")

    def will(self, path, *behaviours):
        """What happens to the next requests to this path."""
        self.behaviours[path].extend(behaviours)

    def at(self, path):
        """What was told at a path so far."""
        return [told for told in self.told if told.path == path]

    def _accept(self):
        while not self.closing.is_set():
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link):
        with suppress(OSError), link:
            link.settimeout(30)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                link = self.tls.wrap_socket(link, server_side=True)
            stream = link.makefile("rb")
            while told := self._read(stream):
                given, usual = self.behaviours[told.path], self.usual.get(told.path, answer(200))
                behaviour = given.popleft() if given else usual
                self.told.append(told)
                if not behaviour(link, self.closing):
                    return

    def _read(self, stream):
        head = stream.readline().decode()
        if not head:
            return None
        headers = {}
        while line := stream.readline().strip().decode():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0))).decode()
        path, _, query = head.split()[1].partition("?")
        return Told(path, headers, parse_qs(body or query, keep_blank_values=True))


# Behaviours. True where the connection goes on.


def answer(status, body=b"", **headers):
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *lines]

    def behave(link, _):
        link.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return True

    return behave


def hang(link, closing):
    """Nothing comes until the caller has gone."""
    link.recv(1)


def slow_body(link, closing):
    """A good status, and then a byte now and then."""
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not closing.wait(0.05):
        link.sendall(b"x")


def endless_body(link, closing):
    """A good status, and a body without an end, as fast as it is taken."""
    link.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not closing.is_set():
        link.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


def endless_head(link, closing):
    """A good status, and headers without an end."""
    link.sendall(b"HTTP/1.1 200 OK\r\n")
    while not closing.is_set():
        link.sendall(b"X-Flood: " + b"x" * 1000 + b"\r\n")


def junk(link, closing):
    """Something that is no answer."""
    link.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def reset(link, closing):
    """The connection is torn."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
