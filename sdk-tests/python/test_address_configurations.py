"""Address configurations: what a message does that reaches an address from somebody new."""

import pytest
from harness.clients import path_of, refused

pytestmark = pytest.mark.both

FLOW = "FW" + "0123456789abcdef" * 2


@pytest.fixture
def addresses(twilio):
    return twilio.conversations.v1.address_configurations


def webhook(**changes):
    return {
        "auto_creation_enabled": True, "auto_creation_type": "webhook",
        "auto_creation_webhook_url": "https://example.com/hook", "auto_creation_webhook_method": "post",
        "auto_creation_webhook_filters": ["onParticipantAdded", "onMessageAdded"],
    } | changes


def test_the_five_operations(twilio, addresses, service, phone):
    number = phone()
    made = addresses.create(
        type="sms", address=number, friendly_name="Shop", address_country="CA",
        **webhook(auto_creation_conversation_service_sid=service.service_sid),
    )
    assert (made.type, made.address, made.friendly_name) == ("sms", number, "Shop")
    assert made.address_country == "CA"
    assert made.account_sid == twilio.account_sid
    assert path_of(made.url) == f"/v1/Configuration/Addresses/{made.sid}"
    assert made.auto_creation == {
        "enabled": True, "type": "webhook", "conversation_service_sid": service.service_sid,
        "webhook_url": "https://example.com/hook", "webhook_method": "POST",
        "webhook_filters": ["onParticipantAdded", "onMessageAdded"],
    }

    for key in (made.sid, number):
        assert addresses(key).fetch().sid == made.sid
    assert made.sid in [one.sid for one in addresses.list()]

    updated = addresses(number).update(
        friendly_name="Updated", auto_creation_enabled=False, auto_creation_type="studio",
        auto_creation_studio_flow_sid=FLOW, auto_creation_studio_retry_count=3,
    )
    assert (updated.friendly_name, updated.address, updated.address_country) == ("Updated", number, "CA")
    assert updated.auto_creation == {
        "enabled": False, "type": "studio", "conversation_service_sid": service.service_sid,
        "studio_flow_sid": FLOW, "studio_retry_count": 3,
    }

    assert addresses(number).delete() is True
    for key in (made.sid, number):
        for gone in (
            addresses(key).fetch, addresses(key).delete, lambda key=key: addresses(key).update(friendly_name="gone"),
        ):
            with refused(404, 20404):
                gone()


@pytest.mark.parametrize(
    "kind, prefix",
    [("sms", ""), ("whatsapp", "whatsapp:"), ("whAtsAPP", "whatsapp:"), ("rcs", "rcs:"), ("messenger", "messenger:"),
     ("gbm", "gbm:"), ("apple", "urn:mbid:"), ("chat", "room "), ("email", None)],
)
def test_every_type_of_address(addresses, phone, name, kind, prefix):
    address = f"{name('desk')}@example.com" if prefix is None else prefix + phone()
    made = addresses.create(type=kind, address=address)
    assert (made.type, made.address) == (kind.lower(), address)
    assert (made.friendly_name, made.address_country) == (None, None)
    assert made.auto_creation == {"enabled": False, "type": "default"}
    assert addresses(address).fetch().sid == made.sid


def test_one_configuration_for_one_address(addresses, phone):
    number = phone()
    made = addresses.create(type="sms", address=number)
    with refused(409, 20409) as problem:
        addresses.create(type="sms", address=number, **webhook())
    assert problem.message.endswith("Address configuration already exists")
    assert addresses(made.sid).delete() is True
    assert addresses.create(type="sms", address=number).sid != made.sid


def test_lists_by_type(addresses, phone):
    rcs = [addresses.create(type="rcs", address=f"rcs:{phone()}").sid for _ in range(3)]
    sms = addresses.create(type="sms", address=phone()).sid
    listed = [one.sid for one in addresses.list(type="RCS", page_size=2)]
    assert listed[-3:] == rcs and sms not in listed
    with refused(400, 20001):
        addresses.list(type="fax")


def test_an_update_keeps_what_it_does_not_name(addresses, phone):
    made = addresses.create(type="sms", address=phone(), friendly_name="Shop", **webhook())
    updated = addresses(made.sid).update(auto_creation_webhook_filters=["onDeliveryUpdated"])
    assert updated.auto_creation == made.auto_creation | {"webhook_filters": ["onDeliveryUpdated"]}
    updated = addresses(made.sid).update(auto_creation_webhook_method="GET", auto_creation_enabled=False)
    assert (updated.auto_creation["webhook_method"], updated.auto_creation["enabled"]) == ("GET", False)
    assert (updated.friendly_name, updated.auto_creation["type"]) == ("Shop", "webhook")
    assert addresses(made.sid).update(auto_creation_type="Default").auto_creation == {
        "enabled": False, "type": "default",
    }


@pytest.mark.parametrize(
    "code, wrong",
    [
        (20001, {"type": "fax"}), (20001, {"type": ""}), (20001, {"address": "nobody"}), (20001, {"address": ""}),
        (20001, {"address_country": "CAN"}), (20001, {"auto_creation_type": "flow"}),
        (50003, {"friendly_name": "x" * 257}),
        (50050, {"auto_creation_conversation_service_sid": "IS" + "0" * 32}),
        (50055, webhook(auto_creation_webhook_method="put")),
        (50365, webhook(auto_creation_webhook_filters=["onMessageAdd"])),
        (50369, webhook(auto_creation_webhook_url="")),
        (50370, webhook(auto_creation_webhook_filters=[])),
        (50372, webhook(auto_creation_webhook_url="https://example.com/" + "x" * 500)),
        (20001, webhook(auto_creation_webhook_url="example.com")),
        (50367, {"auto_creation_type": "studio"}),
        (50367, {"auto_creation_type": "studio", "auto_creation_studio_flow_sid": "flow"}),
        (50065, {"auto_creation_type": "studio", "auto_creation_studio_flow_sid": FLOW,
                 "auto_creation_studio_retry_count": 4}),
    ],
)
def test_what_is_refused_takes_no_address(addresses, phone, code, wrong):
    number = phone()
    with refused(400, code):
        addresses.create(**({"type": "sms", "address": number} | wrong))
    assert addresses.create(type="sms", address=number).address == number
