// What a client may not do: without a permission, and in others' conversations and objects.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openHouse, phone, unique } from "../../node/house.mjs";
import { connect, defaultService, denied, PNG, tokenFor } from "../people.mjs";
import { Wire } from "../wire.mjs";

const ADMIN = "an-admin-token-of-some-length";
const house = openHouse(undefined, "", { TERTULIA_ADMIN_TOKEN: ADMIN });
const v1 = () => house.client.conversations.v1;
const rest = (sid) => v1().conversations(sid);

// With the permission for everybody's one needs none for one's own.
const OR_BY = {
  editOwnMessage: "editAnyMessage",
  editOwnMessageAttributes: "editAnyMessageAttributes",
  deleteOwnMessage: "deleteAnyMessage",
  editOwnParticipantAttributes: "editAnyParticipantAttributes",
  editOwnUserInfo: "editAnyUserInfo",
};
const without = (all, permission) => all.filter((one) => one !== permission && one !== OR_BY[permission]);

const OF_A_CONVERSATION = [
  "addParticipant",
  "addNonChatParticipant",
  "deleteAnyMessage",
  "deleteOwnMessage",
  "deleteConversation",
  "editAnyMessage",
  "editAnyMessageAttributes",
  "editAnyParticipantAttributes",
  "editConversationAttributes",
  "editConversationName",
  "editNotificationLevel",
  "editOwnMessage",
  "editOwnMessageAttributes",
  "editOwnParticipantAttributes",
  "leaveConversation",
  "removeParticipant",
  "sendMediaMessage",
  "sendMessage",
];
// What each permission is needed for, as bob does it in a conversation with alice.
const COMMANDS = {
  sendMessage: ({ conversation }) => conversation.sendMessage("hello"),
  sendMediaMessage: ({ conversation }) =>
    conversation.sendMessage({ contentType: "image/png", filename: "dot.png", media: PNG }),
  editOwnMessage: ({ own }) => own.updateBody("edited"),
  editOwnMessageAttributes: ({ own }) => own.updateAttributes({ a: 1 }),
  deleteOwnMessage: ({ own }) => own.remove(),
  editAnyMessage: ({ other }) => other.updateBody("edited"),
  editAnyMessageAttributes: ({ other }) => other.updateAttributes({ a: 1 }),
  deleteAnyMessage: ({ other }) => other.remove(),
  editConversationName: ({ conversation }) => conversation.updateFriendlyName(unique("name")),
  editConversationAttributes: ({ conversation }) => conversation.updateAttributes({ a: unique() }),
  addParticipant: ({ conversation }) => conversation.add(unique("guest")),
  addNonChatParticipant: ({ conversation }) => conversation.addNonChatParticipant(phone(), phone()),
  removeParticipant: ({ conversation }) => conversation.removeParticipant("alice"),
  editOwnParticipantAttributes: ({ me }) => me.updateAttributes({ a: 1 }),
  editAnyParticipantAttributes: ({ alice }) => alice.updateAttributes({ a: 1 }),
  editNotificationLevel: ({ conversation }) => conversation.setUserNotificationLevel("muted"),
  leaveConversation: ({ conversation }) => conversation.leave(),
  deleteConversation: ({ conversation }) => conversation.delete(),
};

test("each permission of a conversation is asked for", async (t) => {
  assert.deepEqual(Object.keys(COMMANDS).sort(), OF_A_CONVERSATION.sort());
  const bob = await connect(house, "bob");
  for (const [permission, command] of Object.entries(COMMANDS)) {
    await t.test(permission, async () => {
      const others = without(OF_A_CONVERSATION, permission);
      const role = await v1().roles.create({ friendlyName: unique("role"), type: "conversation", permission: others });
      const { sid } = await v1().conversations.create();
      await rest(sid).participants.create({ identity: "alice" });
      await rest(sid).participants.create({ identity: "bob", roleSid: role.sid });
      await rest(sid).messages.create({ author: "bob", body: "by bob" });
      await rest(sid).messages.create({ author: "alice", body: "by alice" });
      const conversation = await bob.saw.next("conversationJoined", (one) => one.sid === sid);
      const {
        items: [own, other],
      } = await conversation.getMessages();
      const at = {
        conversation,
        own,
        other,
        me: await conversation.getParticipantByIdentity("bob"),
        alice: await conversation.getParticipantByIdentity("alice"),
      };
      await denied(command(at), 403, 50107);
      await v1()
        .roles(role.sid)
        .update({ permission: [...others, permission] });
      await command(at);
    });
  }
});

test("each permission of a service is asked for", async (t) => {
  // Joining what one has not made needs both.
  const all = ["addParticipant", "createConversation", "joinConversation", "editOwnUserInfo", "editAnyUserInfo"];
  const dora = await connect(house, "dora");
  await connect(house, "alice");
  const other = await dora.client.getUser("alice");
  const { sid } = await v1().conversations.create();
  const commands = {
    createConversation: () => dora.client.createConversation(),
    joinConversation: async (wire) => {
      const answer = await wire.request(
        "POST",
        `/Client/v2/Services/${await defaultService(house)}/Conversations/${sid}/Participants`,
        { body: { identity: "dora" } },
      );
      if (answer.status >= 300) throw Object.assign(new Error("refused"), answer);
    },
    editOwnUserInfo: () => dora.client.user.updateFriendlyName("Dora"),
    editAnyUserInfo: () => other.updateFriendlyName("Alice"),
  };
  const wire = await Wire.open(house, await tokenFor(house, "dora"));
  for (const permission of Object.keys(commands)) {
    await t.test(permission, async () => {
      const others = without(all, permission);
      const role = await v1().roles.create({ friendlyName: unique("role"), type: "service", permission: others });
      await v1().users("dora").update({ roleSid: role.sid });
      await denied(commands[permission](wire), 403, 50107);
      await v1()
        .roles(role.sid)
        .update({ permission: [...others, permission] });
      await commands[permission](wire);
    });
  }
  await wire.close();
});

// What a client would ask for all that hangs on a conversation.
const objectsOf = (sid) => [
  ["document", `${sid}.channel`],
  ["list", `${sid}.messages`],
  ["map", `${sid}.roster`],
];
const pathOf = ([type, name]) => `/v3/${type[0].toUpperCase()}${type.slice(1)}s/${name}`;

async function shut(wire, objects) {
  for (const object of objects) {
    assert.ok([403, 404].includes((await wire.request("GET", pathOf(object))).status), `root of ${object[1]}`);
    if (object[0] !== "document") {
      assert.ok(
        [403, 404].includes((await wire.request("GET", `${pathOf(object)}/Items`)).status),
        `items of ${object[1]}`,
      );
    }
  }
  const outcome = await wire.subscribe(...objects);
  for (const [, name] of objects)
    assert.ok([403, 404].includes(outcome[name]), `subscription to ${name}: ${outcome[name]}`);
}

test("others' objects are shut, one's own are open", async () => {
  await connect(house, "alice");
  const { sid } = await v1().conversations.create();
  await rest(sid).participants.create({ identity: "alice" });
  await rest(sid).messages.create({ author: "alice", body: "between us" });
  const alice = await Wire.open(house, await tokenFor(house, "alice"));
  const eve = await Wire.open(house, await tokenFor(house, "eve"));
  const mine = [
    ["map", (await alice.request("GET", "/Client/v2/Configuration")).body.sync_objects.my_conversations],
    ...objectsOf(sid),
  ];
  for (const object of mine) assert.equal((await alice.request("GET", pathOf(object))).status, 200, object[1]);
  const outcome = await alice.subscribe(...mine);
  assert.deepEqual([...new Set(Object.values(outcome))], ["subscription_established"]);
  await shut(eve, mine);
  await rest(sid).messages.create({ author: "alice", body: "still between us" });
  await alice.next(({ event }) => event.item_data?.text === "still between us");
  await v1().users("eve").update({ friendlyName: "Eve" });
  assert.ok(
    eve.events().every(({ event_type }) => event_type === "subscription_failed"),
    JSON.stringify(eve.told),
  );
  await Promise.all([alice.close(), eve.close()]);
});

test("a conversation of which one is no member takes no command", async () => {
  const { sid } = await v1().conversations.create();
  await rest(sid).participants.create({ identity: "alice" });
  const message = await rest(sid).messages.create({ author: "alice", body: "hello" });
  const eve = await Wire.open(house, await tokenFor(house, "eve"));
  const base = (await eve.request("GET", "/Client/v2/Configuration")).body.links.conversations.replace(
    /^https?:\/\/[^/]+/,
    "",
  );
  for (const [method, path, body] of [
    ["GET", sid],
    ["POST", sid, { friendly_name: "mine" }],
    ["DELETE", sid],
    ["POST", `${sid}/Messages`, { body: "x" }],
    ["POST", `${sid}/Messages/${message.sid}`, { body: "x" }],
    ["DELETE", `${sid}/Messages/${message.sid}`],
    ["POST", `${sid}/Participants`, { identity: "mallory" }],
    ["DELETE", `${sid}/Participants/alice`],
    ["POST", `${sid}/Participants/alice`, { attributes: "{}" }],
    ["GET", `${sid}/Messages/${message.sid}/Receipts`],
    ["GET", `${sid}/MessageRecipients`],
  ]) {
    const answer = await eve.request(method, `${base}/${path}`, { body });
    assert.ok([403, 404].includes(answer.status), `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  assert.equal((await rest(sid).messages(message.sid).fetch()).body, "hello");
  await eve.close();
});

async function otherAccount() {
  const answer = await fetch(`${house.url}/tertulia/v1/Accounts`, {
    method: "POST",
    headers: { Authorization: `Bearer ${ADMIN}`, "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ FriendlyName: "another" }),
  });
  assert.equal(answer.status, 201, await answer.clone().text());
  const { sid, auth_token } = await answer.json();
  const client = house.clientOf(sid, auth_token, { accountSid: sid });
  return { sid, v1: client.conversations.v1 };
}

test("another account's, and another service's, conversations are not there", async () => {
  const other = await otherAccount();
  const service = await v1().services.create({ friendlyName: "another" });
  const elsewhere = [other.v1.conversations, v1().services(service.sid).conversations];
  const alice = await connect(house, "alice");
  const wire = await Wire.open(house, await tokenFor(house, "alice"));
  for (const conversations of elsewhere) {
    const { sid } = await conversations.create({ uniqueName: "shared name" });
    await conversations(sid).participants.create({ identity: "alice" });
    await conversations(sid).messages.create({ author: "alice", body: "elsewhere" });
    await shut(wire, objectsOf(sid));
    await assert.rejects(alice.client.getConversationBySid(sid), (error) => error.status === 404);
    await assert.rejects(alice.client.getConversationByUniqueName("shared name"), (error) => error.status === 404);
  }
  alice.saw.none("conversationAdded", (one) => one.uniqueName === "shared name");
  await wire.close();
});

test("who is removed while connected sees nothing more", async () => {
  const bob = await connect(house, "bob");
  const wire = await Wire.open(house, await tokenFor(house, "bob"));
  const { sid } = await v1().conversations.create();
  await rest(sid).participants.create({ identity: "alice" });
  await rest(sid).participants.create({ identity: "bob" });
  const conversation = await bob.saw.next("conversationJoined", (one) => one.sid === sid);
  const info = (await wire.request("GET", "/Client/v2/Configuration")).body.sync_objects.my_user_info;
  await wire.subscribe(...objectsOf(sid), ["map", info]);
  await rest(sid).messages.create({ author: "alice", body: "for all" });
  await wire.next(({ event }) => event.item_data?.text === "for all");
  await bob.saw.next("messageAdded", (one) => one.body === "for all");

  await rest(sid).participants("bob").remove();
  await bob.saw.next("conversationLeft", (one) => one.sid === sid);
  await rest(sid).messages.create({ author: "alice", body: "behind his back" });
  await rest(sid).update({ friendlyName: "behind his back" });
  await v1().users("bob").update({ friendlyName: "Bob" });
  await wire.next(({ event }) => event.map_sid === info && event.item_data?.value === "Bob");
  assert.ok(!JSON.stringify(wire.told).includes("behind his back"));
  bob.saw.none("messageAdded", (one) => one.body === "behind his back");
  await shut(wire, objectsOf(sid));
  await denied(conversation.sendMessage("and yet"), 403, 50430);
  await wire.close();
});
