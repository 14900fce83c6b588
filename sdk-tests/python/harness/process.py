"""A running server: started like a person would start it, stopped by SIGTERM, its output kept for failures.

Every server listens on a port of its own choosing, which it prints. Credentials are pinned by the environment
unless a test wants to see what a first start makes up.
"""

import json
import os
import re
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from harness import description
from harness.waiting import until

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "fedcba9876543210" * 2
API_KEY_SID = "SK" + "00112233445566778899aabbccddeeff"
API_KEY_SECRET = "a-secret-of-thirty-two-letters-00"
PINNED = {
    "TERTULIA_ACCOUNT_SID": ACCOUNT_SID,
    "TERTULIA_AUTH_TOKEN": AUTH_TOKEN,
    "TERTULIA_API_KEY_SID": API_KEY_SID,
    "TERTULIA_API_KEY_SECRET": API_KEY_SECRET,
}
PRINTED_URL = re.compile(r"https?://127\.0\.0\.1:\d+")


def binary():
    """The program under test: TERTULIA_TEST_BINARY, else what cargo built last."""
    named = os.environ.get("TERTULIA_TEST_BINARY")
    if named:
        return named
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )
    path = Path(json.loads(metadata.stdout)["target_directory"]) / "debug" / "tertulia"
    assert path.exists(), f"{path} is missing: cargo build"
    return str(path)


def environment(variables=None):
    """The caller's environment without any setting of the server or of a client, plus ``variables``."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TERTULIA_", "TWILIO_"))}
    return {**kept, "RUST_BACKTRACE": "1", **(variables or {})}


def run(*arguments, variables=None, seconds=60):
    """Runs a command of the program to its end."""
    return subprocess.run(
        [binary(), *arguments], env=environment(variables), capture_output=True, text=True, timeout=seconds,
        stdin=subprocess.DEVNULL, cwd=tempfile.gettempdir(),
    )


@dataclass
class Server:
    """One running ``tertulia serve``."""

    process: subprocess.Popen
    url: str
    data: Path
    told: Path
    log: Path
    account_sid: str = ACCOUNT_SID
    auth_token: str = AUTH_TOKEN
    engine: str = "sqlite"
    _stopped: bool = field(default=False, repr=False)

    @property
    def credentials(self):
        return self.account_sid, self.auth_token

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    def output(self):
        """What it printed, and what it logged."""
        return self.told.read_text(errors="replace") + self.log.read_text(errors="replace")

    def is_ready(self):
        return _answers(self.url + "/healthz/ready")

    def stop(self):
        """Asks the server to end and insists that it ends well, having met no panic on its way."""
        if self._stopped:
            return
        self._stopped = True
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=40)
        assert code == 0, f"the server ended with {code}:\n{self.output()[-4000:]}"
        assert "panicked" not in self.output(), f"the server met a panic:\n{self.output()[-8000:]}"

    def kill(self):
        """Ends the server without a chance to tidy up."""
        self._stopped = True
        self.process.kill()
        self.process.wait(timeout=40)


def start(data, *flags, database=None, variables=None, pinned=True, engine="sqlite", port=0):
    """Starts a server on ``data`` and answers once it is ready to take writes."""
    data = Path(data)
    kept = Path(tempfile.mkdtemp(prefix="output-", dir=data.parent))
    told, log = kept / "stdout", kept / "stderr"
    arguments = [binary(), "serve", "--listen", f"127.0.0.1:{port}", "--data", str(data), *flags]
    if database:
        arguments += ["--database", database]
    settings = {"TERTULIA_METRICS_LISTEN": "off", **(PINNED if pinned else {}), **(variables or {})}
    with told.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(
            arguments, env=environment(settings), stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            cwd=tempfile.gettempdir(),
        )
    server = Server(process, "", data, told, log, engine=engine)
    try:
        known = f"http://127.0.0.1:{port}" if port else None
        server.url = known or until(lambda: _printed_url(server), "the server to print its URL")
        until(lambda: _alive(server) and server.is_ready(), "the server to be ready")
        description.learn(server.url)
    except AssertionError as failure:
        server.kill()
        raise AssertionError(f"{failure}; it said:\n{server.output()[-4000:]}") from None
    return server


def _printed_url(server):
    found = PRINTED_URL.search(server.told.read_text(errors="replace"))
    return found.group(0) if found else _alive(server) and None


def _alive(server):
    code = server.process.poll()
    assert code is None, f"the server ended with {code}"
    return True


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False
