// Access tokens: those that do not hold, those that end, and new ones for old.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { AUTH_TOKEN, openHouse } from "../../node/house.mjs";
import { ACCOUNT_SID, connect, defaultService, forged, PNG, start, tokenFor, until, Witness } from "../people.mjs";
import { Wire } from "../wire.mjs";

const house = openHouse();
const rest = (sid) => house.client.conversations.v1.conversations(sid);

const seconds = (from = 0) => Math.floor(Date.now() / 1000) + from;

function withPublicKey(token) {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const signed = token.split(".").slice(0, 2).join(".");
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
}

const REFUSED = {
  "nothing of the kind": async () => "x",
  expired: () => forged(house, "alice", { claims: { exp: seconds(-600) } }),
  "not valid yet": () => forged(house, "alice", { claims: { nbf: seconds(3600) } }),
  "longer than a day": () => forged(house, "alice", { claims: { iat: seconds(), exp: seconds(200_000) } }),
  "signed with another secret": () => forged(house, "alice", { secret: "another secret of some length....." }),
  "signed with the account's token": () => forged(house, "alice", { secret: AUTH_TOKEN }),
  "not signed": () => forged(house, "alice", { header: { alg: "none" }, hash: null }),
  "not signed, and says otherwise": () => forged(house, "alice", { hash: null }),
  "of another algorithm than it says": () => forged(house, "alice", { hash: "sha512" }),
  "signed with a pair of keys": async () => withPublicKey(await forged(house, "alice", { header: { alg: "RS256" } })),
  "of an unknown key": () => forged(house, "alice", { claims: { iss: `SK${"0".repeat(32)}` } }),
  "of another account": () => forged(house, "alice", { claims: { sub: `AC${"0".repeat(32)}` } }),
  "without an identity": () => forged(house, "", {}),
  "without a service": () => forged(house, "alice", { claims: { grants: { identity: "alice" } } }),
  "of an unknown service": () => tokenFor(house, "alice", { serviceSid: `IS${"0".repeat(32)}` }),
};

test("tokens that do not hold open nothing", async (t) => {
  const ends = [];
  for (const [what, make] of Object.entries(REFUSED)) {
    await t.test(what, async () => {
      const token = await make();
      const { status, ended } = await Wire.open(house, token);
      assert.ok([401, 403].includes(status.code), JSON.stringify(status));
      assert.ok(status.errorCode > 20000, JSON.stringify(status));
      // The server gives a client some seconds to go by itself.
      ends.push(ended);
      const media = await fetch(`${house.url}/v1/Services/${await defaultService(house)}/Media`, {
        method: "POST",
        headers: { "X-Twilio-Token": token, "Content-Type": "image/png" },
        body: PNG,
      });
      assert.ok([401, 403].includes(media.status), `media: ${media.status}`);
    });
  }
  await Promise.all(ends);
  const good = await Wire.open(house, await forged(house, "alice"));
  assert.equal(good.status.code, 200);
  await good.close();
});

test("the longer algorithms hold too", async () => {
  for (const [alg, hash] of [
    ["HS384", "sha384"],
    ["HS512", "sha512"],
  ]) {
    const wire = await Wire.open(house, await forged(house, "alice", { header: { alg }, hash }));
    assert.equal(wire.status.code, 200);
    await wire.close();
  }
});

test("the SDK tells that a token was expired, and starts with a better one", async () => {
  const client = start(house, await forged(house, "frank", { claims: { exp: seconds(-600) } }));
  const saw = new Witness(client);
  await saw.next("tokenExpired");
  await saw.next("connectionStateChanged", (state) => state === "denied");
  // The package stumbles over a media client that it has not made yet, and goes on.
  await client
    .updateToken(await tokenFor(house, "frank"))
    .catch((error) => assert.ok(error instanceof TypeError, error));
  await saw.next("initialized");
  assert.equal(client.user.identity, "frank");
});

test("a token that ends soon is told of; when it ends all stops, until there is a new one", async () => {
  const { sid } = await house.client.conversations.v1.conversations.create();
  await rest(sid).participants.create({ identity: "grace" });
  const grace = await connect(house, "grace", { grant: { ttl: 4 } });
  await grace.saw.next("conversationJoined", (one) => one.sid === sid);
  await grace.saw.next("tokenAboutToExpire");
  await grace.saw.next("tokenExpired", undefined, 40);
  await grace.saw.next("connectionStateChanged", (state) => state === "disconnected");
  await rest(sid).messages.create({ author: "system", body: "while away" });
  await grace.client.updateToken(await tokenFor(house, "grace"));
  await grace.saw.next("connectionStateChanged", (state) => state === "connected");
  await grace.saw.next("messageAdded", (one) => one.body === "while away");
});

test("a token is renewed in time, and nothing stops", async () => {
  const heidi = await connect(house, "heidi", { grant: { ttl: 4 } });
  await heidi.saw.next("tokenAboutToExpire");
  await heidi.client.updateToken(await tokenFor(house, "heidi"));
  // Somebody whose token ends later is told so.
  const other = await connect(house, "ivan", { grant: { ttl: 4 } });
  await other.saw.next("tokenExpired");
  heidi.saw.none("tokenExpired");
  assert.equal(heidi.client.connectionState, "connected");
});

test("a new token cannot make one another person", async () => {
  const ivan = await connect(house, "ivan");
  // What is asked when the package gives its connection up is never answered.
  await ivan.client.getSubscribedConversations();
  await assert.rejects(ivan.client.updateToken(await tokenFor(house, "alice")));
  await ivan.saw.next("connectionStateChanged", (state) => state === "denied");
  await ivan.client.updateToken(await tokenFor(house, "ivan", { ttl: 3500 }));
  await ivan.saw.next("connectionStateChanged", (state) => state === "connected");
  assert.equal(ivan.client.user.identity, "ivan");
  const { sid } = await ivan.client.createConversation();
  assert.equal((await rest(sid).fetch()).sid, sid);
});

test("a deleted key's tokens open nothing any more", async () => {
  const keys = `${house.url}/2010-04-01/Accounts/${ACCOUNT_SID}/Keys`;
  const headers = { Authorization: `Basic ${btoa(`${ACCOUNT_SID}:${AUTH_TOKEN}`)}` };
  const key = await (await fetch(`${keys}.json`, { method: "POST", headers })).json();
  const token = await tokenFor(house, "judy", { key: [key.sid, key.secret] });
  const wire = await Wire.open(house, token);
  assert.equal(wire.status.code, 200);
  await wire.close();
  assert.equal((await fetch(`${keys}/${key.sid}.json`, { method: "DELETE", headers })).status, 204);
  await until(async () => {
    const again = await Wire.open(house, token);
    if (again.status.code === 200) await again.close();
    return again.status.code !== 200;
  }, "the key to be forgotten");
});
