// A file: uploaded as programs do, sent by the official client, read without credentials.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openHouse, refused } from "../house.mjs";

const house = openHouse();

test("a file in a message, at both forms of the path", async () => {
  const { v1 } = house.client.conversations;
  const short = await v1.conversations.create({});
  const long = await v1.services(short.chatServiceSid).conversations.create({});
  const credentials = Buffer.from(`${house.client.username}:${house.client.password}`).toString("base64");
  const headers = { Authorization: `Basic ${credentials}` };
  for (const messages of [
    v1.conversations(short.sid).messages,
    v1.services(short.chatServiceSid).conversations(long.sid).messages,
  ]) {
    const form = new FormData();
    form.append("media", new Blob(["a picture"], { type: "image/png" }), "cat.png");
    const path = `${house.url}/v1/Services/${short.chatServiceSid}/Media`;
    const uploaded = await fetch(path, { method: "POST", headers, body: form });
    assert.equal(uploaded.status, 201);
    const { sid } = await uploaded.json();
    const message = await messages.create({ mediaSid: sid });
    const file = { sid, size: 9, content_type: "image/png", filename: "cat.png", category: "media" };
    assert.deepEqual(message.media, [file]);
    await refused(messages.create({ mediaSid: sid }), 409, 50508);
    await refused(messages(message.sid).update({ body: "other" }), 400, 50509);
    const record = await (await fetch(`${path}/${sid}`, { headers })).json();
    assert.equal(record.message_sid, message.sid);
    const content = await fetch(record.links.content_direct_temporary);
    assert.equal(content.headers.get("content-type"), "image/png");
    assert.equal(await content.text(), "a picture");
  }
});
