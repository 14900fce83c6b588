// REST and the client SDK side by side: what one does the other sees; timers, and webhooks of what the SDK does.

import assert from "node:assert/strict";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { openHouse, unique } from "../../node/house.mjs";
import { connect, defaultService, denied, PNG, until, Witness } from "../people.mjs";

const basic = (client) => `Basic ${btoa(`${client.username}:${client.password}`)}`;

describe("what REST does the SDK sees", () => {
  const house = openHouse();
  const v1 = () => house.client.conversations.v1;
  let bob;
  before(async () => {
    bob = await connect(house, "bob");
  });

  // A conversation with alice, who has no client, and bob.
  async function room(more = {}) {
    const made = await v1().conversationWithParticipants.create({
      ...more,
      participant: ["alice", "bob"].map((identity) => JSON.stringify({ identity })),
    });
    const seen = await bob.saw.next("conversationJoined", (one) => one.sid === made.sid);
    // The package opens messages and participants after it has told of the conversation; this waits for both.
    await seen.getMessages(1);
    return { made, seen, rest: v1().conversations(made.sid), saw: new Witness(seen) };
  }

  test("a conversation, with all its fields", async () => {
    const attributes = JSON.stringify({ a: [1, "ö"] });
    const uniqueName = unique("room");
    const { made, seen } = await room({ friendlyName: "Room \u{1f6aa}", uniqueName, attributes });
    assert.deepEqual(
      [seen.friendlyName, seen.uniqueName, seen.attributes],
      ["Room \u{1f6aa}", uniqueName, JSON.parse(attributes)],
    );
    assert.equal(seen.state.current, "active");
    assert.equal(Math.floor(seen.dateCreated.getTime() / 1000), made.dateCreated.getTime() / 1000);
    assert.deepEqual((await seen.getParticipants()).map((one) => one.identity).sort(), ["alice", "bob"]);
  });

  test("a message and all that becomes of it", async () => {
    const { rest } = await room();
    const sent = await rest.messages.create({ author: "alice", body: "by REST", subject: "S", attributes: '{"a":1}' });
    const seen = await bob.saw.next("messageAdded", (one) => one.sid === sent.sid);
    assert.deepEqual(
      [seen.body, seen.author, seen.subject, seen.attributes, seen.index],
      ["by REST", "alice", "S", { a: 1 }, 0],
    );
    await rest.messages(sent.sid).update({ body: "edited by REST", attributes: '{"a":2}' });
    await bob.saw.updated("messageUpdated", ["body", "attributes"], ({ message }) => message.sid === sent.sid);
    await rest.messages(sent.sid).remove();
    await bob.saw.next("messageRemoved", (one) => one.sid === sent.sid);
  });

  test("a message with a file", async () => {
    const { rest } = await room();
    const answer = await fetch(`${house.url}/v1/Services/${await defaultService(house)}/Media?Filename=dot.png`, {
      method: "POST",
      headers: { Authorization: basic(house.client), "Content-Type": "image/png" },
      body: PNG,
    });
    const { sid } = await answer.json();
    await rest.messages.create({ author: "alice", mediaSid: sid });
    const seen = await bob.saw.next("messageAdded", (one) => one.attachedMedia?.[0]?.sid === sid);
    const bytes = await fetch(await seen.attachedMedia[0].getContentTemporaryUrl()).then((got) => got.arrayBuffer());
    assert.deepEqual(Buffer.from(bytes), PNG);
  });

  test("names and attributes", async () => {
    const { rest, saw, seen } = await room();
    await rest.update({ friendlyName: "renamed", uniqueName: unique(), attributes: '{"b":1}' });
    await saw.updated("updated", ["friendlyName", "uniqueName", "attributes", "dateUpdated"]);
    assert.deepEqual([seen.friendlyName, seen.attributes], ["renamed", { b: 1 }]);
  });

  test("who comes, changes and goes", async () => {
    const { rest, saw } = await room();
    const { sid } = await rest.participants.create({ identity: "a guest" });
    assert.equal((await saw.next("participantJoined", (one) => one.sid === sid)).identity, "a guest");
    await rest.participants(sid).update({ attributes: '{"c":1}' });
    await saw.updated("participantUpdated", ["attributes"]);
    await rest.participants(sid).remove();
    await saw.next("participantLeft", (one) => one.sid === sid);
  });

  test("a user's own view of a conversation", async () => {
    const { made, rest, saw, seen } = await room();
    await rest.messages.create({ body: "one" });
    await v1().users("bob").userConversations(made.sid).update({ notificationLevel: "muted", lastReadMessageIndex: 0 });
    await saw.updated("updated", ["notificationLevel"], () => seen.notificationLevel === "muted");
    await until(() => seen.lastReadMessageIndex === 0, "the read horizon");
    assert.equal(await seen.getUnreadMessagesCount(), 0);
  });

  test("users", async () => {
    const identity = unique("zoë b/ö+&=%");
    await v1().users.create({ identity, friendlyName: "Zoë", attributes: '{"d":1}' });
    const user = await bob.client.getUser(identity);
    assert.deepEqual([user.friendlyName, user.attributes], ["Zoë", { d: 1 }]);
    // The library puts a name into the path as it is.
    await v1().users(encodeURIComponent(identity)).update({ friendlyName: "Zoë B.", attributes: '{"d":2}' });
    await until(() => user.friendlyName === "Zoë B." && user.attributes.d === 2, "the user's new profile");
  });

  test("an identity of any letters connects", async () => {
    const identity = unique("zoë b/ö+&=% \u{1f44b}");
    const zoe = await connect(house, identity);
    const { rest, made } = await room();
    await rest.participants.create({ identity });
    const theirs = await zoe.saw.next("conversationJoined", (one) => one.sid === made.sid);
    await theirs.getMessages(1);
    await theirs.sendMessage("it's me");
    assert.equal((await bob.saw.next("messageAdded", (one) => one.body === "it's me")).author, identity);
    await theirs.leave();
    await zoe.saw.next("conversationLeft", (one) => one.sid === made.sid);
  });

  test("removed and deleted", async () => {
    const first = await room();
    await first.rest.participants("bob").remove();
    await bob.saw.next("conversationLeft", (one) => one.sid === first.made.sid);
    const second = await room();
    await second.rest.remove();
    await bob.saw.next("conversationRemoved", (one) => one.sid === second.made.sid);
  });

  test("much at once, in order and each once", async () => {
    const { rest, seen } = await room();
    const writers = [0, 1, 2, 3].map(async (writer) => {
      for (let number = 0; number < 50; number += 1)
        await rest.messages.create({ author: "alice", body: `${writer}-${number}` });
    });
    await Promise.all(writers);
    const shown = [];
    while (shown.length < 200)
      shown.push(await bob.saw.next("messageAdded", (one) => one.conversation.sid === seen.sid));
    assert.deepEqual(
      shown.map((one) => one.index),
      Array.from({ length: 200 }, (_, at) => at),
    );
    const stored = await rest.messages.list({ limit: 200 });
    assert.deepEqual(
      shown.map((one) => one.body),
      stored.map((one) => one.body),
    );
    bob.saw.none("messageAdded", (one) => one.conversation.sid === seen.sid);
  });

  test("two connections of one user see the same, and live apart", async () => {
    const { made, rest, seen } = await room();
    const second = await connect(house, "bob");
    const theirs = await second.client.getConversationBySid(made.sid);
    await theirs.getMessages(1);
    await seen.sendMessage("from the first");
    for (const { saw } of [bob, second]) await saw.next("messageAdded", (one) => one.body === "from the first");
    await theirs.setAllMessagesRead();
    await until(() => seen.lastReadMessageIndex === 0, "the read horizon at the first");
    await second.client.shutdown();
    await rest.messages.create({ body: "to the first" });
    await bob.saw.next("messageAdded", (one) => one.body === "to the first");
  });

  test("what the SDK does REST sees", async () => {
    const conversation = await bob.client.createConversation({
      friendlyName: "by the SDK",
      uniqueName: unique(),
      attributes: { e: 1 },
    });
    const rest = v1().conversations(conversation.sid);
    const stored = await rest.fetch();
    assert.deepEqual(
      [stored.friendlyName, stored.uniqueName, JSON.parse(stored.attributes)],
      ["by the SDK", conversation.uniqueName, { e: 1 }],
    );
    await conversation.join();
    await conversation.getMessages(1);
    await conversation.add("alice", { f: 1 });
    assert.deepEqual(
      (await rest.participants.list()).map((one) => one.identity),
      ["bob", "alice"],
    );
    const index = await conversation.sendMessage("by the SDK", { g: 1 }, { subject: "S" });
    const [message] = await rest.messages.list();
    assert.deepEqual(
      [message.index, message.author, message.body, JSON.parse(message.attributes)],
      [index, "bob", "by the SDK", { g: 1 }],
    );
    assert.equal(message.participantSid, (await conversation.getParticipantByIdentity("bob")).sid);
    await conversation.updateFriendlyName("renamed by the SDK");
    await conversation.updateUniqueName(null);
    assert.deepEqual(
      [(await rest.fetch()).friendlyName, (await rest.fetch()).uniqueName],
      ["renamed by the SDK", null],
    );
    await conversation.setAllMessagesRead();
    await conversation.setUserNotificationLevel("muted");
    const view = await v1().users("bob").userConversations(conversation.sid).fetch();
    assert.deepEqual([view.lastReadMessageIndex, view.unreadMessagesCount, view.notificationLevel], [0, 0, "muted"]);
    assert.equal((await rest.participants("bob").fetch()).lastReadMessageIndex, 0);
    await bob.client.user.updateFriendlyName("Bob by the SDK");
    assert.equal((await v1().users("bob").fetch()).friendlyName, "Bob by the SDK");
    await conversation.removeParticipant("alice");
    await conversation.leave();
    assert.deepEqual(await rest.participants.list(), []);
  });
});

describe("timers", () => {
  const ADMIN = "an-admin-token-of-some-length";
  const house = openHouse(undefined, '[server]\nclock = "manual"\n', { TERTULIA_ADMIN_TOKEN: ADMIN });
  const clock = async (form) => {
    const answer = await fetch(`${house.url}/tertulia/v1/Clock`, {
      method: form ? "POST" : "GET",
      headers: { Authorization: `Bearer ${ADMIN}` },
      body: form && new URLSearchParams(form),
    });
    assert.equal(answer.status, 200, await answer.clone().text());
    return new Date((await answer.json()).now);
  };

  test("a conversation that nobody touches goes to sleep, and ends", async () => {
    const conversations = house.client.conversations.v1.conversations;
    // Tokens are made by this machine's clock, so the server's is set to it.
    await clock({ Advance: `PT${Math.ceil((Date.now() - (await clock()).getTime()) / 1000)}S` });
    const bob = await connect(house, "bob", { grant: { ttl: 7200 } });
    const { sid } = await conversations.create({ "timers.inactive": "PT1M", "timers.closed": "PT10M" });
    await conversations(sid).participants.create({ identity: "bob" });
    const seen = await bob.saw.next("conversationJoined", (one) => one.sid === sid);
    await clock({ Advance: "PT1M" });
    await bob.saw.updated("conversationUpdated", ["state"], () => seen.state.current === "inactive");
    await seen.sendMessage("wake up");
    await bob.saw.updated("conversationUpdated", ["state"], () => seen.state.current === "active");
    await clock({ Advance: "PT1M" });
    await bob.saw.updated("conversationUpdated", ["state"], () => seen.state.current === "inactive");
    await clock({ Advance: "PT10M" });
    await bob.saw.updated("conversationUpdated", ["state"], () => seen.state.current === "closed");
    await denied(seen.sendMessage("too late"), 400, 50377);
    assert.equal((await seen.getMessages()).items[0].body, "wake up");
  });
});

describe("webhooks of what the SDK does", () => {
  const house = openHouse(undefined, "[webhooks]\nallow_private = true\n");
  const told = [];
  let answers = {};
  const receiver = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      told.push(form);
      const [status, body] = answers[form.EventType] ?? [200, ""];
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(body);
    });
  });
  const next = (event, match = () => true) =>
    until(() => {
      const at = told.findIndex((one) => one.EventType === event && match(one));
      return at < 0 ? null : told.splice(at, 1)[0];
    }, `${event} at the receiver`);
  const FILTERS = [
    "onMessageAdd",
    "onMessageAdded",
    "onMessageUpdate",
    "onMessageUpdated",
    "onMessageRemove",
    "onMessageRemoved",
    "onConversationAdd",
    "onConversationAdded",
    "onConversationUpdate",
    "onConversationUpdated",
    "onConversationRemove",
    "onConversationRemoved",
    "onParticipantAdd",
    "onParticipantAdded",
    "onParticipantUpdate",
    "onParticipantUpdated",
    "onParticipantRemove",
    "onParticipantRemoved",
    "onUserAdded",
    "onUserUpdate",
    "onUserUpdated",
  ];
  let alice;
  let conversation;

  before(async () => {
    await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${receiver.address().port}/hook`;
    const { configuration } = house.client.conversations.v1;
    await configuration
      .webhooks()
      .update({ preWebhookUrl: url, postWebhookUrl: url, filters: FILTERS, method: "POST" });
  });
  after(() => {
    receiver.closeAllConnections();
    receiver.close();
  });

  const byAlice = (form) =>
    assert.deepEqual([form.Source, form.ClientIdentity], ["SDK", "alice"], JSON.stringify(form));

  test("who connects first is told of as a new user", async () => {
    alice = await connect(house, "alice");
    const form = await next("onUserAdded");
    assert.deepEqual([form.Identity, form.Source], ["alice", "SDK"]);
    await connect(house, "alice");
    await alice.client.user.updateFriendlyName("Alice");
    byAlice(await next("onUserUpdated"));
    assert.ok(!told.some((one) => one.EventType === "onUserAdded"));
  });

  test("everything is asked before and told after, with who did it", async () => {
    conversation = await alice.client.createConversation({ friendlyName: "Desk" });
    const asked = await next("onConversationAdd");
    byAlice(asked);
    assert.equal(asked.ConversationSid, undefined);
    byAlice(await next("onConversationAdded", (form) => form.ConversationSid === conversation.sid));
    await conversation.join();
    await conversation.getMessages(1);
    byAlice(await next("onParticipantAdd"));
    byAlice(await next("onParticipantAdded", (form) => form.Identity === "alice"));
    await conversation.add("bob");
    byAlice(await next("onParticipantAdded", (form) => form.Identity === "bob"));
    const index = await conversation.sendMessage("hello");
    const message = await alice.saw.next("messageAdded", (one) => one.index === index);
    byAlice(await next("onMessageAdd"));
    const form = await next("onMessageAdded");
    byAlice(form);
    assert.deepEqual([form.Author, form.Body, form.MessageSid], ["alice", "hello", message.sid]);
    await message.updateBody("hello again");
    byAlice(await next("onMessageUpdate"));
    byAlice(await next("onMessageUpdated"));
    await message.remove();
    byAlice(await next("onMessageRemove"));
    byAlice(await next("onMessageRemoved"));
    await conversation.removeParticipant("bob");
    byAlice(await next("onParticipantRemove"));
    byAlice(await next("onParticipantRemoved"));
    await conversation.updateFriendlyName("Front desk");
    byAlice(await next("onConversationUpdate"));
    byAlice(await next("onConversationUpdated"));
  });

  test("REST tells nothing by itself", async () => {
    await house.client.conversations.v1.conversations(conversation.sid).messages.create({ body: "quietly" });
    await conversation.sendMessage("aloud");
    assert.equal((await next("onMessageAdded")).Body, "aloud");
  });

  test("what is asked before may be refused", async () => {
    const refusing = {
      onMessageAdd: [403, ""],
      onConversationUpdate: [500, ""],
      onParticipantAdd: [400, ""],
      onConversationAdd: [404, ""],
    };
    answers = refusing;
    await denied(conversation.sendMessage("refused"), 403, 50056);
    await denied(conversation.updateFriendlyName("refused"), 403, 50056);
    await denied(conversation.add("mallory"), 403, 50056);
    await denied(alice.client.createConversation({ friendlyName: "refused" }), 403, 50056);
    answers = {};
    await conversation.sendMessage("accepted");
    await alice.saw.next("messageAdded", (one) => one.body === "accepted");
    alice.saw.none("messageAdded", (one) => one.body === "refused");
    assert.equal(conversation.friendlyName, "Front desk");
  });

  test("what is asked before may be altered", async () => {
    answers = {
      onMessageAdd: [200, JSON.stringify({ body: "altered", attributes: '{"seen":true}' })],
      onConversationUpdate: [200, JSON.stringify({ friendly_name: "altered" })],
    };
    const index = await conversation.sendMessage("as written");
    const message = await alice.saw.next("messageAdded", (one) => one.index === index);
    assert.deepEqual([message.body, message.attributes], ["altered", { seen: true }]);
    await conversation.updateFriendlyName("as written");
    await alice.saw.updated("conversationUpdated", ["friendlyName"], () => conversation.friendlyName === "altered");
    answers = {};
  });
});
