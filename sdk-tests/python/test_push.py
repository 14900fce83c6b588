"""Push credentials and bindings: what notifications are sent with, and the devices they are sent to."""

import pytest
from harness.clients import path_of, refused
from harness.raw import call

pytestmark = pytest.mark.both

NOBODY = "0" * 32


@pytest.fixture
def credentials(twilio):
    return twilio.conversations.v1.credentials


def test_the_five_operations_of_credentials(twilio, credentials, name):
    friendly = name("phones")
    made = credentials.create(
        type="apn", friendly_name=friendly, certificate="-----BEGIN CERTIFICATE-----\nMIIF\n-----END CERTIFICATE-----",
        private_key="-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", sandbox=True,
    )
    assert (made.friendly_name, made.type, made.sandbox) == (friendly, "apn", "True")
    assert made.account_sid == twilio.account_sid
    assert made.date_created == made.date_updated
    assert path_of(made.url) == f"/v1/Credentials/{made.sid}"

    assert credentials(made.sid).fetch().friendly_name == friendly
    assert made.sid in [one.sid for one in credentials.list()]

    updated = credentials(made.sid).update(sandbox=False)
    assert (updated.friendly_name, updated.sandbox) == (friendly, "False")
    updated = credentials(made.sid).update(type="fcm", secret="a server key", friendly_name="Androids")
    assert (updated.type, updated.friendly_name) == ("fcm", "Androids")

    assert credentials(made.sid).delete() is True
    for gone in (
        credentials(made.sid).fetch, credentials(made.sid).delete,
        lambda: credentials(made.sid).update(friendly_name="gone"),
    ):
        with refused(404, 20404):
            gone()


@pytest.mark.parametrize("given", ["GcM", "fcm", "APN"])
def test_credentials_need_a_type_and_nothing_else(credentials, given):
    made = credentials.create(type=given)
    assert (made.type, made.sandbox, made.friendly_name) == (given.lower(), "False", None)


def test_credentials_that_are_refused(credentials):
    for wrong in ({"type": "twilsock"}, {"type": ""}, {"type": "apn", "sandbox": "perhaps"}):
        with refused(400, 20001):
            credentials.create(**wrong)
    for wrong in ("", "x" * 65):
        with refused(400, 20002):
            credentials.create(type="apn", friendly_name=wrong)
    assert credentials.create(type="apn", friendly_name="ü" * 64).friendly_name == "ü" * 64


def test_no_answer_shows_what_a_credential_is_made_of(server):
    form = {
        "Type": "apn", "Certificate": "hush-1", "PrivateKey": "hush-2", "ApiKey": "hush-3", "Secret": "hush-4",
    }
    made = call(server, "POST", "/v1/Credentials", form)
    path = f"/v1/Credentials/{made['sid']}"
    answers = [
        made, call(server, "GET", path), call(server, "GET", "/v1/Credentials"), call(server, "POST", path, form),
        call(server, "POST", path, form | {"Type": "hush"}),
    ]
    assert all("hush" not in answer.text for answer in answers)


def test_credentials_are_paged(credentials):
    made = [credentials.create(type="gcm").sid for _ in range(3)]
    listed = [one.sid for one in credentials.list(page_size=2)]
    assert listed[-3:] == made


def test_a_service_has_no_bindings_until_devices_register(service, name):
    """Devices register through the client SDKs, which are not served yet; until then testkit has the tests with rows."""
    bindings = service.root.bindings
    service.users.create(identity=name("alice"))
    assert bindings.list() == []
    assert bindings.list(binding_type=["apn", "FcM", "twilsock"], identity=[name(), name()]) == []
    with refused(400, 50209):
        bindings.list(binding_type=["apn", "mail"])
    for sid in ("BS" + NOBODY, "nothing"):
        with refused(404, 20404):
            bindings(sid).fetch()
        with refused(404, 20404):
            bindings(sid).delete()


def test_bindings_of_no_service(twilio, server):
    with refused(404, 20404):
        twilio.conversations.v1.services("IS" + NOBODY).bindings.list(binding_type=["mail"])
    assert call(server, "GET", "/v1/Bindings").status == 404


def test_filters_go_on_from_page_to_page(server, service):
    path = f"{service.path}/Bindings?Identity=a%26b&BindingType=FCM&Identity=c&PageSize=1000"
    meta = call(server, "GET", path)["meta"]
    assert meta["url"].endswith("/Bindings?BindingType=fcm&Identity=a%26b&Identity=c&PageSize=100&Page=0")
    assert (meta["key"], meta["page_size"]) == ("bindings", 100)
