// Limits of rate, as the official Node client meets them: refused at once, or, where it may, tried again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openHouse, refused } from "../house.mjs";

const house = openHouse(undefined, "[limits]\nactions_per_second = 2\n");

test("a client that may try again comes through", async () => {
  // It waits as long as chance says, at first for hardly anything: three tries may all come too early.
  const patient = house.clientOf(undefined, undefined, { autoRetry: true, maxRetries: 30 });
  const create = () => patient.conversations.v1.conversations.create();
  const made = await Promise.all([create(), create(), create()]);
  assert.equal(new Set(made.map((one) => one.sid)).size, 3);
  assert.equal((await house.client.conversations.v1.conversations.list()).length, 3);
});

test("any other is told", async () => {
  const { users } = house.client.conversations.v1;
  const create = (identity) => users.create({ identity });
  const outcomes = await Promise.allSettled(["a", "b", "c", "d", "e", "f"].map(create));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  const problem = await refused(Promise.reject(failed?.reason), 429, 50063);
  assert.match(problem.message, /Actions per second limit exceeded/);
});
