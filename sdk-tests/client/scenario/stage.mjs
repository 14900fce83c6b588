// What the steps of the scenario share: the server, the people, their conversation, and the messages they speak of.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openHouse } from "../../node/house.mjs";
import { listen } from "../declarations.mjs";
import { defaultService } from "../people.mjs";

// Paginators are no class, but what several methods answer with.
export const CLASSES = [
  "Client",
  "Conversation",
  "Message",
  "Participant",
  "User",
  "MessageBuilder",
  "UnsentMessage",
  "Media",
  "ContentTemplateVariable",
];
// Every method that a file of this folder calls, noted before anybody is made.
export const called = listen(CLASSES, "/client/scenario/");

let credentialSid;
export const house = openHouse(async () => {
  const { services, credentials, conversationWithParticipants } = house.client.conversations.v1;
  await services(await defaultService(house))
    .configuration()
    .update({ reachabilityEnabled: true });
  ({ sid: credentialSid } = await credentials.create({ type: "fcm", secret: "a secret" }));
  const participant = [JSON.stringify({ identity: "carol" })];
  for (let number = 0; number < 55; number += 1) {
    await conversationWithParticipants.create({ friendlyName: `old ${number}`, participant });
  }
});
export const pushCredential = () => credentialSid;
export const rest = (sid) => house.client.conversations.v1.conversations(sid);
export const settings = async () =>
  house.client.conversations.v1
    .services(await defaultService(house))
    .configuration()
    .fetch();
// What a channel would tell of a message.
export const tellReceipt = async (message, told) => {
  const { username, password } = house.client;
  const { chatServiceSid, sid } = await rest(message.conversation.sid).fetch();
  const path = `Services/${chatServiceSid}/Conversations/${sid}/Messages/${message.sid}/Receipts`;
  const answer = await fetch(`${house.url}/tertulia/v1/${path}`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${username}:${password}`)}` },
    body: new URLSearchParams(told),
  });
  assert.equal(answer.status, 200, await answer.text());
};
export const page = (paginator, turn) => {
  called.add(`Paginator.${turn}`);
  return paginator[turn]();
};
export const bodies = (paginator) => paginator.items.map((message) => message.body);
export const step = (title, work) => test(title, { timeout: 30_000 }, work);

export const at = {}; // alice, bob and carol, each as { client, saw }.
export const room = {}; // The conversation as alice (`room.alice`) and bob hold it, and what its objects tell them.
export const said = {}; // Messages by what they are about, as bob holds them.
