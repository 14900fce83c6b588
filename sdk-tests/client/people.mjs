// People with the official client SDK, connected to a running server; what they see; and what is made of their tokens.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after } from "node:test";
import sdk from "@twilio/conversations";
import { ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, twilio, until } from "../node/house.mjs";
import { eventsOf } from "./declarations.mjs";

export { API_KEY_SECRET, API_KEY_SID, ACCOUNT_SID, until };

export const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

// The package leaves timers behind when it leaves, of ten seconds and of a day. None of them shall keep a test's end.
const { setTimeout: timer } = globalThis;
globalThis.setTimeout = (work, delay, ...given) => {
  const made = timer(work, delay, ...given);
  return delay >= 10_000 ? made.unref() : made;
};

// The address of the server's socket, for a `house` of house.mjs or for what stands in between.
export const socketOf = (url) => `${url.replace(/^http/, "ws")}/v3/wsconnect`;

// How soon a client comes back here; it waits a second and more by itself.
export const retryPolicy = { min: 50, max: 400, randomness: 0.2 };

// The sid of the account's default service.
export async function defaultService(house) {
  house.serviceSid ??= (await house.client.conversations.v1.configuration().fetch()).defaultChatServiceSid;
  return house.serviceSid;
}

// A token as the official server library makes it. `grant` goes into its grant of the service, `ttl` is in seconds.
export async function tokenFor(house, identity, { ttl = 3600, key = [API_KEY_SID, API_KEY_SECRET], ...grant } = {}) {
  const { AccessToken } = twilio.jwt;
  const token = new AccessToken(ACCOUNT_SID, ...key, { identity, ttl });
  token.addGrant(new AccessToken.ChatGrant({ serviceSid: await defaultService(house), ...grant }));
  return token.toJwt();
}

// A token made by hand, for what the library does not make. `claims` and `header` go over what is usual.
export async function forged(
  house,
  identity,
  { header = {}, claims = {}, secret = API_KEY_SECRET, hash = "sha256" } = {},
) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = [
    part({ typ: "JWT", alg: "HS256", cty: "twilio-fpa;v=1", ...header }),
    part({
      jti: `${API_KEY_SID}-${now}`,
      iss: API_KEY_SID,
      sub: ACCOUNT_SID,
      exp: now + 3600,
      grants: { identity, chat: { service_sid: await defaultService(house) } },
      ...claims,
    }),
  ].join(".");
  return `${signed}.${hash ? createHmac(hash, secret).update(signed).digest("base64url") : ""}`;
}

// Everything that an emitter of the SDK (a client, conversation, message, participant or user) tells from now on, to be
// awaited one by one. What has been awaited is told to `noted`, as [kind of emitter, name of event, reasons].
export class Witness {
  static noted = [];

  constructor(emitter, kind = Object.keys(sdk).find((name) => emitter instanceof sdk[name]), names = eventsOf(kind)) {
    this.kind = kind;
    this.seen = [];
    this.waiting = new Set();
    for (const name of names) {
      emitter.on(name, (told) => {
        this.seen.push({ name, told });
        for (const look of [...this.waiting]) look();
      });
    }
  }

  #take(name, match) {
    const at = this.seen.findIndex((one) => one.name === name && match(one.told));
    return at < 0 ? null : this.seen.splice(at, 1)[0];
  }

  // The first event of this name that matches and was not taken before; waits for it where there is none yet.
  async next(name, match = () => true, seconds = 15) {
    const one = await new Promise((resolve, reject) => {
      const look = () => {
        const found = this.#take(name, match);
        if (!found) return;
        clearTimeout(deadline);
        this.waiting.delete(look);
        resolve(found);
      };
      const deadline = timer(() => {
        this.waiting.delete(look);
        const others = this.seen.map((seen) => `${seen.name} ${seen.told?.updateReasons ?? ""}`).join(", ");
        reject(new Error(`waited ${seconds} s for ${this.kind}.${name}; seen: ${others || "nothing"}`));
      }, seconds * 1000);
      this.waiting.add(look);
      look();
    });
    Witness.noted.push([this.kind, name, one.told?.updateReasons ?? []]);
    return one.told;
  }

  // The next update that has these reasons, maybe among others, and matches.
  async updated(name, reasons, match = () => true) {
    const has = (told) => reasons.every((reason) => told.updateReasons.includes(reason)) && match(told);
    return this.next(name, has);
  }

  // That nothing of this name has come, so far.
  none(name, match = () => true) {
    const found = this.seen.filter((one) => one.name === name && match(one.told));
    assert.deepEqual(
      found.map((one) => one.name),
      [],
    );
  }

  forget() {
    this.seen.length = 0;
  }
}

const connected = [];
after(() => Promise.all(connected.map(leave)));

// Ends a client's connection, whatever state it is in.
export async function leave(client) {
  if (["disconnected", "denied", "unknown"].includes(client.connectionState)) return;
  const gone = client.shutdown().then(() => true);
  const late = new Promise((resolve) => setTimeout(resolve, 5000, false).unref());
  assert.ok(await Promise.race([gone, late]), `${client.user.identity}, ${client.connectionState}, cannot leave`);
}

// A client of the SDK that is not initialised yet, which leaves when the file's tests are over.
export function start(house, token, options = {}) {
  const client = new sdk.Client(token, {
    Twilsock: { uri: socketOf(options.url ?? house.url) },
    retryPolicy,
    ...options,
  });
  connected.push(client);
  return client;
}

// Somebody who is connected: { client, saw }.
export async function connect(house, identity, { grant = {}, ...options } = {}) {
  const client = start(house, await tokenFor(house, identity, grant), options);
  const saw = new Witness(client);
  await saw.next("initialized");
  return { identity, client, saw };
}

// The SDK's call must be refused with this status and code.
export async function denied(call, status, code) {
  await assert.rejects(call, (error) => {
    assert.deepEqual(
      [error.status, error.body?.code],
      [status, code],
      `${error.status} ${JSON.stringify(error.body)} ${error.message}`,
    );
    return true;
  });
}
