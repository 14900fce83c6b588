// Users and their conversations through the official Node client: every operation in both forms.

import assert from "node:assert/strict";
import { test } from "node:test";
import { forms, openHouse, refused, unique } from "../house.mjs";

const house = openHouse();

for (const [form, open] of forms) {
  test(`users (${form})`, async () => {
    const { users } = await open(house);
    const alice = unique("alice@example.org");
    const made = await users.create({ identity: alice, friendlyName: "Alice" });
    assert.equal(made.attributes, "{}");
    assert.equal(made.isOnline, null);
    assert.equal(made.isNotifiable, null);
    assert.equal((await users(alice).fetch()).sid, made.sid);
    assert.equal((await users(made.sid).update({ friendlyName: "A.", attributes: "[1]" })).attributes, "[1]");
    assert.ok((await users.list()).some((one) => one.sid === made.sid));
    await refused(users.create({ identity: alice }), 409, 50201);
    await refused(users.create({ identity: "US" + "0".repeat(32) }), 400, 50206);
    assert.equal(await users(alice).remove(), true);
    await refused(users(made.sid).fetch(), 404, 20404);
  });

  test(`user conversations (${form})`, async () => {
    const root = await open(house);
    const [alice, name] = [unique("alice"), unique("desk")];
    const desk = root.conversations((await root.conversations.create({ uniqueName: name })).sid);
    const member = await desk.participants.create({ identity: alice });
    for (const body of ["zero", "one"]) await desk.messages.create({ body });
    const rows = root.users(alice).userConversations;
    const [row] = await rows.list();
    assert.equal(row.participantSid, member.sid);
    assert.equal(row.unreadMessagesCount, null);
    assert.equal(row.lastReadMessageIndex, null);
    assert.equal(row.notificationLevel, "default");
    const updated = await rows(name).update({
      notificationLevel: "muted",
      lastReadMessageIndex: 0,
      lastReadTimestamp: new Date("2021-02-03T04:05:06Z"),
    });
    assert.equal(updated.notificationLevel, "muted");
    assert.equal(updated.unreadMessagesCount, 1);
    assert.equal((await rows(member.conversationSid).fetch()).lastReadMessageIndex, 0);
    assert.equal((await desk.participants(alice).fetch()).lastReadTimestamp, "2021-02-03T04:05:06Z");
    await refused(rows(name).update({ notificationLevel: "loud" }), 400, 50210);
    assert.equal(await rows(name).remove(), true);
    await refused(rows(name).fetch(), 404, 20404);
    assert.deepEqual(await desk.participants.list(), []);
  });
}
