// Configuration, notifications and webhooks through the official Node client.

import assert from "node:assert/strict";
import { test } from "node:test";
import { forms, openHouse, refused, unique } from "../house.mjs";

const house = openHouse();
const URL = "https://example.com/hook";

for (const [form, open] of forms) {
  test(`webhooks of a conversation (${form})`, async () => {
    const { conversations } = await open(house);
    const desk = conversations((await conversations.create()).sid);
    const made = await desk.webhooks.create({
      target: "webhook",
      "configuration.url": URL,
      "configuration.filters": ["onMessageAdded", "onConversationRemoved"],
      "configuration.replayAfter": 0,
    });
    const filters = ["onMessageAdded", "onConversationRemoved"];
    assert.deepEqual(made.configuration, { url: URL, method: "post", filters, replay_after: 0 });
    const trigger = { target: "trigger", "configuration.url": URL, "configuration.triggers": ["a", "b"] };
    assert.deepEqual((await desk.webhooks.create(trigger)).configuration.triggers, ["a", "b"]);
    const flowSid = "FW" + "0".repeat(32);
    const studio = await desk.webhooks.create({ target: "studio", "configuration.flowSid": flowSid });
    assert.deepEqual(studio.configuration, { flow_sid: flowSid });
    assert.equal((await desk.webhooks.list()).length, 3);
    const updated = await desk.webhooks(made.sid).update({ "configuration.method": "get" });
    assert.equal(updated.configuration.method, "get");
    assert.deepEqual((await desk.webhooks(made.sid).fetch()).configuration, updated.configuration);
    await refused(desk.webhooks.create({ target: "webhook", "configuration.url": URL }), 400, 50370);
    assert.equal(await desk.webhooks(made.sid).remove(), true);
    await refused(desk.webhooks(made.sid).fetch(), 404, 20404);
  });
}

test("webhooks of the account and of a service", async () => {
  const { configuration, services } = house.client.conversations.v1;
  const service = services((await services.create({ friendlyName: unique("service") })).sid);
  assert.equal((await service.configuration.webhooks().fetch()).method, null);
  for (const webhooks of [configuration.webhooks(), service.configuration.webhooks()]) {
    const updated = await webhooks.update({ postWebhookUrl: URL, filters: ["onUserAdded"], method: "GET" });
    assert.deepEqual([updated.postWebhookUrl, updated.filters, updated.method], [URL, ["onUserAdded"], "GET"]);
    assert.equal((await webhooks.update({ postWebhookUrl: "" })).postWebhookUrl, null);
    assert.deepEqual((await webhooks.fetch()).filters, ["onUserAdded"]);
    await refused(webhooks.update({ filters: ["onMessageSent"] }), 400, 50054);
  }
  assert.equal((await configuration.webhooks().update({ target: "flex" })).target, "flex");
});

test("notifications of a service", async () => {
  const { services } = house.client.conversations.v1;
  const service = services((await services.create({ friendlyName: unique("service") })).sid);
  const notifications = service.configuration.notifications();
  assert.equal((await notifications.fetch()).newMessage.enabled, false);
  const updated = await notifications.update({
    logEnabled: true,
    "newMessage.enabled": true,
    "newMessage.withMedia.template": "files",
    "addedToConversation.sound": "bell",
  });
  assert.equal(updated.logEnabled, true);
  assert.equal(updated.newMessage.enabled, true);
  assert.equal(updated.newMessage.with_media.template, "files");
  assert.equal(updated.addedToConversation.sound, "bell");
  await refused(notifications.update({ "newMessage.sound": "x".repeat(257) }), 400, 50059);
});

test("the account's configuration, and another default service", async () => {
  const { configuration, conversations, services } = house.client.conversations.v1;
  const before = await configuration().fetch();
  const service = await services.create({ friendlyName: unique("service") });
  const updated = await configuration().update({
    defaultChatServiceSid: service.sid,
    defaultInactiveTimer: "PT1M",
    defaultClosedTimer: "PT10M",
  });
  assert.equal(updated.defaultMessagingServiceSid, before.defaultMessagingServiceSid);
  const made = await conversations.create();
  assert.equal(made.chatServiceSid, service.sid);
  assert.deepEqual(Object.keys(made.timers).sort(), ["date_closed", "date_inactive"]);
  await refused(services(service.sid).remove(), 409, 20409);
  await configuration().update({ defaultChatServiceSid: before.defaultChatServiceSid });
  assert.equal(await services(service.sid).remove(), true);
  await refused(configuration().update({ defaultClosedTimer: "PT1M" }), 400, 50376);
});
