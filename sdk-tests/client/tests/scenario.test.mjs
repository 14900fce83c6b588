// Three people and everything that the official client SDK offers: every public method, every event, every reason.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventsOf, methodsOf, reasonsOf } from "../declarations.mjs";
import { Witness } from "../people.mjs";
import { called, CLASSES } from "../scenario/stage.mjs";
// The steps, in this order.
import "../scenario/beginning.mjs";
import "../scenario/messages.mjs";
import "../scenario/reading.mjs";
import "../scenario/conversation.mjs";
import "../scenario/persons.mjs";
import "../scenario/going.mjs";

// What is not called or seen here, and why.
const ELSEWHERE = {
  "Client.tokenAboutToExpire": "tokens.test.mjs: needs a token that ends soon",
  "Client.tokenExpired": "tokens.test.mjs",
  "Message.updated: media": "a message keeps the files that it was sent with",
  "Conversation.updated: status": "the package reads it from a document that all share, where there is nobody's status",
};

test("every public method was called", () => {
  const all = [...CLASSES, "Paginator"].flatMap((kind) => methodsOf(kind).map((name) => `${kind}.${name}`));
  assert.ok(all.length > 70, `${all.length} methods found`);
  assert.deepEqual(
    all.filter((name) => !called.has(name) && !ELSEWHERE[name]),
    [],
  );
});

test("every event was seen, with every reason", () => {
  const kinds = ["Client", "Conversation", "Message", "Participant", "User"];
  const events = new Set(Witness.noted.map(([kind, name]) => `${kind}.${name}`));
  // Clients and conversations pass on what their objects tell, as `messageUpdated` and the like.
  const owner = (kind, name) =>
    name === "updated" ? kind : name[0].toUpperCase() + name.slice(1).replace("Updated", "");
  const reasons = new Set(
    Witness.noted.flatMap(([kind, name, given]) => given.map((reason) => `${owner(kind, name)}.updated: ${reason}`)),
  );
  const all = kinds.flatMap((kind) => eventsOf(kind).map((name) => `${kind}.${name}`));
  const why = kinds.slice(1).flatMap((kind) => reasonsOf(kind).map((reason) => `${kind}.updated: ${reason}`));
  assert.ok(all.length > 35 && why.length > 30, `${all.length} events and ${why.length} reasons found`);
  assert.deepEqual(
    [...all.filter((name) => !events.has(name)), ...why.filter((name) => !reasons.has(name))].filter(
      (name) => !ELSEWHERE[name],
    ),
    [],
  );
  const known = new Set([...called, ...events, ...reasons]);
  assert.deepEqual(
    Object.keys(ELSEWHERE).filter((name) => known.has(name)),
    [],
    "listed, and seen all the same",
  );
});
