"""`tertulia intercept`: programs that hold no URL of ours, the hosts that are not Twilio's, and how it ends."""

import http.server
import json
import os
import pty
import shutil
import signal
import socketserver
import ssl
import stat
import subprocess
import sys
import threading

import pytest
from harness import process
from harness.raw import call
from harness.waiting import until

NODE = process.ROOT / "sdk-tests/node"
# A developer's own settings must not decide what is tested.
OWN = ("PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")

PYTHON_PROGRAM = """
import json, os, requests
from twilio.rest import Client

client = Client()
conversations = client.conversations.v1.conversations
made = [conversations.create(friendly_name=str(n)) for n in range(3)]
raw = requests.get(
    "https://conversations.twilio.com/v1/Conversations/" + made[0].sid, auth=client.auth, timeout=30
)
other = requests.get("https://messaging.twilio.com/v1/Services", auth=client.auth, timeout=30)
print(json.dumps({
    "url": made[0].url, "listed": len(conversations.list(page_size=1)), "raw": raw.json()["friendly_name"],
    "other": [other.status_code, other.json()["code"], other.json()["message"]], "account": client.account_sid,
}))
"""

NODE_PROGRAM = """
const { conversations } = require("twilio")().conversations.v1;
(async () => {
  const made = await conversations.create({ friendlyName: "0" });
  await conversations.create();
  await conversations(made.sid).messages.create({ body: "hello" });
  const listed = await conversations.list({ pageSize: 1 });
  console.log(JSON.stringify({ url: made.url, listed: listed.length }));
})();
"""


@pytest.fixture
def scratch(tmp_path):
    """Where the command puts its temporary files, so that a test sees what is left."""
    made = tmp_path / "tmp"
    made.mkdir()
    return made


@pytest.fixture
def intercept(tmp_path, scratch):
    """Runs a program to its end: ``intercept("--passthrough", program=["python", ...])``."""

    def run(*flags, program, variables=None, seconds=60, **keywords):
        return subprocess.run(
            [process.binary(), "intercept", *flags, "--", *map(str, program)], capture_output=True, text=True,
            env=environment(scratch, variables), cwd=keywords.pop("cwd", tmp_path), timeout=seconds,
            stdin=subprocess.DEVNULL, **keywords,
        )

    return run


def environment(scratch, variables=None):
    kept = process.environment({"TMPDIR": str(scratch), **(variables or {})})
    given = variables or {}
    return {k: v for k, v in kept.items() if k in given or not k.upper().endswith(OWN)}


def python(text):
    return [sys.executable, "-c", text]


def left(scratch):
    return [file.name for file in scratch.iterdir() if file.name.startswith("tertulia")]


def test_a_python_program_runs_unchanged(intercept, tmp_path, scratch):
    ran = intercept(program=python(PYTHON_PROGRAM))
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["url"].startswith("https://conversations.twilio.com/v1/Conversations/CH")
    assert (told["listed"], told["raw"]) == (3, "0")
    status, code, message = told["other"]
    assert (status, code) == (404, 20404) and "not served here" in message
    assert ran.stderr == "", "nothing of ours is said where nothing is wrong"
    assert left(scratch) == [] and not (tmp_path / "tertulia-data").exists(), "nothing stays"


def test_a_node_program_runs_unchanged(intercept):
    ran = intercept(program=["node", "-e", NODE_PROGRAM], cwd=NODE)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["url"].startswith("https://conversations.twilio.com/") and told["listed"] == 2


def test_nodes_own_fetch_runs_unchanged_where_it_minds_proxies(intercept):
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(map(int, version[1:].split(".")))[:2] < (22, 21):
        pytest.skip("this Node's fetch minds no proxy")
    ran = intercept(program=["node", "-e", """
const user = `${process.env.TWILIO_ACCOUNT_SID}:${process.env.TWILIO_AUTH_TOKEN}`;
const authorization = "Basic " + Buffer.from(user).toString("base64");
fetch("https://conversations.twilio.com/v1/Services", { headers: { authorization } }).then((got) => console.log(got.status));
"""])
    assert ran.stdout == "200\n", ran.stderr


def test_the_asynchronous_python_library_needs_a_session_that_trusts_the_environment(intercept):
    ran = intercept(program=python("""
import asyncio, aiohttp
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

async def main():
    transport = AsyncTwilioHttpClient(pool_connections=False)
    transport.session = aiohttp.ClientSession(trust_env=True)
    async with transport:
        print((await Client(http_client=transport).conversations.v1.conversations.create_async()).url)

asyncio.run(main())
"""))
    assert ran.stdout.startswith("https://conversations.twilio.com/v1/"), ran.stderr


def test_curl_runs_unchanged(intercept):
    assert shutil.which("curl"), "curl is part of this test"
    script = 'curl -sS -u "$TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN" -d FriendlyName=x'
    for scheme in ("https", "http"):
        ran = intercept(program=["sh", "-c", f"{script} {scheme}://Conversations.Dublin.IE1.Twilio.com/v1/Conversations"])
        assert json.loads(ran.stdout)["friendly_name"] == "x", ran.stderr


def test_a_program_keeps_its_own_credentials(intercept):
    own = {
        "TWILIO_ACCOUNT_SID": process.ACCOUNT_SID, "TWILIO_AUTH_TOKEN": process.AUTH_TOKEN,
        "TWILIO_API_KEY": process.API_KEY_SID, "TWILIO_API_SECRET": process.API_KEY_SECRET,
    }
    ran = intercept(program=python("""
import os
from twilio.rest import Client
env = os.environ
for client in (Client(), Client(env["TWILIO_API_KEY"], env["TWILIO_API_SECRET"], env["TWILIO_ACCOUNT_SID"])):
    print(client.conversations.v1.conversations.create().account_sid)
"""), variables=own)
    assert ran.stdout.split() == [process.ACCOUNT_SID] * 2, ran.stderr


def test_credentials_that_no_server_can_know_are_told_of(intercept):
    ran = intercept(program=["true"], variables={"TWILIO_ACCOUNT_SID": "ACtest"})
    assert ran.returncode == 0 and "TWILIO_ACCOUNT_SID is not AC and 32" in ran.stderr


def test_other_hosts_are_refused(intercept):
    ran = intercept(program=python("""
import requests
print(requests.get("http://example.org/", timeout=30).status_code)
for url in ("https://example.org/", "https://eviltwilio.com/", "https://conversations.twilio.com:8443/"):
    try:
        requests.get(url, timeout=30)
    except requests.exceptions.ProxyError as error:
        print("Refused by tertulia intercept" in str(error))
"""))
    assert ran.stdout.split() == ["403", "True", "True", "True"], ran.stderr
    assert ran.stderr.count("example.org") == 1, "a host is told of once"
    assert "--passthrough" in ran.stderr


def test_a_program_that_trusts_others_only_is_told_of(intercept):
    ran = intercept(program=python("""
import certifi, requests
try:
    requests.get("https://conversations.twilio.com/v1/Services", verify=certifi.where(), timeout=30)
except requests.exceptions.SSLError:
    print("refused")
"""))
    assert ran.stdout == "refused\n"
    assert "went away from the TLS of conversations.twilio.com" in ran.stderr


class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Web(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


@pytest.fixture
def web(tmp_path):
    """A server of the test's own, in the clear and with TLS: (port, port, file of its certificate)."""
    assert shutil.which("openssl"), "openssl makes the certificate of this test"
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-keyout", key, "-out", certificate, "-subj", "/CN=web", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    plain, secure = (Web(("127.0.0.1", 0), Echo) for _ in range(2))
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    for one in (plain, secure):
        threading.Thread(target=one.serve_forever, daemon=True).start()
    yield plain.server_port, secure.server_port, str(certificate)
    for one in (plain, secure):
        one.shutdown()
        one.server_close()


@pytest.mark.parametrize("flags", [["--passthrough"], []])
def test_other_hosts_are_passed_where_they_may(intercept, web, flags):
    """By the proxy, because the program forgets that these two are at home; with the authorities it had before."""
    plain, secure, certificate = web
    ran = intercept(*flags, program=python(f"""
import os, requests
from twilio.rest import Client
os.environ["NO_PROXY"] = os.environ["no_proxy"] = ""
for url in ("http://127.0.0.1:{plain}/plain", "https://127.0.0.1:{secure}/secure"):
    try:
        print(requests.get(url, timeout=30).text.split()[0])
    except requests.exceptions.ProxyError:
        print("refused")
print(len(Client().conversations.v1.conversations.list()))
"""), variables={"SSL_CERT_FILE": certificate})
    expected = ["/plain", "/secure", "0"] if flags else ["tertulia", "refused", "0"]
    assert ran.stdout.split() == expected, ran.stderr


def test_what_the_program_serves_itself_it_reaches(intercept, web):
    plain, secure, certificate = web
    ran = intercept(program=python(f"""
import requests
for url in ("http://127.0.0.1:{plain}/plain", "https://127.0.0.1:{secure}/secure"):
    print(requests.get(url, timeout=30).text)
"""), variables={"REQUESTS_CA_BUNDLE": certificate})
    assert ran.stdout.split() == ["/plain", "/secure"], ran.stderr


def test_the_authority_is_good_for_twilio_alone_and_its_key_is_in_no_file(intercept):
    ran = intercept(program=python("""
import json, os, socket, ssl, stat
from pathlib import Path
bundle = Path(os.environ["SSL_CERT_FILE"])
folder = bundle.parent
ours = bundle.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----"
context = ssl.create_default_context()
context.verify_flags |= ssl.VERIFY_X509_STRICT
proxy = os.environ["HTTPS_PROXY"].rsplit(":", 1)
raw = socket.create_connection(("127.0.0.1", int(proxy[1])))
raw.sendall(b"CONNECT conversations.twilio.com:443 HTTP/1.1\\r\\n\\r\\n")
raw.recv(4096)
secure = context.wrap_socket(raw, server_hostname="conversations.twilio.com")
print(json.dumps({
    "folder": stat.S_IMODE(folder.stat().st_mode),
    "modes": sorted({stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir() if file.is_file()}),
    "keys": [str(file) for file in folder.rglob("*") if file.is_file() and b"PRIVATE KEY" in file.read_bytes()],
    "names": secure.getpeercert()["subjectAltName"], "pem": ours,
}))
"""))
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["folder"], told["modes"], told["keys"]) == (0o700, [0o600], [])
    assert told["names"] == [["DNS", "conversations.twilio.com"]]
    if shutil.which("openssl"):
        shown = subprocess.run(
            ["openssl", "x509", "-noout", "-text"], input=told["pem"], capture_output=True, text=True, check=True
        ).stdout
        for part in ("X509v3 Name Constraints: critical", "DNS:twilio.com", "CA:TRUE, pathlen:0", "Certificate Sign"):
            assert part in shown, shown


def test_the_status_of_the_program_is_passed_on(intercept, scratch):
    for program, status in (
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -KILL $$"], 137),
        ([scratch / "is not there"], 127),
        (["/dev/null"], 126),
    ):
        assert intercept(program=program).returncode == status, program
        assert left(scratch) == []


def test_input_and_output_are_the_programs_own(tmp_path, scratch):
    ran = subprocess.run(
        [process.binary(), "intercept", "sh", "-c", "cat; echo told >&2"], input="typed", capture_output=True,
        text=True, env=environment(scratch), cwd=tmp_path, timeout=60,
    )
    assert (ran.stdout, ran.stderr) == ("typed", "told\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_handled", [True, False])
def test_signals_are_passed_on_and_tidied_up_after(tmp_path, scratch, number, is_handled):
    ready = tmp_path / "ready"
    program = f"""
import os, pathlib, signal
signal.signal({number:d}, {"lambda *_: os._exit(40)" if is_handled else "signal.SIG_DFL"})
pathlib.Path({str(ready)!r}).touch()
while True:
    signal.pause()
"""
    # Without a terminal, because what is typed at one reaches the program by itself.
    running = subprocess.Popen(
        [process.binary(), "intercept", "--", *python(program)], env=environment(scratch), cwd=tmp_path,
        start_new_session=True, stdin=subprocess.DEVNULL,
    )
    until(ready.exists, "the program to begin")
    running.send_signal(number)
    assert running.wait(timeout=40) == (40 if is_handled else 128 + number)
    assert left(scratch) == []


def test_what_is_typed_at_a_terminal_is_not_told_twice(tmp_path, scratch):
    ready, heard = tmp_path / "ready", tmp_path / "heard"
    program = f"""
import os, pathlib, signal
heard = os.open({str(heard)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
signal.signal(signal.SIGINT, lambda *_: os.write(heard, b"x"))
pathlib.Path({str(ready)!r}).touch()
while True:
    signal.pause()
"""
    command = [process.binary(), "intercept", "--", *python(program)]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(command[0], command, environment(scratch))
    until(ready.exists, "the program to begin")
    os.write(terminal, b"\x03")
    until(lambda: heard.read_text(), "the program to be interrupted")
    os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGTERM
    os.close(terminal)
    assert heard.read_text() == "x"


def test_a_server_that_runs_is_used(intercept, tmp_path):
    running = process.start(tmp_path / "data")
    own = {"TWILIO_ACCOUNT_SID": process.ACCOUNT_SID, "TWILIO_AUTH_TOKEN": process.AUTH_TOKEN}
    create = python("from twilio.rest import Client; print(Client().conversations.v1.conversations.create().sid)")
    try:
        ran = intercept("--data", tmp_path / "data", program=create, variables=own)
        assert call(running, "GET", f"/v1/Conversations/{ran.stdout.strip()}").status == 200, ran.stderr
        ran = intercept("--ephemeral", program=create, variables=own | {"TERTULIA_DATA": str(tmp_path / "data")})
        assert call(running, "GET", f"/v1/Conversations/{ran.stdout.strip()}").status == 404, ran.stderr
        ran = intercept("--data", tmp_path / "data", "--lenient", program=["true"])
        assert ran.returncode == 125 and "a server runs on" in ran.stderr
    finally:
        running.stop()


def test_a_directory_that_is_named_keeps_what_it_has(intercept, tmp_path):
    program = python("""
import os
from twilio.rest import Client
conversations = Client().conversations.v1.conversations
print(os.environ["TWILIO_ACCOUNT_SID"], len(conversations.list()))
conversations.create()
""")
    first, second = (intercept("--data", tmp_path / "kept", program=program) for _ in range(2))
    sid = first.stdout.split()[0]
    assert (first.stdout, second.stdout) == (f"{sid} 0\n", f"{sid} 1\n"), second.stderr
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o700


def test_a_clock_and_a_seed_make_a_run_repeatable(intercept):
    program = python("""
import os, requests
from twilio.rest import Client
made = Client().conversations.v1.conversations.create(timers_inactive="P1D")
token = {"Authorization": "Bearer " + os.environ["TERTULIA_ADMIN_TOKEN"]}
clock = os.environ["TERTULIA_URL"] + "/tertulia/v1/Clock"
assert requests.post(clock, data={"Advance": "P1D"}, headers=token, timeout=30).status_code == 200
print(made.sid, made.date_created, Client().conversations.v1.conversations(made.sid).fetch().state)
""")
    one, other = (intercept("--clock", "manual", "--seed", "7", program=program) for _ in range(2))
    assert one.stdout == other.stdout and one.stdout.endswith(" inactive\n"), one.stderr


def test_what_it_cannot_do_it_says(intercept):
    for flags, said in (
        (["--pasthrough"], "unexpected argument"),
        (["--ephemeral", "--data", "x"], "cannot be used with"),
        (["--listen", "nowhere"], "server.listen"),
    ):
        ran = intercept(*flags, program=["true"])
        assert ran.returncode in (2, 125) and said in ran.stderr
    assert "unchanged" in process.run("intercept", "--help").stdout
