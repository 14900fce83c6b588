// Push credentials and bindings through the official Node client.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openHouse, refused, unique } from "../house.mjs";

const house = openHouse();

test("push credentials", async () => {
  const { credentials } = house.client.conversations.v1;
  const made = await credentials.create({ type: "fcm", friendlyName: "Androids", secret: "a server key" });
  assert.equal(made.type, "fcm");
  assert.equal(made.sandbox, "False");
  assert.equal(made.secret, undefined);
  assert.equal((await credentials(made.sid).fetch()).friendlyName, "Androids");
  const updated = await credentials(made.sid).update({ type: "apn", sandbox: true });
  assert.deepEqual([updated.type, updated.sandbox, updated.friendlyName], ["apn", "True", "Androids"]);
  assert.ok((await credentials.list()).some((one) => one.sid === made.sid));
  await refused(credentials.create({ type: "mail" }), 400, 20001);
  await refused(credentials.create({ type: "apn", friendlyName: "x".repeat(65) }), 400, 20002);
  assert.equal(await credentials(made.sid).remove(), true);
  await refused(credentials(made.sid).fetch(), 404, 20404);
});

test("bindings", async () => {
  const { services } = house.client.conversations.v1;
  const { bindings } = services((await services.create({ friendlyName: unique("service") })).sid);
  assert.deepEqual(await bindings.list(), []);
  assert.deepEqual(await bindings.list({ bindingType: ["apn", "fcm"], identity: ["alice", "bob"] }), []);
  await refused(bindings.list({ bindingType: ["mail"] }), 400, 50209);
  await refused(bindings("BS" + "0".repeat(32)).fetch(), 404, 20404);
  await refused(bindings("BS" + "0".repeat(32)).remove(), 404, 20404);
});
