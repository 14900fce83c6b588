// Access tokens of the official library, as an application hands them to its pages, shown to the media service.

import assert from "node:assert/strict";
import { test } from "node:test";
import twilio from "twilio";
import { API_KEY_SECRET, API_KEY_SID, AUTH_TOKEN, openHouse, unique } from "../house.mjs";

const { AccessToken } = twilio.jwt;
const house = openHouse();

function tokenOf(serviceSid, { algorithm, key = API_KEY_SID, secret = API_KEY_SECRET, account, ...options } = {}) {
  const { accountSid } = house.client;
  const token = new AccessToken(account ?? accountSid, key, secret, { identity: "alice", ...options });
  token.addGrant(new AccessToken.ChatGrant({ serviceSid, pushCredentialSid: "CR" + "1".repeat(32) }));
  return token.toJwt(algorithm);
}

// Uploads as a browser does: a form whose one part is named after the file.
async function upload(serviceSid, token) {
  const form = new FormData();
  form.append("cat.png", new Blob(["a picture"], { type: "image/png" }), "cat.png");
  const url = `${house.url}/v1/Services/${serviceSid}/Media?Category=media`;
  const answer = await fetch(url, { method: "POST", headers: { "X-Twilio-Token": token }, body: form });
  assert.match(answer.headers.get("content-type"), /^application\/json/);
  return { status: answer.status, ...(await answer.json()) };
}

const serviceOf = async () =>
  (await house.client.conversations.v1.services.create({ friendlyName: unique("service") })).sid;

test("all three algorithms of the library, with its own claims", async () => {
  const service = await serviceOf();
  const now = Math.floor(Date.now() / 1000);
  const all = ["HS256", "HS384", "HS512"].map((algorithm) => ({ algorithm }));
  for (const options of [...all, { ttl: 86400 }, { nbf: now }, { nbf: now + 30 }, { region: "ie1" }]) {
    const made = await upload(service, tokenOf(service, options));
    assert.equal(made.status, 201, JSON.stringify(made));
    assert.deepEqual([made.author, made.filename, made.size], ["alice", "cat.png", 9]);
  }
});

test("tokens that do not hold", async () => {
  const [service, other] = [await serviceOf(), await serviceOf()];
  const now = Math.floor(Date.now() / 1000);
  for (const [token, status, code] of [
    [tokenOf(service, { ttl: -1 }), 401, 20104],
    [tokenOf(service, { ttl: 86401 }), 401, 20157],
    [tokenOf(service, { nbf: now + 600 }), 401, 20105],
    [tokenOf(service, { account: "AC" + "9".repeat(32) }), 401, 20103],
    [tokenOf(service, { key: house.client.accountSid, secret: AUTH_TOKEN }), 401, 20103],
    [tokenOf(service, { secret: AUTH_TOKEN }), 401, 20107],
    [tokenOf(service, { identity: "US" + "1".repeat(32) }), 401, 20106],
    [tokenOf("IS" + "9".repeat(32)), 401, 20106],
    [tokenOf(other), 403, 20403],
  ]) {
    const refused = await upload(service, token);
    assert.deepEqual([refused.status, refused.code], [status, code], refused.message);
  }
});

test("a message's file is read by who takes part", async () => {
  const service = await serviceOf();
  const [alice, bob] = ["alice", "bob"].map((identity) => tokenOf(service, { identity }));
  const { sid } = await upload(service, alice);
  const status = async (token) => {
    const url = `${house.url}/v1/Services/${service}/Media/${sid}`;
    return (await fetch(url, { headers: { "X-Twilio-Token": token } })).status;
  };
  assert.deepEqual([await status(alice), await status(bob)], [200, 403]);
  const { conversations } = house.client.conversations.v1.services(service);
  const conversation = conversations((await conversations.create()).sid);
  await conversation.participants.create({ identity: "bob" });
  await conversation.messages.create({ author: "alice", mediaSid: sid });
  assert.deepEqual([await status(alice), await status(bob)], [403, 200]);
});
