// Other versions of the official package against the same server.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { openHouse, until } from "../../node/house.mjs";
import { defaultService, leave, socketOf, tokenFor } from "../people.mjs";

const require = createRequire(import.meta.url);
const house = openHouse();
const v1 = () => house.client.conversations.v1;

async function filled(identity, messages) {
  const { sid } = await v1().conversations.create({ friendlyName: "old friends" });
  await v1().conversations(sid).participants.create({ identity });
  for (let number = 0; number < messages; number += 1)
    await v1()
      .conversations(sid)
      .messages.create({ body: `n${number}` });
  return sid;
}

const event = (emitter, name, match = () => true) =>
  new Promise((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`waited 15 s for ${name}`)), 15_000);
    emitter.on(name, (told) => {
      if (!match(told)) return;
      clearTimeout(deadline);
      resolve(told);
    });
  });

test("@twilio/conversations 2.6.0 connects, lists, pages, sends and receives", async (t) => {
  const sdk = require("conversations-2");
  assert.equal(sdk.Client.version, "2.6.0");
  const sids = [];
  for (let number = 0; number < 3; number += 1) sids.push(await filled("mary", 40));
  const client = new sdk.Client(await tokenFor(house, "mary"), { Twilsock: { uri: socketOf(house.url) } });
  t.after(() => leave(client));
  await event(client, "stateChanged", (state) => state === "initialized");
  const conversations = await client.getSubscribedConversations();
  assert.deepEqual(conversations.items.map((one) => one.sid).sort(), sids.sort());

  const conversation = await client.getConversationBySid(sids[0]);
  let page = await conversation.getMessages(15);
  const sizes = [page.items.length];
  let seen = page.items;
  while (page.hasPrevPage) {
    page = await page.prevPage();
    sizes.push(page.items.length);
    seen = [...page.items, ...seen];
  }
  assert.deepEqual(sizes, [15, 15, 10]);
  assert.deepEqual(
    seen.map((one) => one.body),
    Array.from({ length: 40 }, (_, at) => `n${at}`),
  );
  const forward = await conversation.getMessages(15, 0, "forward");
  assert.deepEqual(
    (await forward.nextPage()).items.map((one) => one.index),
    Array.from({ length: 15 }, (_, at) => 15 + at),
  );

  const heard = event(client, "messageAdded", (message) => message.body === "hello from 2.6.0");
  assert.equal(await conversation.sendMessage("hello from 2.6.0"), 40);
  assert.equal((await heard).author, "mary");
  const byRest = event(client, "messageAdded", (message) => message.body === "by REST");
  await v1().conversations(sids[0]).messages.create({ body: "by REST" });
  assert.equal((await byRest).index, 41);
});

test("more conversations than fit on a page reach 2.6.0 too", async (t) => {
  const sdk = require("conversations-2");
  for (let number = 0; number < 105; number += 1) {
    await v1().conversationWithParticipants.create({ participant: [JSON.stringify({ identity: "nora" })] });
  }
  const client = new sdk.Client(await tokenFor(house, "nora"), { Twilsock: { uri: socketOf(house.url) } });
  t.after(() => leave(client));
  let page = await client.getSubscribedConversations();
  const seen = page.items.map((one) => one.sid);
  while (page.hasNextPage) {
    page = await page.nextPage();
    seen.push(...page.items.map((one) => one.sid));
  }
  assert.deepEqual([seen.length, new Set(seen).size], [105, 105]);
});

test("twilio-chat 6.0.0, the package before, initialises", async (t) => {
  const { Client } = require("twilio-chat");
  const sid = await filled("olive", 1);
  const client = new Client(await tokenFor(house, "olive"), { Twilsock: { uri: socketOf(house.url) } });
  t.after(() => leave(client));
  await event(client, "stateChanged", (state) => state === "initialized");
  assert.equal(client.user.identity, "olive");
  await defaultService(house);
  await until(async () => (await client.getSubscribedChannels()).items.some((one) => one.sid === sid), "the channel");
});
