"""What a running server measures, and what the system measures of it."""

import re
import urllib.request
from pathlib import Path

from harness.waiting import until

LISTENS = {"TERTULIA_METRICS_LISTEN": "127.0.0.1:0"}
PRINTED = re.compile(r"\bmetrics\S*=\S*?(127\.0\.0\.1:\d+)")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def metrics(server):
    """All figures of a server that was started with ``LISTENS``, by name and labels."""
    def address():
        return PRINTED.search(COLOURS.sub("", server.log.read_text(errors="replace")))

    url = f"http://{until(address, 'the metrics to be served').group(1)}/metrics"
    with urllib.request.urlopen(url, timeout=20) as response:
        lines = response.read().decode().splitlines()
    return {name: float(figure) for name, _, figure in (line.rpartition(" ") for line in lines if line[0] != "#")}


def anonymous_bytes(server):
    """What the server has in memory that is no file's."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1)) * 1024
