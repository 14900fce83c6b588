// Messages made from content templates, and numbers that are not the account's, through the official Node client.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openHouse, pair, refused } from "../house.mjs";

const house = openHouse();

// A template is made as Twilio's Content API takes it: as JSON.
async function template(body, variables = {}) {
  const { username, password } = house.client;
  const answer = await fetch(`${house.url}/tertulia/v1/ContentTemplates`, {
    method: "POST",
    headers: {
      Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
      "Content-Type": "application/json",
    },
    body: JSON.stringify({ language: "en", variables, types: { "twilio/text": { body } } }),
  });
  assert.equal(answer.status, 201);
  return (await answer.json()).sid;
}

test("a message says what its template does", async () => {
  const { conversations, services } = house.client.conversations.v1;
  const contentSid = await template("Hi {{1}}, your order is {{2}}", { 2: "late" });
  const { sid, chatServiceSid } = await conversations.create();
  for (const root of [conversations, services(chatServiceSid).conversations]) {
    const { messages } = root(sid);
    const contentVariables = JSON.stringify({ 1: "Ada" });
    const said = await messages.create({ contentSid, contentVariables });
    assert.equal(said.body, "Hi Ada, your order is late");
    assert.equal(said.contentSid, contentSid);
    assert.equal((await messages(said.sid).fetch()).body, said.body);
    await refused(messages.create({ contentSid: `HX${"0".repeat(32)}` }), 400, 50526);
    await refused(messages.create({ contentSid, contentVariables: "junk" }), 400, 50527);
    await refused(messages.create({ body: "x", contentVariables }), 400, 50528);
  }
});

test("without a list every number is the account's", async () => {
  const { conversations } = house.client.conversations.v1;
  const { sid } = await conversations.create({ messagingServiceSid: `MG${"0".repeat(32)}` });
  assert.equal((await conversations(sid).participants.create(pair())).messagingBinding.type, "sms");
});
