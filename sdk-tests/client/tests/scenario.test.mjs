// Three people and everything that the official client SDK offers: every public method, every event, every reason.

import assert from "node:assert/strict";
import { test } from "node:test";
import sdk from "@twilio/conversations";
import { openHouse, phone } from "../../node/house.mjs";
import { eventsOf, listen, methodsOf, reasonsOf } from "../declarations.mjs";
import { connect, defaultService, denied, PNG, start, tokenFor, until, Witness } from "../people.mjs";

// Paginators are no class, but what several methods answer with.
const CLASSES = [
  "Client", "Conversation", "Message", "Participant", "User", "MessageBuilder", "UnsentMessage", "Media", "ContentTemplateVariable",
];
const called = listen(CLASSES, "scenario.test.mjs");

// What is not called or seen here, and why.
const ELSEWHERE = {
  "Client.tokenAboutToExpire": "rights.test.mjs: needs a token that ends soon",
  "Client.tokenExpired": "rights.test.mjs",
  "Message.updated: deliveryReceipt": "only a channel delivers",
  "Message.updated: media": "a message keeps the files that it was sent with",
  "Conversation.updated: status": "the package reads it from a document that all share, where there is nobody's status",
};

let credentialSid;
const house = openHouse(async () => {
  const { services, credentials, conversationWithParticipants } = house.client.conversations.v1;
  await services(await defaultService(house)).configuration().update({ reachabilityEnabled: true });
  ({ sid: credentialSid } = await credentials.create({ type: "fcm", secret: "a secret" }));
  for (let number = 0; number < 55; number += 1) {
    await conversationWithParticipants.create({ friendlyName: `old ${number}`, participant: [JSON.stringify({ identity: "carol" })] });
  }
});
const rest = (sid) => house.client.conversations.v1.conversations(sid);
const settings = async () => house.client.conversations.v1.services(await defaultService(house)).configuration().fetch();
const page = (paginator, turn) => {
  called.add(`Paginator.${turn}`);
  return paginator[turn]();
};
const bodies = (paginator) => paginator.items.map((message) => message.body);
const step = (title, work) => test(title, { timeout: 30_000 }, work);

let alice;
let bob;
let carol;
const room = {}; // The conversation as alice (`room.alice`) and bob hold it, and what its objects tell them.
const said = {}; // Messages by what they are about, as bob holds them.

step("the first client connects, and says how far it has come", async () => {
  const token = await tokenFor(house, "alice", { pushCredentialSid: credentialSid });
  const client = start(house, token);
  const saw = new Witness(client);
  alice = { client, saw };
  await saw.next("connectionStateChanged", (state) => state === "connecting");
  await saw.next("connectionStateChanged", (state) => state === "connected");
  assert.equal(await saw.next("stateChanged"), "initialized");
  await saw.next("initialized");
  assert.equal(client.connectionState, "connected");
  assert.equal(client.user.identity, "alice");
  assert.equal(client.token, token);
  assert.equal(client.reachabilityEnabled, true);
  assert.equal(client.version, "3.0.1");
  alice.user = new Witness(client.user);
});

step("connecting has made a user with the service's role", async () => {
  const user = await house.client.conversations.v1.users("alice").fetch();
  assert.equal(user.roleSid, (await settings()).defaultChatServiceRoleSid);
  await until(async () => (await house.client.conversations.v1.users("alice").fetch()).isOnline, "alice to be seen online");
});

step("the others connect too, one by the old way", async () => {
  bob = await connect(house, "bob", { grant: { pushCredentialSid: credentialSid } });
  bob.user = new Witness(bob.client.user);
  const client = await sdk.Client.create(await tokenFor(house, "carol"), { Twilsock: { uri: `${house.url.replace("http", "ws")}/v3/wsconnect` } });
  carol = { client, saw: new Witness(client) };
  assert.equal(client.user.identity, "carol");
});

step("who is new has no conversations", async () => {
  const page = await alice.client.getSubscribedConversations();
  assert.deepEqual([page.items, page.hasNextPage, page.hasPrevPage], [[], false, false]);
});

step("a long list of conversations comes in pages", async () => {
  const first = await carol.client.getSubscribedConversations();
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
  const made = await alice.client.createConversation({ friendlyName: "Desk", uniqueName: "desk", attributes });
  room.sid = made.sid;
  room.alice = made;
  assert.deepEqual([made.friendlyName, made.uniqueName, made.status, made.createdBy], ["Desk", "desk", "notParticipating", "alice"]);
  assert.deepEqual(made.attributes, attributes);
  assert.equal(made.state.current, "active");
  assert.deepEqual(made.bindings, {});
  assert.equal(made.lastMessage, undefined);
  assert.ok(made.dateCreated instanceof Date && made.dateUpdated instanceof Date);
  await alice.saw.updated("conversationUpdated", ["createdBy", "dateCreated", "dateUpdated", "friendlyName", "uniqueName", "attributes", "state"]);
  assert.equal((await alice.saw.next("conversationAdded")).sid, made.sid);
  assert.deepEqual((await rest(made.sid).participants.list()).length, 0);
  room.sawAlice = new Witness(made);
});

step("who joins what they made is its administrator", async () => {
  assert.equal(await room.alice.join(), room.alice);
  assert.equal((await alice.saw.next("conversationJoined")).sid, room.sid);
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
  room.bob = await bob.saw.next("conversationAdded", (one) => one.sid === room.sid);
  await bob.saw.next("conversationJoined", (one) => one.sid === room.sid);
  room.sawBob = new Witness(room.bob);
  assert.deepEqual([room.bob.friendlyName, room.bob.uniqueName, room.bob.status], ["Desk", "desk", "joined"]);
  assert.equal((await alice.saw.next("participantJoined", (one) => one.identity === "bob")).sid, added.sid);
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

step("a message reaches the other, and its author", async () => {
  const body = "hello – 漢字 \u{1f44b} 100% \"so\" & <that>\r\n\tnext";
  assert.equal(await room.alice.sendMessage(body, { n: 1 }), 0);
  said.first = await bob.saw.next("messageAdded");
  assert.deepEqual([said.first.body, said.first.author, said.first.index, said.first.type], [body, "alice", 0, "text"]);
  assert.deepEqual([said.first.attributes, said.first.subject ?? null, said.first.media, said.first.attachedMedia], [{ n: 1 }, null, null, []]);
  assert.equal(said.first.participantSid, (await room.bob.getParticipantByIdentity("alice")).sid);
  assert.equal((await said.first.getParticipant()).identity, "alice");
  assert.equal((await alice.saw.next("messageAdded")).sid, said.first.sid);
  assert.equal((await room.sawBob.next("messageAdded")).sid, said.first.sid);
});

step("the conversation knows its last message", async () => {
  await room.sawBob.updated("updated", ["lastMessage"]);
  assert.equal(room.bob.lastMessage.index, 0);
  assert.equal(room.bob.lastMessage.dateCreated.getTime(), said.first.dateCreated.getTime());
});

step("sending moves nobody's read horizon", () => {
  assert.deepEqual([room.alice.lastReadMessageIndex, room.bob.lastReadMessageIndex], [null, null]);
});

step("a message may have a subject", async () => {
  await room.alice.sendMessage("see above", {}, { subject: "Re: hello" });
  assert.equal((await bob.saw.next("messageAdded")).subject, "Re: hello");
});

step("the builder makes a message of text", async () => {
  const unsent = room.alice.prepareMessage().setBody("built").setSubject("built too").setAttributes([1, null]).build();
  assert.equal(await unsent.send(), 2);
  const message = await bob.saw.next("messageAdded");
  assert.deepEqual([message.body, message.subject, message.attributes], ["built", "built too", [1, null]]);
});

step("the builder sends files, and rich bodies with them", async () => {
  const index = await room.alice.prepareMessage()
    .setBody("two files")
    .addMedia({ contentType: "image/png", filename: "dot.png", media: PNG })
    .addMedia({ contentType: "text/plain", filename: "zwölf.txt", media: "twelve" })
    .setEmailBody("text/html", { contentType: "text/html", filename: "body.html", media: "<p>two</p>" })
    .setEmailHistory("text/plain", { contentType: "text/plain", filename: "history.txt", media: "> one" })
    .buildAndSend();
  said.files = await bob.saw.next("messageAdded", (one) => one.index === index);
  assert.deepEqual([said.files.type, said.files.body], ["media", "two files"]);
  const seen = said.files.attachedMedia.map((one) => [one.filename, one.contentType, one.size, one.category]);
  assert.deepEqual(seen, [["dot.png", "image/png", PNG.length, "media"], ["zwölf.txt", "text/plain", 6, "media"]]);
});

step("files are found by what they are for", () => {
  const [image, text] = said.files.attachedMedia;
  assert.deepEqual(said.files.getMediaByCategories(["body", "history"]).map((one) => one.category), ["body", "history"]);
  assert.deepEqual(said.files.getMediaByCategory(["media"]).map((one) => one.sid), [image.sid, text.sid]);
  assert.equal(said.files.getEmailBody("text/html").filename, "body.html");
  assert.equal(said.files.getEmailBody(), null);
  assert.equal(said.files.getEmailHistory().filename, "history.txt");
});

step("a file is sent without a builder, and its bytes come back", async () => {
  await room.bob.sendMessage({ contentType: "image/png", filename: "dot.png", media: PNG });
  const message = await alice.saw.next("messageAdded", (one) => one.author === "bob");
  assert.deepEqual([message.body, message.attachedMedia.length], [null, 1]);
  const url = await message.attachedMedia[0].getContentTemporaryUrl();
  const answer = await fetch(url);
  assert.equal(answer.headers.get("content-type"), "image/png");
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), PNG);
});

step("addresses of several files are asked for at once, in every way", async () => {
  const media = said.files.attachedMedia;
  const sids = media.map((one) => one.sid);
  const ways = [
    said.files.getTemporaryContentUrlsForAttachedMedia(), said.files.getTemporaryContentUrlsForMedia(media),
    said.files.getTemporaryContentUrlsForMediaSids(sids), bob.client.getTemporaryContentUrlsForMedia(media),
    bob.client.getTemporaryContentUrlsForMediaSids(sids),
  ];
  for (const urls of await Promise.all(ways)) {
    assert.deepEqual([...urls.keys()].sort(), [...sids].sort());
    assert.equal(await (await fetch(urls.get(sids[1]))).text(), "twelve");
  }
  const attached = await said.files.attachTemporaryUrlsFor(media);
  assert.deepEqual(attached.map((one) => one.filename), ["dot.png", "zwölf.txt"]);
  assert.equal(await (await fetch(await attached[1].getContentTemporaryUrl())).text(), "twelve");
});

step("a message is sent from a template", async () => {
  const { username, password } = house.client;
  const answer = await fetch(`${house.url}/tertulia/v1/ContentTemplates`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${username}:${password}`)}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      friendly_name: "late", language: "en", variables: { 1: "you", 2: "late" }, types: { "twilio/text": { body: "Hi {{1}}, it is {{2}}" } },
    }),
  });
  assert.equal(answer.status, 201);
  const { sid } = await answer.json();
  const template = (await alice.client.getContentTemplates()).find((one) => one.sid === sid);
  assert.deepEqual([template.friendlyName, template.variants.get("twilio/text").body], ["late", "Hi {{1}}, it is {{2}}"]);
  assert.deepEqual(template.variables.map(({ name, value }) => [name, value]), [["1", "you"], ["2", "late"]]);
  assert.ok(template.dateCreated instanceof Date && template.dateUpdated instanceof Date);
  const variables = [template.variables[0].copyWithValue("Bob")];
  await room.alice.prepareMessage().setContentTemplate(sid, variables).buildAndSend();
  const message = await bob.saw.next("messageAdded", (one) => one.contentSid === sid);
  assert.equal(message.body, "Hi Bob, it is late");
  const content = await message.getContentData();
  assert.ok(content === null || content.type === "text", JSON.stringify(content));
});

step("an author edits what they said", async () => {
  const saw = new Witness(said.first);
  const mine = (await room.alice.getMessages(1, 0)).items[0];
  assert.equal(await mine.updateBody("hello again"), mine);
  await saw.updated("updated", ["body", "dateUpdated"]);
  const { message } = await bob.saw.updated("messageUpdated", ["body", "dateUpdated"]);
  assert.deepEqual([message, message.body, message.lastUpdatedBy], [said.first, "hello again", "alice"]);
  await room.sawBob.updated("messageUpdated", ["body"]);
});

step("a message's attributes are edited", async () => {
  const mine = (await room.alice.getMessages(1, 0)).items[0];
  await mine.updateAttributes({ reactions: { "\u{1f44d}": ["bob"] } });
  await bob.saw.updated("messageUpdated", ["attributes"], ({ message }) => message === said.first);
  assert.deepEqual(said.first.attributes, { reactions: { "\u{1f44d}": ["bob"] } });
});

step("the administrator edits what another said, which the message tells", async () => {
  const index = await room.bob.sendMessage("by bob");
  const theirs = await alice.saw.next("messageAdded", (one) => one.index === index);
  await theirs.updateBody("by bob, edited");
  const { message } = await bob.saw.updated("messageUpdated", ["body", "lastUpdatedBy"], (told) => told.message.index === index);
  assert.deepEqual([message.author, message.lastUpdatedBy], ["bob", "alice"]);
});

step("what REST changes of a message has its reasons too", async () => {
  const dateCreated = new Date("2020-02-02T20:20:20Z");
  await rest(room.sid).messages(said.first.sid).update({ author: "nobody", subject: "Subject", dateCreated });
  await bob.saw.updated("messageUpdated", ["author", "subject", "dateCreated"], ({ message }) => message === said.first);
  assert.deepEqual([said.first.author, said.first.subject], ["nobody", "Subject"]);
  assert.deepEqual(said.first.dateCreated, dateCreated);
});

step("a message is removed", async () => {
  const index = await room.bob.sendMessage("never mind");
  const mine = await bob.saw.next("messageAdded", (one) => one.index === index);
  await alice.saw.next("messageAdded", (one) => one.index === index);
  assert.equal(await mine.remove(), mine);
  assert.equal((await alice.saw.next("messageRemoved")).sid, mine.sid);
  assert.equal((await bob.saw.next("messageRemoved")).index, index);
  await room.sawBob.next("messageRemoved");
  await room.sawBob.updated("updated", ["lastMessage"], ({ conversation }) => conversation.lastMessage.index === index - 1);
});

step("messages come in pages, forwards and backwards", async () => {
  const { sid } = await rest(room.sid).participants.create({ identity: "a writer" });
  const first = room.bob.lastMessage.index + 2; // One was removed.
  for (let number = 0; number < 25; number += 1) await rest(room.sid).messages.create({ author: "a writer", body: `n${number}` });
  await bob.saw.next("messageAdded", (one) => one.body === "n24");
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
  assert.deepEqual(seen.map(({ index, sid, body }) => [index, sid, body]), stored.map(({ index, sid, body }) => [index, sid, body]));
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
  await bob.saw.updated("conversationUpdated", ["lastReadMessageIndex"]);
  assert.equal(room.bob.lastReadMessageIndex, 3);
  const { participant } = await alice.saw.updated("participantUpdated", ["lastReadMessageIndex", "lastReadTimestamp"]);
  assert.deepEqual([participant.identity, participant.lastReadMessageIndex], ["bob", 3]);
  assert.ok(participant.lastReadTimestamp instanceof Date);
  await until(async () => (await room.bob.getUnreadMessagesCount()) === later, "the count of unread messages");
  assert.equal(room.alice.lastReadMessageIndex, null);
});

step("advancing never goes back", async () => {
  await room.bob.advanceLastReadMessageIndex(5);
  await bob.saw.updated("conversationUpdated", ["lastReadMessageIndex"], () => room.bob.lastReadMessageIndex === 5);
  await room.bob.advanceLastReadMessageIndex(2);
  assert.equal((await house.client.conversations.v1.users("bob").userConversations(room.sid).fetch()).lastReadMessageIndex, 5);
});

step("all is read, and all is unread", async () => {
  assert.equal(await room.bob.setAllMessagesRead(), 0);
  await bob.saw.updated("conversationUpdated", ["lastReadMessageIndex"], () => room.bob.lastReadMessageIndex === room.bob.lastMessage.index);
  await room.bob.setAllMessagesUnread();
  await bob.saw.updated("conversationUpdated", ["lastReadMessageIndex"], () => room.bob.lastReadMessageIndex === null);
});

step("a new message counts as unread", async () => {
  await room.bob.setAllMessagesRead();
  await room.alice.sendMessage("one more");
  await bob.saw.next("messageAdded", (one) => one.body === "one more");
  await until(async () => (await room.bob.getUnreadMessagesCount()) === 1, "one unread message");
});

step("a conversation is renamed", async () => {
  assert.equal(await room.alice.updateFriendlyName("Front desk"), room.alice);
  await bob.saw.updated("conversationUpdated", ["friendlyName", "dateUpdated"]);
  assert.equal(room.bob.friendlyName, "Front desk");
  await until(() => room.alice.friendlyName === "Front desk", "the name at who gave it");
});

step("a conversation's unique name is changed, and taken away", async () => {
  await room.alice.updateUniqueName("front");
  await bob.saw.updated("conversationUpdated", ["uniqueName"], () => room.bob.uniqueName === "front");
  assert.equal((await bob.client.getConversationByUniqueName("front")).sid, room.sid);
  await until(() => room.alice.uniqueName === "front", "the name at who gave it");
  await room.alice.updateUniqueName(null);
  await bob.saw.updated("conversationUpdated", ["uniqueName"], () => room.bob.uniqueName === null);
  await room.alice.updateUniqueName("desk/ä?&=%");
  await bob.saw.updated("conversationUpdated", ["uniqueName"], () => room.bob.uniqueName === "desk/ä?&=%");
  assert.equal((await bob.client.getConversationByUniqueName("desk/ä?&=%")).sid, room.sid);
});

step("a conversation's attributes are changed", async () => {
  await room.alice.updateAttributes({ open: true });
  await bob.saw.updated("conversationUpdated", ["attributes"], () => room.bob.attributes.open === true);
  assert.deepEqual(await room.bob.getAttributes(), { open: true });
});

step("a conversation is muted by one, and for one", async () => {
  await room.bob.setUserNotificationLevel("muted");
  await bob.saw.updated("conversationUpdated", ["notificationLevel"]);
  assert.deepEqual([room.bob.notificationLevel, room.alice.notificationLevel], ["muted", "default"]);
  await room.bob.setUserNotificationLevel("default");
  await bob.saw.updated("conversationUpdated", ["notificationLevel"], () => room.bob.notificationLevel === "default");
});

step("a conversation falls asleep and wakes", async () => {
  await rest(room.sid).update({ state: "inactive" });
  await bob.saw.updated("conversationUpdated", ["state"], () => room.bob.state.current === "inactive");
  await until(() => room.alice.state.current === "inactive", "the state at the other");
  assert.ok(room.bob.state.dateUpdated instanceof Date);
  await room.alice.sendMessage("wake up");
  await bob.saw.updated("conversationUpdated", ["state"], () => room.bob.state.current === "active");
});

step("a conversation is closed for ever, and read all the same", async () => {
  const closing = await bob.client.createConversation({ friendlyName: "closing" });
  await closing.join();
  await closing.sendMessage("last words");
  await rest(closing.sid).update({ state: "closed" });
  await bob.saw.updated("conversationUpdated", ["state"], () => closing.state.current === "closed");
  await denied(closing.sendMessage("too late"), 400, 50377);
  assert.deepEqual(bodies(await closing.getMessages()), ["last words"]);
});

step("a conversation's e-mail address is seen", async () => {
  await rest(room.sid).update({ "bindings.email.address": "desk@example.org", "bindings.email.name": "Desk" });
  await bob.saw.updated("conversationUpdated", ["bindings"]);
  assert.ok(room.bob.bindings.email, JSON.stringify(room.bob.bindings));
});

step("typing is seen by the others, until what was typed is sent", async () => {
  const theirs = await room.alice.getParticipantByIdentity("bob");
  const saw = new Witness(theirs);
  await room.bob.typing();
  assert.equal((await alice.saw.next("typingStarted")).identity, "bob");
  await Promise.all([room.sawAlice.next("typingStarted"), saw.next("typingStarted")]);
  assert.equal(theirs.isTyping, true);
  bob.saw.none("typingStarted");
  await room.bob.sendMessage("typed");
  assert.equal((await alice.saw.next("typingEnded", undefined, 4)).identity, "bob");
  await Promise.all([room.sawAlice.next("typingEnded"), saw.next("typingEnded")]);
  assert.equal(theirs.isTyping, false);
});

step("who stops typing is seen to stop", async () => {
  await room.alice.typing();
  await bob.saw.next("typingStarted", (one) => one.identity === "alice");
  await bob.saw.next("typingEnded", (one) => one.identity === "alice");
});

step("a participant's attributes are changed", async () => {
  const theirs = await room.alice.getParticipantByIdentity("bob");
  const saw = new Witness(theirs);
  const mine = await room.bob.getParticipantByIdentity("bob");
  assert.equal(await mine.updateAttributes({ desk: 5 }), mine);
  await saw.updated("updated", ["attributes", "dateUpdated"]);
  await alice.saw.updated("participantUpdated", ["attributes"]);
  await room.sawAlice.updated("participantUpdated", ["attributes"]);
  assert.deepEqual(theirs.attributes, { desk: 5 });
});

step("what REST changes of a participant has its reasons too", async () => {
  const { roles } = house.client.conversations.v1;
  const role = await roles.create({ friendlyName: "all that bob may", type: "conversation", permission: ["sendMessage", "leaveConversation"] });
  const theirs = await room.alice.getParticipantByIdentity("bob");
  const { roleSid } = theirs;
  const dateCreated = new Date("2020-02-02T20:20:20Z");
  await rest(room.sid).participants(theirs.sid).update({ roleSid: role.sid, dateCreated });
  await alice.saw.updated("participantUpdated", ["roleSid", "dateCreated"]);
  assert.equal(theirs.roleSid, role.sid);
  assert.deepEqual(theirs.dateCreated, dateCreated);
  await rest(room.sid).participants(theirs.sid).update({ roleSid });
  await alice.saw.updated("participantUpdated", ["roleSid"]);
});

step("somebody's number is taken away, and another given", async () => {
  const { sid } = await house.client.conversations.v1.conversations.create({ friendlyName: "by telephone" });
  const projected = "messagingBinding.projectedAddress";
  const { sid: mine } = await rest(sid).participants.create({ identity: "alice", [projected]: phone() });
  const theirs = await alice.saw.next("conversationJoined", (one) => one.sid === sid);
  const [me] = await theirs.getParticipants();
  assert.ok(me.bindings.sms.projected_address);
  await rest(sid).participants(mine).update({ [projected]: "" });
  await alice.saw.updated("participantUpdated", ["bindings"], ({ participant }) => participant === me);
  const number = phone();
  await rest(sid).participants(mine).update({ [projected]: number });
  await alice.saw.updated("participantUpdated", ["bindings"], () => me.bindings.sms?.projected_address === number);
  await rest(sid).remove();
});

step("users are looked up and watched", async () => {
  const user = await alice.client.getUser("bob");
  assert.equal((await alice.saw.next("userSubscribed", (one) => one.identity === "bob")), user);
  assert.deepEqual([user.identity, user.friendlyName, user.attributes, user.isSubscribed], ["bob", null, {}, true]);
  assert.deepEqual([user.isOnline, user.isNotifiable], [true, null]);
  assert.equal(await (await room.alice.getParticipantByIdentity("bob")).getUser(), user);
  assert.deepEqual((await alice.client.getSubscribedUsers()).map((one) => one.identity), ["alice", "bob"]);
  await assert.rejects(alice.client.getUser("nobody at all"));
});

step("a user's profile is changed, and who watches sees it", async () => {
  await bob.client.user.updateFriendlyName("Bob B.");
  await alice.saw.updated("userUpdated", ["friendlyName"], ({ user }) => user.friendlyName === "Bob B.");
  await bob.user.updated("updated", ["friendlyName"], ({ user }) => user.friendlyName === "Bob B.");
  await bob.client.user.updateAttributes({ colour: "red" });
  await alice.saw.updated("userUpdated", ["attributes"], ({ user }) => user.attributes.colour === "red");
  await bob.user.updated("updated", ["attributes"], ({ user }) => user.attributes.colour === "red");
});

step("a user is watched no longer, and then again", async () => {
  const user = await alice.client.getUser("bob");
  const saw = new Witness(user);
  await user.unsubscribe();
  await saw.next("userUnsubscribed");
  assert.equal((await alice.saw.next("userUnsubscribed")).identity, "bob");
  assert.deepEqual((await alice.client.getSubscribedUsers()).map((one) => one.identity), ["alice"]);
  assert.equal((await alice.client.getUser("bob")).friendlyName, "Bob B.");
});

step("one's own profile is watched from the start", async () => {
  await alice.client.user.unsubscribe();
  await alice.user.next("userUnsubscribed");
  await alice.user.next("userSubscribed", undefined, 20);
  await alice.client.user.updateFriendlyName("Alice");
  await alice.user.updated("updated", ["friendlyName"], () => alice.client.user.friendlyName === "Alice");
});

step("who comes and goes is seen to be online", async () => {
  const user = await alice.client.getUser("carol");
  assert.equal(user.isOnline, true);
  await carol.client.shutdown();
  await carol.saw.next("connectionStateChanged", (state) => state === "disconnected");
  await alice.saw.updated("userUpdated", ["reachabilityOnline"], () => user.isOnline === false);
  carol = await connect(house, "carol");
  await alice.saw.updated("userUpdated", ["reachabilityOnline"], () => user.isOnline === true);
});

const bindings = async () => house.client.conversations.v1.services(await defaultService(house)).bindings.list();

step("a device is registered for notifications, which the others see", async () => {
  await bob.client.setPushRegistrationId("fcm", "a-device-of-bob");
  await alice.saw.updated("userUpdated", ["reachabilityNotifiable"], ({ user }) => user.identity === "bob" && user.isNotifiable);
  const [binding] = await bindings();
  assert.deepEqual([binding.identity, binding.bindingType, binding.credentialSid], ["bob", "fcm", credentialSid]);
});

step("a device is unregistered, in both ways", async () => {
  await bob.client.unsetPushRegistrationId("fcm");
  await alice.saw.updated("userUpdated", ["reachabilityNotifiable"], ({ user }) => user.identity === "bob" && !user.isNotifiable);
  assert.deepEqual(await bindings(), []);
  await alice.client.setPushRegistrationId("fcm", "a-device-of-alice");
  await until(async () => (await bindings()).length === 1, "the binding");
  await alice.client.removePushRegistrations("fcm", "a-device-of-alice");
  assert.deepEqual(await bindings(), []);
});

step("a notification is read and told", async () => {
  const payload = {
    twi_body: "Desk;alice: hello", twi_message_type: "twilio.conversations.new_message", conversation_sid: room.sid, message_index: "3",
  };
  const read = sdk.Client.parsePushNotification({ data: payload });
  assert.deepEqual([read.type, read.body, read.data.conversationSid, read.data.messageIndex],
    ["twilio.conversations.new_message", "Desk;alice: hello", room.sid, 3]);
  await bob.client.handlePushNotification({ data: payload });
  assert.deepEqual((await bob.saw.next("pushNotification")).data, read.data);
});

step("the package lists what it wants to be told of", () => {
  const listed = [];
  sdk.Client.populateInitRegistrations({ populateInitRegistrations: (types) => listed.push(...types) });
  assert.ok(listed.includes(sdk.NotificationTypes.TYPING_INDICATOR) && listed.includes("com.twilio.rtd.cds.map"));
});

step("a conversation is found by its sid", async () => {
  assert.equal(await bob.client.getConversationBySid(room.sid), room.bob);
  assert.equal((await bob.client.peekConversationBySid(room.sid)).sid, room.sid);
  await assert.rejects(bob.client.getConversationByUniqueName("no such name"));
});

step("who does not take part sees nothing of it", async () => {
  await assert.rejects(carol.client.peekConversationBySid(room.sid));
  await assert.rejects(carol.client.getConversationBySid(room.sid));
});

step("receipts, recipients and metadata of a message", async () => {
  const index = await room.alice.sendMessage("to the telephone");
  const message = await bob.saw.next("messageAdded", (one) => one.index === index);
  const receipts = await message.getDetailedDeliveryReceipts();
  assert.deepEqual(receipts.map((one) => [one.messageSid, one.participantSid]), [[message.sid, room.phone.sid]]);
  assert.deepEqual(await message.getMessageRecipients(), []);
  assert.equal(await message.getChannelMetadata(), null);
  const recipients = await room.bob.getMessageRecipients({ pageSize: 5 });
  assert.deepEqual([recipients.items, recipients.hasNextPage, recipients.hasPrevPage], [[], false, false]);
});

step("who goes is seen to go, and loses sight", async () => {
  await room.alice.add("carol");
  const theirs = await carol.saw.next("conversationJoined", (one) => one.sid === room.sid);
  const saw = new Witness(theirs);
  await bob.saw.next("participantJoined", (one) => one.identity === "carol");
  assert.equal(await theirs.leave(), theirs);
  assert.equal((await carol.saw.next("conversationLeft")).sid, room.sid);
  await carol.saw.next("conversationRemoved", (one) => one.sid === room.sid);
  await saw.next("removed");
  assert.equal(theirs.status, "notParticipating");
  assert.equal((await bob.saw.next("participantLeft", (one) => one.identity === "carol")).identity, "carol");
  await room.sawBob.next("participantLeft", (one) => one.identity === "carol");
});

step("who left may be added again", async () => {
  carol.saw.forget();
  await room.alice.add("carol");
  const theirs = await carol.saw.next("conversationJoined", (one) => one.sid === room.sid);
  assert.equal((await theirs.getMessages(1)).items[0].body, "to the telephone");
});

step("participants are removed, by what they are and by name", async () => {
  await (await room.alice.getParticipantByIdentity("carol")).remove();
  await carol.saw.next("conversationLeft", (one) => one.sid === room.sid);
  await room.alice.removeParticipant(room.phone);
  await alice.saw.next("participantLeft", (one) => one.sid === room.phone.sid);
  await room.alice.removeParticipant("bob");
  await bob.saw.next("conversationLeft", (one) => one.sid === room.sid);
  await bob.saw.next("conversationRemoved", (one) => one.sid === room.sid);
  await room.sawBob.next("removed");
  await until(async () => (await room.alice.getParticipants()).length === 1, "the last participant");
});

step("a token is changed for a new one", async () => {
  const token = await tokenFor(house, "alice", { ttl: 3000, pushCredentialSid: credentialSid });
  assert.equal(await alice.client.updateToken(token), alice.client);
  assert.equal(alice.client.token, token);
  assert.equal(alice.client.connectionState, "connected");
  assert.equal(await room.alice.sendMessage("with a new token"), room.alice.lastMessage.index + 1);
});

step("a conversation is deleted", async () => {
  await room.alice.add("bob");
  const theirs = await bob.saw.next("conversationJoined", (one) => one.sid === room.sid);
  const saw = new Witness(theirs);
  assert.equal(await room.alice.delete(), room.alice);
  await alice.saw.next("conversationRemoved", (one) => one.sid === room.sid);
  await bob.saw.next("conversationRemoved", (one) => one.sid === room.sid);
  await saw.next("removed");
  await assert.rejects(rest(room.sid).fetch(), (error) => error.status === 404);
  await until(async () => (await alice.client.getSubscribedConversations()).items.length === 0, "an empty list");
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
  for (const { client, saw } of [alice, bob, carol]) {
    await client.shutdown();
    await saw.next("connectionStateChanged", (state) => state === "disconnected");
  }
  const { users } = house.client.conversations.v1;
  await until(async () => (await users("alice").fetch()).isOnline === false, "alice to be seen offline");
});

test("every public method was called", () => {
  const all = [...CLASSES, "Paginator"].flatMap((kind) => methodsOf(kind).map((name) => `${kind}.${name}`));
  assert.ok(all.length > 70, `${all.length} methods found`);
  assert.deepEqual(all.filter((name) => !called.has(name) && !ELSEWHERE[name]), []);
});

test("every event was seen, with every reason", () => {
  const kinds = ["Client", "Conversation", "Message", "Participant", "User"];
  const events = new Set(Witness.noted.map(([kind, name]) => `${kind}.${name}`));
  // Clients and conversations pass on what their objects tell, as `messageUpdated` and the like.
  const owner = (kind, name) => (name === "updated" ? kind : name[0].toUpperCase() + name.slice(1).replace("Updated", ""));
  const reasons = new Set(Witness.noted.flatMap(([kind, name, given]) => given.map((reason) => `${owner(kind, name)}.updated: ${reason}`)));
  const all = kinds.flatMap((kind) => eventsOf(kind).map((name) => `${kind}.${name}`));
  const why = kinds.slice(1).flatMap((kind) => reasonsOf(kind).map((reason) => `${kind}.updated: ${reason}`));
  assert.ok(all.length > 35 && why.length > 30, `${all.length} events and ${why.length} reasons found`);
  assert.deepEqual([...all.filter((name) => !events.has(name)), ...why.filter((name) => !reasons.has(name))].filter((name) => !ELSEWHERE[name]), []);
});
