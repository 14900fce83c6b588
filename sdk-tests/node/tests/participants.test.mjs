// Participants through the official Node client: the five operations, the kinds, what JavaScript's null does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { forms, openHouse, pair, phone, refused, unique } from "../house.mjs";

const house = openHouse();

for (const [form, open] of forms) {
  async function conversation() {
    const root = await open(house);
    return [root.conversations((await root.conversations.create()).sid), root];
  }

  test(`the five operations (${form})`, async () => {
    const [desk, root] = await conversation();
    const alice = unique("alice");
    const made = await desk.participants.create({ identity: alice, attributes: '{"seat": 1}' });
    assert.equal(made.identity, alice);
    assert.equal(made.attributes, '{"seat": 1}');
    assert.equal(made.messagingBinding, null);
    assert.equal(made.lastReadMessageIndex, null);
    assert.ok(made.dateCreated instanceof Date && !Number.isNaN(made.dateCreated.getTime()));
    assert.match(made.roleSid, /^RL/);

    assert.equal((await desk.participants(made.sid).fetch()).identity, alice);
    assert.equal((await desk.participants(alice).fetch()).sid, made.sid);
    assert.deepEqual((await desk.participants.list()).map((one) => one.sid), [made.sid]);

    const updated = await desk.participants(made.sid).update({
      attributes: "[]",
      lastReadMessageIndex: 3,
      lastReadTimestamp: "2021-02-03T04:05:06Z",
      dateUpdated: new Date("2020-01-02T03:04:05Z"),
    });
    assert.equal(updated.attributes, "[]");
    assert.equal(updated.lastReadMessageIndex, 3);
    assert.equal(updated.lastReadTimestamp, "2021-02-03T04:05:06Z");
    assert.equal(updated.dateUpdated.toISOString(), "2020-01-02T03:04:05.000Z");

    assert.equal((await root.users(alice).fetch()).identity, alice);
    assert.equal(await desk.participants(alice).remove(), true);
    await refused(desk.participants(made.sid).fetch(), 404, 20404);
    await refused(desk.participants(made.sid).remove(), 404, 20404);
  });

  test(`an addressed participant, and a proxy that null takes away (${form})`, async () => {
    const [desk] = await conversation();
    const binding = pair();
    const made = await desk.participants.create(binding);
    assert.deepEqual(made.messagingBinding, {
      type: "sms",
      address: binding["messagingBinding.address"],
      proxy_address: binding["messagingBinding.proxyAddress"],
    });
    const problem = await refused((await conversation())[0].participants.create(binding), 409, 50416);
    assert.equal(problem.message.match(/Conversation (CH[a-f0-9]+)/)[1], made.conversationSid);

    const member = desk.participants(made.sid);
    await refused(member.update({ "messagingBinding.proxyAddress": phone() }), 400, 50441);
    const bare = await member.update({ "messagingBinding.proxyAddress": null });
    assert.deepEqual(bare.messagingBinding, { type: "sms", address: binding["messagingBinding.address"] });
    await refused(member.update({ "messagingBinding.proxyAddress": null }), 400, 50440);
    await refused(member.update({ "messagingBinding.proxyAddress": "null" }), 400, 50440);
    await (await conversation())[0].participants.create(binding);
  });

  test(`a projected address comes and goes (${form})`, async () => {
    const [desk] = await conversation();
    const line = phone();
    const made = await desk.participants.create({ identity: unique("agent") });
    const member = desk.participants(made.sid);
    await refused(member.update({ "messagingBinding.projectedAddress": null }), 400, 50442);
    const on = await member.update({ "messagingBinding.projectedAddress": line });
    assert.deepEqual(on.messagingBinding, { type: "sms", projected_address: line });
    const off = await member.update({ "messagingBinding.projectedAddress": null });
    assert.equal(off.messagingBinding, null);
  });

  test(`refusals (${form})`, async () => {
    const [desk] = await conversation();
    const alice = unique("alice");
    await desk.participants.create({ identity: alice });
    await refused(desk.participants.create({ identity: alice }), 409, 50433);
    await refused(desk.participants.create(), 400, 50204);
    await refused(desk.participants.create({ identity: unique(), ...pair() }), 400, 50211);
    await refused(desk.participants.create({ ...pair(), "messagingBinding.address": "555" }), 400, 50407);
    await refused(desk.participants.create({ ...pair(), "messagingBinding.proxyAddress": "+1-555" }), 400, 50408);
    await refused(desk.participants(alice).update({ lastReadMessageIndex: -1 }), 400, 50421);
    await refused(desk.participants(alice).update({ identity: unique() }), 400, 50444);
    await desk.update({ state: "closed" });
    await refused(desk.participants.create({ identity: unique() }), 400, 50377);
  });
}
