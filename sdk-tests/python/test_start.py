"""Starting and stopping: first and second start, one server a folder, ports, signals, settings, health, metrics."""

import os
import re
import signal
import socket
import stat
import subprocess
import urllib.request

import pytest
from harness import process
from harness.raw import call, make
from harness.waiting import until


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def start(data):
    """Starts servers that are stopped when the test is over."""
    running = []

    def begin(*flags, **keywords):
        running.append(process.start(keywords.pop("data", data), *flags, **keywords))
        return running[-1]

    yield begin
    for server in running:
        server.stop()


def spare_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def credentials_printed(server):
    """The credentials of the first start: an account sid, and the token that its snippets name."""
    output = server.output()
    sid = re.search(r"\bAC[0-9a-f]{32}\b", output)
    assert sid, f"no account sid in: {output}"
    tokens = set(re.findall(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])", output))
    assert len(tokens) == 1, f"one token, told wherever it is needed: {output}"
    return sid.group(0), tokens.pop()


def test_a_first_start_makes_an_account_and_says_how_to_use_it(start, data):
    server = start(pinned=False)
    server.account_sid, server.auth_token = credentials_printed(server)
    output = server.output()
    for hint in ("conversations.base_url", "conversations.baseUrl", "curl", server.url):
        assert hint in output

    made = make(server, "/v1/Conversations", {"UniqueName": "kept"})
    assert made["account_sid"] == server.account_sid
    assert made["messaging_service_sid"].startswith("MG")
    assert len(call(server, "GET", "/v1/Roles")["roles"]) == 4
    assert len(call(server, "GET", "/v1/Services")["services"]) == 1
    server.stop()

    again = start(pinned=False)
    again.account_sid, again.auth_token = server.account_sid, server.auth_token
    assert call(again, "GET", "/v1/Conversations/kept")["sid"] == made["sid"]
    assert call(again, "GET", "/v1/Conversations/kept")["chat_service_sid"] == made["chat_service_sid"]
    assert len(call(again, "GET", "/v1/Services")["services"]) == 1
    assert server.auth_token not in again.output(), "the token is told once"


def test_pinned_credentials_are_used_and_not_told(start):
    server = start()
    assert call(server, "GET", "/v1/Conversations").status == 200
    key = process.API_KEY_SID, process.API_KEY_SECRET
    assert call(server, "GET", "/v1/Conversations", credentials=key).status == 200
    assert process.AUTH_TOKEN not in server.output() and process.API_KEY_SECRET not in server.output()


def test_secrets_may_come_from_files(start, tmp_path):
    token = tmp_path / "token"
    token.write_text("11112222333344445555666677778888\n")
    server = start(
        pinned=False,
        variables={"TERTULIA_ACCOUNT_SID": process.ACCOUNT_SID, "TERTULIA_AUTH_TOKEN_FILE": str(token)},
    )
    server.auth_token = token.read_text().strip()
    assert call(server, "GET", "/v1/Conversations").status == 200


def test_the_master_key_is_for_its_owner_only(start, data):
    start()
    assert stat.S_IMODE(os.stat(data / "master.key").st_mode) == 0o600
    for file in data.rglob("*"):
        if file.is_file():
            assert process.AUTH_TOKEN.encode() not in file.read_bytes(), f"{file.name} holds the token in the clear"


def test_a_second_server_on_the_same_folder_refuses(start, data):
    first = start()
    second = process.run("serve", "--listen", "127.0.0.1:0", "--data", str(data), variables=process.PINNED)
    assert second.returncode != 0
    assert str(data) in second.stderr + second.stdout
    assert "panicked" not in second.stderr
    assert call(first, "GET", "/v1/Conversations").status == 200


def test_a_killed_server_leaves_its_folder_free(start):
    first = start()
    made = make(first, "/v1/Conversations")
    first.kill()
    assert call(start(), "GET", f"/v1/Conversations/{made['sid']}").status == 200


def test_port_zero_is_another_port_each_time(start, tmp_path):
    one, two = start(), start(data=tmp_path / "other")
    assert one.port != two.port and 0 not in (one.port, two.port)


def test_a_taken_port_is_told(start, tmp_path):
    first = start()
    second = process.run(
        "serve", "--listen", f"127.0.0.1:{first.port}", "--data", str(tmp_path / "other"), variables=process.PINNED
    )
    assert second.returncode != 0
    assert str(first.port) in second.stderr + second.stdout


@pytest.mark.parametrize("ask", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_though_a_client_holds_on(start, ask):
    server = start()
    with socket.create_connection(("127.0.0.1", server.port)) as idle:
        idle.sendall(b"GET /healthz/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
        server.process.send_signal(ask)
        assert server.process.wait(timeout=10) == 0
    server.stop()


def test_flags_stand_above_the_environment(start):
    start(variables={"TERTULIA_LISTEN": "127.0.0.1:1", "TERTULIA_DATA": "/nonexistent/data"})


def test_settings_may_come_from_the_environment(data, tmp_path):
    port, output = spare_port(), tmp_path / "output"
    settings = {
        **process.PINNED, "TERTULIA_LISTEN": f"127.0.0.1:{port}", "TERTULIA_DATA": str(data),
        "TERTULIA_METRICS_LISTEN": "off",
    }
    with output.open("wb") as sink:
        running = subprocess.Popen(
            [process.binary(), "serve"], stdout=sink, stderr=sink, env=process.environment(settings)
        )
    server = process.Server(running, f"http://127.0.0.1:{port}", data, output, output)
    until(server.is_ready, "the server to be ready")
    assert call(server, "GET", "/v1/Conversations").status == 200
    server.stop()


@pytest.mark.parametrize("arguments", [
    ["--nonsense"], ["--listen", "nowhere"], ["--listen", "127.0.0.1:99999"], ["--database", "mysql://x/y"], ["extra"],
])
def test_unknown_flags_and_values_are_errors(data, arguments):
    ran = process.run("serve", *arguments, variables={**process.PINNED, "TERTULIA_DATA": str(data)})
    assert ran.returncode != 0 and ran.stderr
    assert "panicked" not in ran.stderr


@pytest.mark.parametrize("content", ["nonsense = 1\n", "[listen]\nport = 1\n", "listen = \n", "lenient = 7\n"])
def test_unknown_configuration_keys_are_errors(data, tmp_path, content):
    file = tmp_path / "tertulia.toml"
    file.write_text(content)
    ran = process.run("serve", "--config", str(file), "--data", str(data), variables=process.PINNED)
    assert ran.returncode != 0
    assert "tertulia.toml" in ran.stderr and "panicked" not in ran.stderr


def test_a_bad_pinned_sid_is_an_error(data):
    ran = process.run(
        "serve", "--data", str(data), "--listen", "127.0.0.1:0",
        variables={**process.PINNED, "TERTULIA_ACCOUNT_SID": "ACnonsense"},
    )
    assert ran.returncode != 0 and "panicked" not in ran.stderr


def test_the_public_url_stands_in_every_url(start):
    server = start(port=spare_port(), variables={"TERTULIA_PUBLIC_URL": "https://twilio.example.org"})
    until(lambda: "https://twilio.example.org" in server.output(), "the URL to be told")
    made = make(server, "/v1/Conversations")
    assert made["url"] == f"https://twilio.example.org/v1/Conversations/{made['sid']}"
    meta = call(server, "GET", "/v1/Conversations?PageSize=1")["meta"]
    assert meta["url"].startswith("https://twilio.example.org/v1/Conversations?")


def test_a_trusted_proxy_tells_what_the_client_asked(start):
    server = start(variables={"TERTULIA_TRUSTED_PROXIES": "127.0.0.0/8"})
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "twilio.example.org"}
    made = make(server, "/v1/Conversations", headers=forwarded)
    assert made["url"] == f"https://twilio.example.org/v1/Conversations/{made['sid']}"
    assert make(server, "/v1/Conversations")["url"].startswith(server.url)


def read(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.status, response.headers, response.read().decode()


def test_health(start):
    server = start()
    for path in ("/healthz/live", "/healthz/ready"):
        assert read(server.url + path)[0] == 200


@pytest.mark.parametrize("by", ["flag", "environment"])
def test_metrics_have_a_door_of_their_own(start, by):
    listen = f"127.0.0.1:{spare_port()}"
    if by == "flag":
        server = start("--metrics-listen", listen)
    else:
        server = start(variables={"TERTULIA_METRICS_LISTEN": listen})
    make(server, "/v1/Conversations")
    status, headers, text = read(f"http://{listen}/metrics")
    assert status == 200 and headers["Content-Type"].startswith(("text/plain", "application/openmetrics-text"))
    assert re.search(r"^# TYPE \S+ (counter|gauge|histogram)$", text, re.M)
    for word in ("request", "queue", "batch", "commit", "wal"):
        assert re.search(rf"^[a-z_]*{word}[a-z_]*(\{{.*\}})? [0-9.eE+-]+", text, re.M), f"no metric of {word}: {text}"
    assert call(server, "GET", "/metrics").status == 404
    for secret in (process.AUTH_TOKEN, process.API_KEY_SECRET):
        assert secret not in text
