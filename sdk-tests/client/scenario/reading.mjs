// Messages are read, page by page, and counted.

import assert from "node:assert/strict";
import { connect, until } from "../people.mjs";
import { at, bodies, house, page, rest, room, step } from "./stage.mjs";

step("messages come in pages, forwards and backwards", async () => {
  const { sid } = await rest(room.sid).participants.create({ identity: "a writer" });
  const first = room.bob.lastMessage.index + 2; // One was removed.
  for (let number = 0; number < 25; number += 1)
    await rest(room.sid).messages.create({ author: "a writer", body: `n${number}` });
  await at.bob.saw.next("messageAdded", (one) => one.body === "n24");
  await rest(room.sid).participants(sid).remove();
  const last = await room.bob.getMessages(10);
  const numbers = (from, to) => Array.from({ length: to - from }, (_, at) => `n${from + at}`);
  assert.deepEqual(bodies(last), numbers(15, 25));
  assert.deepEqual([last.hasPrevPage, last.hasNextPage], [true, false]);
  const older = await page(last, "prevPage");
  assert.deepEqual(bodies(older), numbers(5, 15));
  assert.deepEqual(bodies(await page(older, "nextPage")), numbers(15, 25));
  const forward = await room.bob.getMessages(5, first, "forward");
  assert.deepEqual(bodies(forward), numbers(0, 5));
  assert.deepEqual(bodies(await page(forward, "nextPage")), numbers(5, 10));
  const everything = await room.bob.getMessages(100);
  assert.deepEqual([everything.hasPrevPage, everything.items[0].index], [false, 0]);
});

step("a client that comes new reads the same, back to the beginning", async () => {
  const second = await connect(house, "bob");
  const conversation = await second.client.getConversationBySid(room.sid);
  let at = await conversation.getMessages(7);
  let seen = at.items;
  while (at.hasPrevPage) {
    at = await at.prevPage();
    seen = [...at.items, ...seen];
  }
  const stored = await rest(room.sid).messages.list({ limit: 100 });
  assert.deepEqual(
    seen.map(({ index, sid, body }) => [index, sid, body]),
    stored.map(({ index, sid, body }) => [index, sid, body]),
  );
  await second.client.shutdown();
});

step("messages are counted", async () => {
  const stored = await rest(room.sid).messages.list({ limit: 100 });
  assert.equal(await room.bob.getMessagesCount(), stored.length);
});

step("what is unread is unknown until something was read", async () => {
  assert.equal(await room.bob.getUnreadMessagesCount(), null);
});

step("reading moves the horizon, for oneself and before all", async () => {
  const stored = await rest(room.sid).messages.list({ limit: 100 });
  const later = stored.filter((one) => one.index > 3).length;
  assert.equal(await room.bob.updateLastReadMessageIndex(3), later);
  await at.bob.saw.updated("conversationUpdated", ["lastReadMessageIndex"]);
  assert.equal(room.bob.lastReadMessageIndex, 3);
  const { participant } = await at.alice.saw.updated("participantUpdated", [
    "lastReadMessageIndex",
    "lastReadTimestamp",
  ]);
  assert.deepEqual([participant.identity, participant.lastReadMessageIndex], ["bob", 3]);
  assert.ok(participant.lastReadTimestamp instanceof Date);
  await until(async () => (await room.bob.getUnreadMessagesCount()) === later, "the count of unread messages");
  assert.equal(room.alice.lastReadMessageIndex, null);
});

step("advancing never goes back", async () => {
  await room.bob.advanceLastReadMessageIndex(5);
  await at.bob.saw.updated("conversationUpdated", ["lastReadMessageIndex"], () => room.bob.lastReadMessageIndex === 5);
  await room.bob.advanceLastReadMessageIndex(2);
  assert.equal(
    (await house.client.conversations.v1.users("bob").userConversations(room.sid).fetch()).lastReadMessageIndex,
    5,
  );
});

step("all is read, and all is unread", async () => {
  assert.equal(await room.bob.setAllMessagesRead(), 0);
  await at.bob.saw.updated(
    "conversationUpdated",
    ["lastReadMessageIndex"],
    () => room.bob.lastReadMessageIndex === room.bob.lastMessage.index,
  );
  await room.bob.setAllMessagesUnread();
  await at.bob.saw.updated(
    "conversationUpdated",
    ["lastReadMessageIndex"],
    () => room.bob.lastReadMessageIndex === null,
  );
});

step("a new message counts as unread", async () => {
  await room.bob.setAllMessagesRead();
  await room.alice.sendMessage("one more");
  await at.bob.saw.next("messageAdded", (one) => one.body === "one more");
  await until(async () => (await room.bob.getUnreadMessagesCount()) === 1, "one unread message");
});
