// Two servers on one PostgreSQL: alice is connected to the one, bob to the other, and REST is asked of both. Whatever
// happens at one is seen by the clients of the other, each message once and in order.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { openHouse, unique, until } from "../../node/house.mjs";
import { connect, defaultService, Witness } from "../people.mjs";

const MESSAGES = 100;
const SHARED = { TERTULIA_MASTER_KEY: "0f".repeat(32) };
// A server learns of another that has begun when it renews its lease, every 20 s, and of one that has died when its
// lease of 60 s is over.
const RENEWAL = 40;
const LEASE = 120;

const skip = process.env.TERTULIA_TEST_ENGINE !== "postgres" && "SQLite has one server";

describe("two servers on one database", { skip, timeout: 600_000 }, () => {
  if (skip) return;
  const here = openHouse(undefined, "", SHARED);
  const there = openHouse(undefined, "", SHARED, here);
  const v1 = (house) => house.client.conversations.v1;
  const room = {};
  let alice;
  let bob;

  // What a person sees of the conversation that all of this happens in.
  async function enter(person) {
    const seen = await person.saw.next("conversationJoined", (one) => one.sid === room.sid);
    await seen.getMessages(1);
    return { ...person, seen, room: new Witness(seen) };
  }

  before(async () => {
    const service = v1(here).services(await defaultService(here));
    await service.configuration().update({ reachabilityEnabled: true });
    [alice, bob] = [await connect(here, "alice"), await connect(there, "bob")];
    // Who makes a conversation may change it and let others in.
    const made = await alice.client.createConversation({ uniqueName: unique("room") });
    room.sid = made.sid;
    await made.join();
    await made.add("bob");
    [alice, bob] = [await enter(alice), await enter(bob)];
  });

  test("messages arrive once and in order, whoever sends them", async () => {
    const shown = new Map([alice, bob].map((person) => [person.identity, []]));
    for (const { identity, seen } of [alice, bob])
      seen.on("messageAdded", (message) => shown.get(identity).push([message.index, message.sid, message.body]));
    const say = async (house, author) => {
      for (let number = 0; number < MESSAGES / 4; number += 1)
        await v1(house).conversations(room.sid).messages.create({ author, body: `${author} ${number}` });
    };
    const send = async ({ identity, seen }) => {
      for (let number = 0; number < MESSAGES / 4; number += 1) await seen.sendMessage(`${identity} ${number}`);
    };
    await Promise.all([send(alice), send(bob), say(here, "carol"), say(there, "dave")]);
    const stored = await v1(there).conversations(room.sid).messages.list({ pageSize: 100 });
    const truth = stored.map(({ index, sid, body }) => [index, sid, body]);
    assert.equal(truth.length, MESSAGES);
    for (const [identity, told] of shown) {
      await until(() => told.length >= MESSAGES, `${identity} to be shown all, of which there are ${told.length}`);
      assert.deepEqual(told, truth, identity);
    }
  });

  test("edits and removals", async () => {
    const index = await alice.seen.sendMessage("as it was");
    const seen = await bob.room.next("messageAdded", (message) => message.index === index);
    const [own] = (await alice.seen.getMessages(1)).items;
    await own.updateBody("as it is");
    await bob.room.updated("messageUpdated", ["body"], ({ message }) => message.sid === seen.sid);
    assert.equal(seen.body, "as it is");
    await v1(there).conversations(room.sid).messages(seen.sid).update({ attributes: '{"by":"REST"}' });
    await alice.room.updated("messageUpdated", ["attributes"], ({ message }) => message.sid === seen.sid);
    assert.deepEqual(own.attributes, { by: "REST" });
    await own.remove();
    await bob.room.next("messageRemoved", (message) => message.sid === seen.sid);
  });

  test("the conversation's own fields", async () => {
    await v1(there).conversations(room.sid).update({ friendlyName: "renamed there" });
    await alice.room.updated("updated", ["friendlyName"], () => alice.seen.friendlyName === "renamed there");
    await alice.seen.updateAttributes({ by: "alice" });
    await bob.room.updated("updated", ["attributes"], () => bob.seen.attributes.by === "alice");
  });

  test("who comes and who goes", async () => {
    const carol = await connect(there, "carol");
    await alice.seen.add("carol");
    const joined = await bob.room.next("participantJoined", ({ identity }) => identity === "carol");
    const theirs = await carol.saw.next("conversationJoined", ({ sid }) => sid === room.sid);
    await theirs.getMessages(1);
    await alice.seen.sendMessage("welcome");
    await carol.saw.next("messageAdded", ({ body }) => body === "welcome");
    await v1(here).conversations(room.sid).participants(joined.sid).remove();
    await bob.room.next("participantLeft", ({ sid }) => sid === joined.sid);
    await carol.saw.next("conversationLeft", ({ sid }) => sid === theirs.sid);
    // What is said behind her back does not reach her: she would be told of it before what comes after it.
    await alice.seen.sendMessage("behind her back");
    await bob.room.next("messageAdded", ({ body }) => body === "behind her back");
    await alice.seen.add("carol");
    await carol.saw.next("conversationJoined", ({ sid }) => sid === room.sid);
    carol.saw.none("messageAdded", ({ body }) => body === "behind her back");
    await carol.client.shutdown();
  });

  test("read horizons", async () => {
    const index = await alice.seen.sendMessage("to be read");
    await bob.room.next("messageAdded", (message) => message.index === index);
    await bob.seen.setAllMessagesRead();
    const read = ({ participant }) => participant.identity === "bob" && participant.lastReadMessageIndex === index;
    await alice.room.updated("participantUpdated", ["lastReadMessageIndex"], read);
    const rest = v1(here).users("alice").userConversations(room.sid);
    assert.equal((await v1(there).users("bob").userConversations(room.sid).fetch()).lastReadMessageIndex, index);
    await rest.update({ lastReadMessageIndex: index - 1 });
    await until(() => alice.seen.lastReadMessageIndex === index - 1, "her own horizon");
    await v1(there).users("alice").userConversations(room.sid).update({ lastReadMessageIndex: index });
    await until(() => alice.seen.lastReadMessageIndex === index, "her own horizon, moved at the other server");
  });

  test("typing", async () => {
    for (const [from, to] of [
      [bob, alice],
      [alice, bob],
    ]) {
      const match = ({ identity }) => identity === from.identity;
      to.room.forget();
      // What was typed before the servers knew of each other is lost.
      let started = null;
      const waiting = to.room.next("typingStarted", match, RENEWAL).then((participant) => (started = participant));
      await until(async () => started ?? (await from.seen.typing(), started), `${from.identity} to be seen`, RENEWAL);
      assert.equal((await waiting).conversation.sid, room.sid);
      await to.room.next("typingEnded", match);
      from.room.none("typingStarted", match);
      // Who has sent what was typed types no longer.
      await from.seen.typing();
      await to.room.next("typingStarted", match);
      await from.seen.sendMessage("typed");
      await to.room.next("typingEnded", match, 5);
    }
  });

  test("whose server dies is offline, and online again at the other", async () => {
    const user = await alice.client.getUser("bob");
    await until(() => user.isOnline, "bob to be online");
    assert.equal(await there.stop("SIGKILL"), "SIGKILL");
    await until(() => user.isOnline === false, "bob to be offline", LEASE);
    assert.equal((await v1(here).users("bob").fetch()).isOnline, false);
    await v1(here).conversations(room.sid).messages.create({ author: "alice", body: "while it was dead" });
    await there.start();
    await until(() => user.isOnline, "bob to be online again", 60);
    await bob.room.next("messageAdded", ({ body }) => body === "while it was dead", 60);
    await bob.seen.sendMessage("back");
    await alice.room.next("messageAdded", ({ body }) => body === "back");
  });

  test("the other server stops before the one that made the database", async () => {
    await bob.client.shutdown();
    assert.equal(await there.stop("SIGTERM"), 0);
  });
});
