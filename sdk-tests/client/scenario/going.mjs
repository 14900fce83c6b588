// Conversations are found, left and deleted; clients come with new tokens and go.

import assert from "node:assert/strict";
import { start, tokenFor, until, Witness } from "../people.mjs";
import { at, house, page, pushCredential, rest, room, step, tellReceipt } from "./stage.mjs";

step("a conversation is found by its sid", async () => {
  assert.equal(await at.bob.client.getConversationBySid(room.sid), room.bob);
  assert.equal((await at.bob.client.peekConversationBySid(room.sid)).sid, room.sid);
  await assert.rejects(at.bob.client.getConversationByUniqueName("no such name"));
});

step("who does not take part sees nothing of it", async () => {
  await assert.rejects(at.carol.client.peekConversationBySid(room.sid));
  await assert.rejects(at.carol.client.getConversationBySid(room.sid));
});

step("what becomes of a message on its way is seen", async () => {
  const index = await room.alice.sendMessage("on its way");
  const message = await at.bob.saw.next("messageAdded", (one) => one.index === index);
  const saw = new Witness(message);
  assert.equal(message.aggregatedDeliveryReceipt, null);
  for (const [status, ErrorCode] of [["sent"], ["undelivered", "30003"]]) {
    await tellReceipt(message, { ParticipantSid: room.phone.sid, Status: status, ...(ErrorCode && { ErrorCode }) });
    await saw.updated("updated", ["deliveryReceipt"], () => message.aggregatedDeliveryReceipt[status] === "all");
    await at.bob.saw.updated("messageUpdated", ["deliveryReceipt"], (told) => told.message === message);
    await room.sawBob.updated("messageUpdated", ["deliveryReceipt"], (told) => told.message === message);
  }
  assert.deepEqual(
    [message.aggregatedDeliveryReceipt.total, message.aggregatedDeliveryReceipt.sent],
    [1, "none"],
  );
  const [receipt] = await message.getDetailedDeliveryReceipts();
  assert.deepEqual([receipt.status, receipt.errorCode], ["undelivered", 30003]);
});

step("receipts, recipients and metadata of a message", async () => {
  const index = await room.alice.sendMessage("to the telephone");
  const message = await at.bob.saw.next("messageAdded", (one) => one.index === index);
  const receipts = await message.getDetailedDeliveryReceipts();
  assert.deepEqual(
    receipts.map((one) => [one.messageSid, one.participantSid]),
    [[message.sid, room.phone.sid]],
  );
  const phones = (recipients) => recipients.map((one) => [one.type, one.messageSid]);
  assert.deepEqual(phones(await message.getMessageRecipients()), [["sms", message.sid]]);
  assert.equal(await message.getChannelMetadata(), null);
  const first = await room.bob.getMessageRecipients({ pageSize: 5 });
  assert.deepEqual([first.items.length, first.hasNextPage, first.hasPrevPage], [5, true, false]);
  const second = await page(first, "nextPage");
  assert.ok(second.items.length > 0 && second.hasPrevPage);
  assert.deepEqual(phones((await page(second, "prevPage")).items), phones(first.items));
});

step("who goes is seen to go, and loses sight", async () => {
  await room.alice.add("carol");
  const theirs = await at.carol.saw.next("conversationJoined", (one) => one.sid === room.sid);
  const saw = new Witness(theirs);
  await theirs.getParticipants();
  await at.bob.saw.next("participantJoined", (one) => one.identity === "carol");
  assert.equal(await theirs.leave(), theirs);
  assert.equal((await at.carol.saw.next("conversationLeft")).sid, room.sid);
  await at.carol.saw.next("conversationRemoved", (one) => one.sid === room.sid);
  await saw.next("removed");
  assert.equal(theirs.status, "notParticipating");
  assert.equal((await at.bob.saw.next("participantLeft", (one) => one.identity === "carol")).identity, "carol");
  await room.sawBob.next("participantLeft", (one) => one.identity === "carol");
});

step("who left may be added again", async () => {
  at.carol.saw.forget();
  await room.alice.add("carol");
  const theirs = await at.carol.saw.next("conversationJoined", (one) => one.sid === room.sid);
  assert.equal((await theirs.getMessages(1)).items[0].body, "to the telephone");
  // Whoever adds somebody sees them when the server tells it, like everybody else.
  const isThere = (all) => all.some((one) => one.identity === "carol");
  await until(async () => isThere(await room.alice.getParticipants()), "carol in alice's list");
});

step("participants are removed, by what they are and by name", async () => {
  await (await room.alice.getParticipantByIdentity("carol")).remove();
  await at.carol.saw.next("conversationLeft", (one) => one.sid === room.sid);
  await room.alice.removeParticipant(room.phone);
  await at.alice.saw.next("participantLeft", (one) => one.sid === room.phone.sid);
  await room.alice.removeParticipant("bob");
  await at.bob.saw.next("conversationLeft", (one) => one.sid === room.sid);
  await at.bob.saw.next("conversationRemoved", (one) => one.sid === room.sid);
  await room.sawBob.next("removed");
  await until(async () => (await room.alice.getParticipants()).length === 1, "the last participant");
});

step("a token is changed for a new one", async () => {
  const token = await tokenFor(house, "alice", { ttl: 3000, pushCredentialSid: pushCredential() });
  assert.equal(await at.alice.client.updateToken(token), at.alice.client);
  assert.equal(at.alice.client.token, token);
  assert.equal(at.alice.client.connectionState, "connected");
  // Before it is sent: afterwards the server may have told of it already, or not yet.
  const last = room.alice.lastMessage.index;
  assert.equal(await room.alice.sendMessage("with a new token"), last + 1);
});

step("a conversation is deleted", async () => {
  await room.alice.add("bob");
  const theirs = await at.bob.saw.next("conversationJoined", (one) => one.sid === room.sid);
  const saw = new Witness(theirs);
  // The package opens what hangs on a conversation after it has told of it.
  await theirs.getParticipants();
  assert.equal(await room.alice.delete(), room.alice);
  await at.alice.saw.next("conversationRemoved", (one) => one.sid === room.sid);
  await at.bob.saw.next("conversationRemoved", (one) => one.sid === room.sid);
  await saw.next("removed");
  await assert.rejects(rest(room.sid).fetch(), (error) => error.status === 404);
  await until(async () => (await at.alice.client.getSubscribedConversations()).items.length === 0, "an empty list");
});

step("a token that nobody can use fails the start", async () => {
  const client = start(house, "not.a.token");
  const saw = new Witness(client);
  const { terminal, httpStatusCode } = await saw.next("connectionError");
  assert.deepEqual([terminal, httpStatusCode], [true, 401]);
  await saw.next("stateChanged", (state) => state === "failed");
  assert.ok((await saw.next("initFailed")).error.message);
  await saw.next("connectionStateChanged", (state) => state === "denied");
});

step("clients say good-bye", async () => {
  for (const { client, saw } of Object.values(at)) {
    await client.shutdown();
    await saw.next("connectionStateChanged", (state) => state === "disconnected");
  }
  const { users } = house.client.conversations.v1;
  await until(async () => (await users("alice").fetch()).isOnline === false, "alice to be seen offline");
});
