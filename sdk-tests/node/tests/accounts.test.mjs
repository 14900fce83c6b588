// An account and its API keys through the official Node client, as the command line tool asks for them when it logs in.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openHouse, refused, unique } from "../house.mjs";

const house = openHouse();

// A client whose neighbour of 2010 is the house too.
function neighbour(username = house.client.username, password = house.client.password) {
  const client = house.clientOf(username, password);
  client.api.baseUrl = house.url;
  return client;
}

test("logging in", async () => {
  const client = neighbour();
  const account = await client.api.accounts(client.accountSid).fetch();
  assert.equal(account.status, "active");
  assert.equal(account.type, "Full");
  assert.equal(account.authToken, client.password);
  assert.ok(account.dateCreated instanceof Date && !Number.isNaN(account.dateCreated.getTime()));
  const key = await client.newKeys.create({ friendlyName: "twilio-cli on this machine" });
  const withKey = neighbour(key.sid, key.secret);
  assert.equal((await withKey.conversations.v1.conversations.create({})).accountSid, client.accountSid);
  await refused(withKey.newKeys.create({}), 403, 20006);
  await refused(client.api.accounts("AC" + "0".repeat(32)).fetch(), 404, 20404);
});

test("keys", async () => {
  const client = neighbour();
  const word = unique("key");
  const made = [];
  for (let number = 0; number < 3; number += 1) made.push((await client.newKeys.create({ friendlyName: word })).sid);
  const listed = (await client.keys.list({ pageSize: 2 })).filter((key) => key.friendlyName === word);
  assert.deepEqual(listed.map((key) => key.sid), made);
  assert.equal((await client.keys(made[0]).update({ friendlyName: "other" })).friendlyName, "other");
  assert.equal((await client.keys(made[0]).fetch()).friendlyName, "other");
  assert.equal(await client.keys(made[0]).remove(), true);
  await refused(client.keys(made[0]).fetch(), 404, 20404);
});
