// Connections that are cut, and a server that is killed, while two write: a client's view is the server's in the end,
// in order, and no message was lost or shown twice. TERTULIA_TEST_SOAK cuts ten times as often.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openHouse, until } from "../../node/house.mjs";
import { connect } from "../people.mjs";
import { openRelay } from "../relay.mjs";

const CUTS = process.env.TERTULIA_TEST_SOAK ? 200 : 20;
const MESSAGES = 2000;
const EDITED = ", edited";

const house = openHouse();
const rest = (sid) => house.client.conversations.v1.conversations(sid);

// A conversation with bob, who is connected through `url`, and the count of what his client showed, by sid.
async function watched(url) {
  const { sid } = await house.client.conversations.v1.conversations.create();
  await rest(sid).participants.create({ identity: "bob" });
  const bob = await connect(house, "bob", { url });
  const conversation = await bob.client.getConversationBySid(sid);
  await conversation.getMessages(1);
  const shown = [];
  conversation.on("messageAdded", (message) => shown.push(message.sid));
  return { sid, conversation, shown, client: bob.client };
}

// Two writers at once. Each of their messages is written until that was acknowledged, and every twentieth edited;
// `meanwhile(written)` is called after each.
async function write(sid, meanwhile) {
  const acknowledged = [];
  let written = 0;
  const insist = async (work) => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (error.status && error.status < 500) throw error;
        await until(
          () =>
            fetch(`${house.url}/healthz/ready`).then(
              (answer) => answer.ok,
              () => false,
            ),
          "the server to be back",
          30,
        );
      }
    }
  };
  const writer = async (name) => {
    for (let number = 0; number < MESSAGES / 2; number += 1) {
      const message = await insist(() => rest(sid).messages.create({ author: name, body: `${name} ${number}` }));
      acknowledged.push(message.sid);
      if (number % 20 === 0)
        await insist(() =>
          rest(sid)
            .messages(message.sid)
            .update({ body: `${name} ${number}${EDITED}` }),
        );
      written += 1;
      await meanwhile(written);
    }
  };
  await Promise.all([writer("alice"), writer("carol")]);
  return acknowledged;
}

async function judge({ sid, conversation, shown, acknowledged }) {
  const stored = await rest(sid).messages.list({ pageSize: 100 });
  const sids = stored.map((message) => message.sid);
  const missing = acknowledged.filter((one) => !sids.includes(one));
  assert.deepEqual(missing, [], "acknowledged, and not stored");
  await until(
    () => shown.length >= stored.length,
    `${stored.length} messages to be shown, of which ${shown.length} were`,
    60,
  );
  const times = new Map();
  for (const one of shown) times.set(one, (times.get(one) ?? 0) + 1);
  const place = new Map(sids.map((one, index) => [one, index]));
  const edited = new Set(stored.filter(({ body }) => body.endsWith(EDITED)).map((message) => message.sid));
  const places = shown.map((one) => place.get(one));
  assert.ok(edited.size >= MESSAGES / 20);
  assert.deepEqual(
    {
      never: sids.filter((one) => !times.has(one)).map((one) => place.get(one)),
      often: sids.filter((one) => times.get(one) > 1).map((one) => place.get(one)),
      unknown: shown.filter((one) => !place.has(one)),
      late: places.slice(1).filter((later, at) => later < places[at]),
    },
    { never: [], often: [], unknown: [], late: [] },
  );

  const view = async () => {
    let page = await conversation.getMessages(100);
    let seen = page.items;
    while (page.hasPrevPage) {
      page = await page.prevPage();
      seen = [...page.items, ...seen];
    }
    return seen.map(({ index, sid: one, body, author }) => `${index} ${one} ${author} ${body}`);
  };
  const truth = stored.map(({ index, sid: one, body, author }) => `${index} ${one} ${author} ${body}`);
  // An edit may still be on its way.
  await until(async () => (await view()).join() === truth.join(), "the view to be the server's").catch(() => {});
  assert.deepEqual(await view(), truth);
}

test("connections are cut at any time", { timeout: 600_000 }, async () => {
  const relay = await openRelay(Number(new URL(house.url).port));
  const at = await watched(relay.url);
  const when = new Set();
  while (when.size < CUTS) when.add(1 + Math.floor(Math.random() * (MESSAGES - 1)));
  let due = 0;
  at.acknowledged = await write(at.sid, async (written) => {
    if (when.has(written)) due += 1;
    // There may be nothing to cut yet; then what comes next is cut as soon as it is there.
    if (due > relay.cuts) relay.cut();
  });
  while (relay.cuts < CUTS) await until(() => relay.cut() > 0, "a connection to cut");
  await judge(at);
  assert.equal(relay.cuts, CUTS);
  await at.client.shutdown();
  relay.close();
});

test("the server is killed in the middle", { timeout: 600_000 }, async () => {
  const at = await watched(house.url);
  let killed = null;
  at.acknowledged = await write(at.sid, async (written) => {
    if (written === MESSAGES / 2) {
      killed = house.stop("SIGKILL").then((ended) => {
        assert.equal(ended, "SIGKILL");
        return house.start();
      });
    }
    await killed;
  });
  await judge(at);
  await at.client.shutdown();
});

test("the server is restarted, and lets its clients come back", { timeout: 60_000 }, async () => {
  const at = await watched(house.url);
  await rest(at.sid).messages.create({ body: "before" });
  await until(() => at.shown.length === 1, "the first message");
  assert.equal(await house.stop("SIGTERM"), 0);
  await house.start();
  const { sid } = await rest(at.sid).messages.create({ body: "after" });
  await until(() => at.shown.length === 2, "the message after the restart", 30);
  assert.equal(at.shown[1], sid);
  assert.equal(await at.conversation.sendMessage("from here"), 2);
  await at.client.shutdown();
});
