// The conversation changes, and who types in it is seen.

import assert from "node:assert/strict";
import { denied, until, Witness } from "../people.mjs";
import { at, bodies, rest, room, step } from "./stage.mjs";

step("a conversation is renamed", async () => {
  assert.equal(await room.alice.updateFriendlyName("Front desk"), room.alice);
  await at.bob.saw.updated("conversationUpdated", ["friendlyName", "dateUpdated"]);
  assert.equal(room.bob.friendlyName, "Front desk");
  await until(() => room.alice.friendlyName === "Front desk", "the name at who gave it");
});

step("a conversation's unique name is changed, and taken away", async () => {
  await room.alice.updateUniqueName("front");
  await at.bob.saw.updated("conversationUpdated", ["uniqueName"], () => room.bob.uniqueName === "front");
  assert.equal((await at.bob.client.getConversationByUniqueName("front")).sid, room.sid);
  await until(() => room.alice.uniqueName === "front", "the name at who gave it");
  await room.alice.updateUniqueName(null);
  await at.bob.saw.updated("conversationUpdated", ["uniqueName"], () => room.bob.uniqueName === null);
  await room.alice.updateUniqueName("desk/ä?&=%");
  await at.bob.saw.updated("conversationUpdated", ["uniqueName"], () => room.bob.uniqueName === "desk/ä?&=%");
  assert.equal((await at.bob.client.getConversationByUniqueName("desk/ä?&=%")).sid, room.sid);
});

step("a conversation's attributes are changed", async () => {
  await room.alice.updateAttributes({ open: true });
  await at.bob.saw.updated("conversationUpdated", ["attributes"], () => room.bob.attributes.open === true);
  assert.deepEqual(await room.bob.getAttributes(), { open: true });
});

step("a conversation is muted by one, and for one", async () => {
  await room.bob.setUserNotificationLevel("muted");
  await at.bob.saw.updated("conversationUpdated", ["notificationLevel"]);
  assert.deepEqual([room.bob.notificationLevel, room.alice.notificationLevel], ["muted", "default"]);
  await room.bob.setUserNotificationLevel("default");
  await at.bob.saw.updated(
    "conversationUpdated",
    ["notificationLevel"],
    () => room.bob.notificationLevel === "default",
  );
});

step("a conversation falls asleep and wakes", async () => {
  await rest(room.sid).update({ state: "inactive" });
  await at.bob.saw.updated("conversationUpdated", ["state"], () => room.bob.state.current === "inactive");
  await until(() => room.alice.state.current === "inactive", "the state at the other");
  const asleep = room.bob.state.dateUpdated;
  assert.ok(asleep > room.bob.dateCreated, `asleep since ${asleep}`);
  await room.alice.sendMessage("wake up");
  await at.bob.saw.updated("conversationUpdated", ["state"], () => room.bob.state.current === "active");
  assert.ok(room.bob.state.dateUpdated > asleep, `awake since ${room.bob.state.dateUpdated}`);
});

step("a conversation is closed for ever, and read all the same", async () => {
  const closing = await at.bob.client.createConversation({ friendlyName: "closing" });
  await closing.join();
  await closing.sendMessage("last words");
  await rest(closing.sid).update({ state: "closed" });
  await at.bob.saw.updated("conversationUpdated", ["state"], () => closing.state.current === "closed");
  await denied(closing.sendMessage("too late"), 400, 50377);
  assert.deepEqual(bodies(await closing.getMessages()), ["last words"]);
});

step("a conversation's e-mail address is seen", async () => {
  await rest(room.sid).update({ "bindings.email.address": "desk@example.org", "bindings.email.name": "Desk" });
  await at.bob.saw.updated("conversationUpdated", ["bindings"]);
  assert.ok(room.bob.bindings.email, JSON.stringify(room.bob.bindings));
});

step("typing is seen by the others, until what was typed is sent", async () => {
  const theirs = await room.alice.getParticipantByIdentity("bob");
  const saw = new Witness(theirs);
  await room.bob.typing();
  assert.equal((await at.alice.saw.next("typingStarted")).identity, "bob");
  await Promise.all([room.sawAlice.next("typingStarted"), saw.next("typingStarted")]);
  assert.equal(theirs.isTyping, true);
  at.bob.saw.none("typingStarted");
  await room.bob.sendMessage("typed");
  assert.equal((await at.alice.saw.next("typingEnded", undefined, 4)).identity, "bob");
  await Promise.all([room.sawAlice.next("typingEnded"), saw.next("typingEnded")]);
  assert.equal(theirs.isTyping, false);
});

step("who stops typing is seen to stop", async () => {
  await room.alice.typing();
  await at.bob.saw.next("typingStarted", (one) => one.identity === "alice");
  await at.bob.saw.next("typingEnded", (one) => one.identity === "alice");
});
