"""Content templates: kept by our administration in the shape of Twilio's Content API, named by messages."""

import json

import pytest
from harness.clients import refused
from harness.raw import call, make

pytestmark = pytest.mark.both

TEMPLATES = "/tertulia/v1/ContentTemplates"
NOBODY = "HX" + "0" * 32


def ask(server, method, path=TEMPLATES, template=None, **keywords):
    """A template goes in as JSON, as the Content API takes it."""
    if template is None:
        return call(server, method, path, **keywords)
    headers = {"Content-Type": "application/json"}
    return call(server, method, path, body=json.dumps(template), headers=headers, **keywords)


def made(server, body, **more):
    answer = ask(server, "POST", template={"language": "en", "types": {"twilio/text": {"body": body}}, **more})
    assert answer.status == 201, answer.text
    return answer.json


def test_a_message_is_rendered_from_its_template(server, form, name):
    conversation = form.conversation()
    sid = made(server, "Hi {{name}}, order {{2}} is {{3}}", variables={"2": "17", "3": "late"})["sid"]
    variables = json.dumps({"name": "Ada", "3": "on its way"})
    said = conversation.messages.create(content_sid=sid, content_variables=variables, body="ignored")
    assert (said.body, said.content_sid, said.media) == ("Hi Ada, order 17 is on its way", sid, None)
    assert conversation.messages.create(content_sid=sid).body == "Hi {{name}}, order 17 is late"

    assert ask(server, "DELETE", f"{TEMPLATES}/{sid}").status == 204
    with refused(400, 50526):
        conversation.messages.create(content_sid=sid)
    kept = conversation.messages(said.sid).fetch()
    assert (kept.body, kept.content_sid) == (said.body, sid)
    edited = conversation.messages(said.sid).update(body="edited")
    assert (edited.body, edited.content_sid) == ("edited", sid)


def test_an_imported_template_keeps_its_sid(server, name, phone):
    sid = f"HX{phone()[1:].rjust(32, '0')}"
    exported = {
        "sid": sid, "account_sid": "AC" + "1" * 32, "friendly_name": name("greeting"), "language": "de",
        "variables": {}, "types": {"twilio/quick-reply": {"body": "Hallo", "actions": [{"title": "Ja", "id": "y"}]}},
        "date_created": "2024-01-01T00:00:00Z", "date_updated": "2024-01-01T00:00:00Z",
        "url": f"https://content.twilio.com/v1/Content/{sid}", "links": {"approval_fetch": "https://example.org"},
    }
    answer = ask(server, "POST", template=exported)
    assert answer.status == 201, answer.text
    for kept in ("sid", "friendly_name", "language", "variables", "types"):
        assert answer[kept] == exported[kept]
    assert (answer["account_sid"], answer["url"]) == (server.account_sid, f"{server.url}{TEMPLATES}/{sid}")
    assert ask(server, "GET", f"{TEMPLATES}/{sid}").json == answer.json
    assert (ask(server, "POST", template=exported).status, ask(server, "POST", template=exported).code) == (409, 20409)


def test_templates_belong_to_their_account(server):
    token = json.loads((server.data / "server.json").read_text())["admin_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    other = call(server, "POST", "/tertulia/v1/Accounts", {}, credentials=False, headers=bearer)
    theirs, credentials = other["sid"], (other["sid"], other["auth_token"])
    ours = made(server, "ours")["sid"]
    for method in ("GET", "DELETE"):
        assert ask(server, method, f"{TEMPLATES}/{ours}", credentials=credentials).status == 404

    # The same sid may be in both, and a key of the account will do.
    key = make(server, "/tertulia/v1/Keys", credentials=credentials)
    template = {"sid": ours, "types": {"twilio/text": {"body": "theirs"}}}
    assert ask(server, "POST", template=template, credentials=(key["sid"], key["secret"])).status == 201
    for sid, body in ((theirs, "theirs"), (server.account_sid, "ours")):
        path = f"{TEMPLATES}/{ours}?AccountSid={sid}"
        answer = call(server, "GET", path, credentials=False, headers=bearer)
        assert answer["types"]["twilio/text"]["body"] == body

    # With the server's token the account is named on every page.
    second = make(server, TEMPLATES, {"Types": json.dumps(template["types"])}, credentials=credentials)["sid"]
    path, seen = f"{TEMPLATES}?AccountSid={theirs}&PageSize=1", []
    while path:
        answer = call(server, "GET", path, credentials=False, headers=bearer)
        seen += [one["sid"] for one in answer["contents"]]
        path = (answer["meta"]["next_page_url"] or "").removeprefix(server.url)
    assert seen == [ours, second]


def test_what_is_wrong_has_its_code(server, form):
    messages = form.conversation().messages
    sid = made(server, "Hi {{1}}")["sid"]
    for code, keywords in (
        (50526, {"content_sid": "HX1"}),
        (50526, {"content_sid": NOBODY}),
        (50527, {"content_sid": sid, "content_variables": "junk"}),
        (50527, {"content_sid": sid, "content_variables": '["1"]'}),
        (50528, {"body": "x", "content_variables": "{}"}),
        (50529, {"content_sid": sid, "content_variables": json.dumps({"1": "x" * 27_801})}),
        (50540, {"content_sid": sid, "content_variables": json.dumps({"x" * 17: ""})}),
        (50541, {"content_sid": sid, "content_variables": json.dumps({"1": "x" * 257})}),
    ):
        with refused(400, code):
            messages.create(**keywords)
    unknown = ask(server, "POST", template={"types": {"whatsapp/authentication": {"add_security_recommendation": True}}})
    with refused(400, 50542):
        messages.create(content_sid=unknown["sid"])
    assert messages.list() == []
