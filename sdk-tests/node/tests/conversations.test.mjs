// Conversations, messages, services and roles through the official Node client: every operation in both forms.

import assert from "node:assert/strict";
import { test } from "node:test";
import { API_KEY_SECRET, API_KEY_SID, forms, openHouse, refused, unique } from "../house.mjs";

const house = openHouse();

for (const [form, open] of forms) {
  test(`conversations (${form})`, async () => {
    const { conversations } = await open(house);
    const name = unique("desk");
    const made = await conversations.create({
      uniqueName: name,
      friendlyName: "Desk",
      attributes: '{ "a": 1 }',
      "timers.closed": "PT10M",
      dateCreated: new Date("2019-01-02T03:04:05Z"),
      xTwilioWebhookEnabled: "true",
    });
    assert.equal(made.attributes, '{ "a": 1 }');
    assert.equal(made.state, "active");
    assert.equal(made.dateCreated.toISOString(), "2019-01-02T03:04:05.000Z");
    assert.deepEqual(Object.keys(made.timers), ["date_closed"]);
    assert.equal((await conversations(name).fetch()).sid, made.sid);
    assert.equal((await conversations(made.sid).update({ state: "inactive" })).state, "inactive");
    const found = await conversations.list({ startDate: "2019-01-02T00:00:00Z", endDate: "2019-01-02T23:59:59Z" });
    assert.ok(found.some((one) => one.sid === made.sid));
    const inactive = await conversations.list({ state: "inactive" });
    assert.ok(inactive.some((one) => one.sid === made.sid));
    await refused(conversations.create({ uniqueName: name }), 409, 50353);
    await refused(conversations.create({ attributes: "{" }), 400, 50304);
    await refused(conversations.create({ state: "closed" }), 400, 50384);
    assert.equal((await conversations(made.sid).update({ state: "closed" })).state, "closed");
    await refused(conversations(made.sid).update({ friendlyName: "x" }), 400, 50377);
    assert.equal(await conversations(made.sid).remove(), true);
    await refused(conversations(made.sid).fetch(), 404, 20404);
  });

  test(`messages (${form})`, async () => {
    const { conversations } = await open(house);
    const desk = conversations((await conversations.create()).sid);
    const made = [];
    for (const body of ["zero", "one", "two"]) made.push(await desk.messages.create({ body, author: "alice" }));
    assert.deepEqual(made.map((one) => one.index), [0, 1, 2]);
    assert.equal(made[0].delivery, null);
    assert.equal((await desk.messages(made[1].sid).fetch()).body, "one");
    assert.equal((await desk.messages(made[1].sid).update({ body: "ONE" })).body, "ONE");
    const backwards = await desk.messages.list({ order: "desc" });
    assert.deepEqual(backwards.map((one) => one.body), ["two", "ONE", "zero"]);
    assert.equal(await desk.messages(made[0].sid).remove(), true);
    await refused(desk.messages(made[0].sid).fetch(), 404, 20404);
    await refused(desk.messages.create(), 400, 50503);
    assert.equal((await desk.messages.create({ body: "three" })).index, 3);
  });

  test(`roles (${form})`, async () => {
    const { roles } = await open(house);
    const made = await roles.create({
      friendlyName: unique("role"),
      type: "conversation",
      permission: ["sendMessage", "leaveConversation"],
    });
    assert.deepEqual(made.permissions, ["sendMessage", "leaveConversation"]);
    assert.equal((await roles(made.sid).fetch()).type, "conversation");
    assert.deepEqual((await roles(made.sid).update({ permission: ["editOwnMessage"] })).permissions, ["editOwnMessage"]);
    assert.ok((await roles.list()).some((one) => one.sid === made.sid));
    await refused(roles.create({ friendlyName: "r", type: "service", permission: ["sendMessage"] }), 400, 50104);
    assert.equal(await roles(made.sid).remove(), true);
    await refused(roles(made.sid).remove(), 404, 20404);
  });
}

test("services and their configuration", async () => {
  const { services } = house.client.conversations.v1;
  const made = await services.create({ friendlyName: "Support" });
  assert.equal((await services(made.sid).fetch()).friendlyName, "Support");
  assert.ok((await services.list()).some((one) => one.sid === made.sid));
  const configuration = services(made.sid).configuration();
  assert.equal((await configuration.fetch()).reachabilityEnabled, false);
  assert.equal((await configuration.update({ reachabilityEnabled: true })).reachabilityEnabled, true);
  assert.equal(await services(made.sid).remove(), true);
  await refused(services(made.sid).fetch(), 404, 20404);
});

test("an API key signs in, and a wrong one does not", async () => {
  const key = house.clientOf(API_KEY_SID, API_KEY_SECRET);
  assert.match((await key.conversations.v1.conversations.create()).sid, /^CH/);
  const wrong = house.clientOf(API_KEY_SID, "wrong");
  await refused(wrong.conversations.v1.conversations.create(), 401, 20003);
});
