"""Receivers of webhooks, over http and over https, that keep whole requests as a web framework would see them."""

import http.server
import ssl
import subprocess
import threading
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from harness.waiting import until

SUBJECT_ALTERNATIVE = "subjectAltName=DNS:localhost,IP:127.0.0.1"


@dataclass
class Received:
    method: str
    url: str  # As the receiver rebuilds it: scheme, Host, path and query.
    headers: dict
    body: bytes

    @property
    def form(self):
        """Names and values of the body; none of a GET, whose values stand in the URL."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=bool(self.body)))

    @property
    def values(self):
        """The same of either."""
        return self.form or dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    def header(self, name):
        return self.headers.get(name.lower())


class Receiver:
    """Listens on 127.0.0.1 until it is closed; answers with ``status`` to whatever comes."""

    def __init__(self, certificate=None, status=200):
        self.received = []
        self.scheme = "https" if certificate else "http"
        keep, scheme = self.received, self.scheme

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def take(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                keep.append(Received(self.command, f"{scheme}://{headers['host']}{self.path}", headers, body))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST = take

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self):
        """Takes the request that came first."""
        until(lambda: self.received, "a webhook")
        return self.received.pop(0)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def certificates(folder):
    """A CA of one's own, and what it has signed for this machine: the CA's file, and (certificate, key)."""
    authority, authority_key, key = folder / "ca.pem", folder / "ca.key", folder / "own.key"
    request, certificate, extensions = folder / "own.csr", folder / "own.pem", folder / "own.ext"
    extensions.write_text(SUBJECT_ALTERNATIVE)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for command in (
        ["req", "-x509", *curve, "-days", "1", "-subj", "/CN=a test's own", "-keyout", authority_key, "-out", authority],
        ["req", *curve, "-subj", "/CN=localhost", "-keyout", key, "-out", request],
        ["x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-days", "1",
         "-extfile", extensions, "-out", certificate],
    ):
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    return authority, (certificate, key)
