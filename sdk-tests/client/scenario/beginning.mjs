// They connect, and make a conversation.

import assert from "node:assert/strict";
import sdk from "@twilio/conversations";
import { phone } from "../../node/house.mjs";
import { connect, denied, socketOf, start, tokenFor, until, Witness } from "../people.mjs";
import { at, house, page, pushCredential, rest, room, settings, step } from "./stage.mjs";

step("the first client connects, and says how far it has come", async () => {
  const token = await tokenFor(house, "alice", { pushCredentialSid: pushCredential() });
  const client = start(house, token);
  const saw = new Witness(client);
  at.alice = { client, saw };
  await saw.next("connectionStateChanged", (state) => state === "connecting");
  await saw.next("connectionStateChanged", (state) => state === "connected");
  assert.equal(await saw.next("stateChanged"), "initialized");
  await saw.next("initialized");
  assert.equal(client.connectionState, "connected");
  assert.equal(client.user.identity, "alice");
  assert.equal(client.token, token);
  assert.equal(client.reachabilityEnabled, true);
  assert.equal(client.version, "3.0.1");
  at.alice.user = new Witness(client.user);
});

step("connecting has made a user with the service's role", async () => {
  const user = await house.client.conversations.v1.users("alice").fetch();
  assert.equal(user.roleSid, (await settings()).defaultChatServiceRoleSid);
  await until(
    async () => (await house.client.conversations.v1.users("alice").fetch()).isOnline,
    "alice to be seen online",
  );
});

step("the others connect too, one by the old way", async () => {
  at.bob = await connect(house, "bob", { grant: { pushCredentialSid: pushCredential() } });
  at.bob.user = new Witness(at.bob.client.user);
  const client = await sdk.Client.create(await tokenFor(house, "carol"), { Twilsock: { uri: socketOf(house.url) } });
  at.carol = { client, saw: new Witness(client) };
  assert.equal(client.user.identity, "carol");
});

step("who is new has no conversations", async () => {
  const page = await at.alice.client.getSubscribedConversations();
  assert.deepEqual([page.items, page.hasNextPage, page.hasPrevPage], [[], false, false]);
});

step("a long list of conversations comes in pages", async () => {
  const first = await at.carol.client.getSubscribedConversations();
  assert.equal(first.items.length, 50);
  assert.deepEqual([first.hasNextPage, first.hasPrevPage], [true, false]);
  const second = await page(first, "nextPage");
  assert.deepEqual([second.items.length, second.hasNextPage, second.hasPrevPage], [5, false, true]);
  const back = await page(second, "prevPage");
  const names = (...pages) => pages.flatMap((one) => one.items.map((each) => each.friendlyName)).sort();
  assert.deepEqual(names(back), names(first));
  assert.equal(new Set(names(first, second)).size, 55);
  assert.ok([...first.items, ...second.items].every((one) => one.status === "joined"));
});

step("a conversation is made, without its maker in it", async () => {
  const attributes = { priority: 1, tags: ["ä", "漢"] };
  const made = await at.alice.client.createConversation({ friendlyName: "Desk", uniqueName: "desk", attributes });
  room.sid = made.sid;
  room.alice = made;
  assert.deepEqual(
    [made.friendlyName, made.uniqueName, made.status, made.createdBy],
    ["Desk", "desk", "notParticipating", "alice"],
  );
  assert.deepEqual(made.attributes, attributes);
  assert.equal(made.state.current, "active");
  assert.deepEqual(made.bindings, {});
  assert.equal(made.lastMessage, undefined);
  assert.ok(made.dateCreated instanceof Date && made.dateUpdated instanceof Date);
  await at.alice.saw.updated("conversationUpdated", [
    "createdBy",
    "dateCreated",
    "dateUpdated",
    "friendlyName",
    "uniqueName",
    "attributes",
    "state",
  ]);
  assert.equal((await at.alice.saw.next("conversationAdded")).sid, made.sid);
  assert.deepEqual((await rest(made.sid).participants.list()).length, 0);
  room.sawAlice = new Witness(made);
});

step("who joins what they made is its administrator", async () => {
  assert.equal(await room.alice.join(), room.alice);
  assert.equal((await at.alice.saw.next("conversationJoined")).sid, room.sid);
  assert.equal(room.alice.status, "joined");
  // Asking for all waits until the roster is there; asking for one does not.
  const [mine] = await room.alice.getParticipants();
  assert.equal(mine.identity, "alice");
  assert.equal(mine.roleSid, (await settings()).defaultConversationCreatorRoleSid);
  await denied(room.alice.join(), 409, 50433);
});

step("what the client knows of limits comes from the server", () => {
  const { limits } = room.alice;
  assert.ok(limits.mediaAttachmentsCountLimit >= 10);
  assert.ok(limits.mediaAttachmentSizeLimitInMb > 0 && limits.mediaAttachmentsTotalSizeLimitInMb > 0);
  assert.deepEqual(limits.emailBodiesAllowedContentTypes, ["text/plain", "text/html"]);
  assert.deepEqual(limits.emailHistoriesAllowedContentTypes, ["text/plain", "text/html"]);
});

step("who is added sees the conversation", async () => {
  const added = await room.alice.add("bob", { desk: 4 });
  assert.deepEqual([added.identity, JSON.parse(added.attributes)], ["bob", { desk: 4 }]);
  room.bob = await at.bob.saw.next("conversationAdded", (one) => one.sid === room.sid);
  await at.bob.saw.next("conversationJoined", (one) => one.sid === room.sid);
  room.sawBob = new Witness(room.bob);
  assert.deepEqual([room.bob.friendlyName, room.bob.uniqueName, room.bob.status], ["Desk", "desk", "joined"]);
  assert.equal((await at.alice.saw.next("participantJoined", (one) => one.identity === "bob")).sid, added.sid);
});

step("nobody is added twice", async () => {
  await denied(room.alice.add("bob"), 409, 50433);
});

step("a telephone is added by its numbers", async () => {
  const added = await room.alice.addNonChatParticipant(phone(), phone(), { by: "phone" });
  const { messaging_binding: binding } = added;
  assert.equal(binding.type, "sms");
  room.phone = await room.sawAlice.next("participantJoined", (one) => one.sid === added.sid);
  assert.deepEqual([room.phone.type, room.phone.identity, room.phone.attributes], ["sms", null, { by: "phone" }]);
  assert.ok(room.phone.bindings);
});

step("participants are listed, counted and found", async () => {
  await until(async () => (await room.bob.getParticipants()).length === 3, "three participants");
  const all = await room.bob.getParticipants();
  assert.deepEqual(all.map((one) => one.identity).sort(), ["alice", "bob", null]);
  assert.equal(await room.bob.getParticipantsCount(), 3);
  const other = await room.bob.getParticipantByIdentity("alice");
  assert.equal(await room.bob.getParticipantBySid(other.sid), other);
  assert.equal(other.type, "chat");
  assert.ok(other.dateCreated instanceof Date && other.dateUpdated instanceof Date);
  assert.deepEqual([other.lastReadMessageIndex, other.lastReadTimestamp, other.isTyping], [null, null, false]);
});
