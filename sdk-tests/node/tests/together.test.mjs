// Conversations made with their participants, looked up by participant, and the receipts of their messages, through
// the official Node client.

import assert from "node:assert/strict";
import { test } from "node:test";
import { forms, openHouse, phone, refused, unique } from "../house.mjs";

const house = openHouse();

for (const [form, open] of forms) {
  test(`made together, found by either, with a receipt for the phone (${form})`, async () => {
    const root = await open(house);
    const [alice, address, proxyAddress] = [unique("alice"), phone(), phone()];
    const made = await root.conversationWithParticipants.create({
      friendlyName: "Desk",
      participant: [
        JSON.stringify({ identity: alice }),
        JSON.stringify({ messaging_binding: { address, proxy_address: proxyAddress } }),
      ],
    });
    assert.equal(made.state, "active");
    assert.deepEqual(Object.keys(made.links).sort(), ["messages", "participants", "webhooks"]);
    const desk = root.conversations(made.sid);
    assert.deepEqual((await desk.participants.list()).map((one) => one.identity), [alice, null]);

    const [byIdentity] = await root.participantConversations.list({ identity: alice });
    assert.equal(byIdentity.conversationSid, made.sid);
    assert.equal(byIdentity.participantMessagingBinding, null);
    assert.ok(byIdentity.conversationDateCreated instanceof Date);
    const [byAddress] = await root.participantConversations.list({ address });
    assert.equal(byAddress.conversationFriendlyName, "Desk");
    assert.deepEqual(byAddress.participantMessagingBinding, {
      type: "sms", address, proxy_address: proxyAddress, projected_address: null, name: null, level: null,
    });

    const sent = await desk.messages.create({ author: alice, body: "hello" });
    const [receipt] = await desk.messages(sent.sid).deliveryReceipts.list();
    const fetched = await desk.messages(sent.sid).deliveryReceipts(receipt.sid).fetch();
    assert.equal(fetched.participantSid, byAddress.participantSid);
    assert.equal(fetched.status, null);
    assert.equal(fetched.messageSid, sent.sid);
  });

  test(`all or nothing (${form})`, async () => {
    const root = await open(house);
    const alice = unique("alice");
    const create = (...participant) => root.conversationWithParticipants.create({ participant });
    await refused(create(JSON.stringify({ identity: alice }), "alice"), 400, 50424);
    await refused(create(...Array(11).fill(JSON.stringify({ identity: alice }))), 400, 50426);
    await refused(create(JSON.stringify({ identity: alice }), JSON.stringify({ identity: alice })), 409, 50433);
    await refused(root.users(alice).fetch(), 404, 20404);
    await refused(root.participantConversations.list({ identity: alice, address: phone() }), 400, 50451);
    assert.deepEqual(await root.participantConversations.list({ identity: alice }), []);
  });
}
