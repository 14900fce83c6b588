// Lists longer than any page through the official Node client: list, each, page and nextPage tell the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openHouse, unique } from "../house.mjs";

const MANY = 125;
const lists = {};

// Keeps eight calls under way.
async function inEight(count, make) {
  let next = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < count) await make(next++);
    }),
  );
}

openHouse(async (house) => {
  const { services } = house.client.conversations.v1;
  const root = services((await services.create({ friendlyName: unique("long lists") })).sid);
  const full = root.conversations((await root.conversations.create({ uniqueName: "full" })).sid);
  await inEight(MANY, (n) => root.users.create({ identity: `user-${n}` }));
  await inEight(MANY, (n) => full.messages.create({ body: `${n}` }));
  await inEight(MANY, (n) => full.participants.create({ identity: `user-${n}` }));
  await inEight(MANY - 1, async () => {
    const { sid } = await root.conversations.create();
    await root.conversations(sid).participants.create({ identity: "user-0" });
  });
  lists.users = [root.users, 50];
  lists.conversations = [root.conversations, 100];
  lists.messages = [full.messages, 100];
  lists.participants = [full.participants, 100];
  lists["user conversations"] = [root.users("user-0").userConversations, 50];
});

const key = (record) => record.sid ?? record.conversationSid;

function all(listing, options) {
  return new Promise((resolve, reject) => {
    const found = [];
    const done = (error) => (error ? reject(error) : resolve(found));
    listing.each({ ...options, callback: (record) => found.push(key(record)), done });
  });
}

for (const name of ["users", "conversations", "messages", "participants", "user conversations"]) {
  test(`${name} are walked whole`, async () => {
    const [listing, largest] = lists[name];
    const whole = (await listing.list()).map(key);
    assert.equal(whole.length, MANY);
    assert.equal(new Set(whole).size, MANY);
    assert.deepEqual((await listing.list({ pageSize: 7 })).map(key), whole);
    assert.deepEqual((await listing.list({ limit: 121 })).map(key), whole.slice(0, 121));
    assert.deepEqual((await listing.list({ limit: 1000 })).map(key), whole);
    assert.deepEqual(await all(listing, { pageSize: 40 }), whole);

    let page = await listing.page({ pageSize: 1000 });
    assert.equal(page.previousPageUrl, undefined);
    const told = [];
    while (page) {
      assert.ok(page.instances.length <= largest);
      told.push(...page.instances.map(key));
      page = page.nextPageUrl ? await page.nextPage() : undefined;
    }
    assert.deepEqual(told, whole);
  });
}

test("messages come backwards too", async () => {
  const [messages] = lists.messages;
  const indexes = (await messages.list({ order: "desc", pageSize: 30 })).map((one) => one.index);
  assert.deepEqual(indexes, Array.from({ length: MANY }, (_, n) => MANY - 1 - n));
});

test("a page goes back to the one before it", async () => {
  const [users] = lists.users;
  const first = await users.page({ pageSize: 50 });
  const second = await first.nextPage();
  const back = await second.previousPage();
  assert.deepEqual(back.instances.map(key), first.instances.map(key));
});
