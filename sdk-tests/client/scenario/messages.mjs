// Messages: of text, with files, from templates, edited, removed.

import assert from "node:assert/strict";
import { PNG, Witness } from "../people.mjs";
import { at, bodies, house, rest, room, said, step } from "./stage.mjs";

step("a message reaches the other, and its author", async () => {
  const body = 'hello – 漢字 \u{1f44b} 100% "so" & <that>\r\n\tnext';
  assert.equal(await room.alice.sendMessage(body, { n: 1 }), 0);
  said.first = await at.bob.saw.next("messageAdded");
  assert.deepEqual([said.first.body, said.first.author, said.first.index, said.first.type], [body, "alice", 0, "text"]);
  assert.deepEqual(
    [said.first.attributes, said.first.subject ?? null, said.first.media, said.first.attachedMedia],
    [{ n: 1 }, null, null, []],
  );
  assert.equal(said.first.participantSid, (await room.bob.getParticipantByIdentity("alice")).sid);
  assert.equal((await said.first.getParticipant()).identity, "alice");
  assert.equal((await at.alice.saw.next("messageAdded")).sid, said.first.sid);
  assert.equal((await room.sawBob.next("messageAdded")).sid, said.first.sid);
});

step("the conversation knows its last message", async () => {
  await room.sawBob.updated("updated", ["lastMessage"]);
  assert.equal(room.bob.lastMessage.index, 0);
  assert.equal(room.bob.lastMessage.dateCreated.getTime(), said.first.dateCreated.getTime());
});

step("sending moves nobody's read horizon", () => {
  assert.deepEqual([room.alice.lastReadMessageIndex, room.bob.lastReadMessageIndex], [null, null]);
});

step("a message may have a subject", async () => {
  await room.alice.sendMessage("see above", {}, { subject: "Re: hello" });
  assert.equal((await at.bob.saw.next("messageAdded")).subject, "Re: hello");
});

step("the builder makes a message of text", async () => {
  const unsent = room.alice.prepareMessage().setBody("built").setSubject("built too").setAttributes([1, null]).build();
  assert.equal(await unsent.send(), 2);
  const message = await at.bob.saw.next("messageAdded");
  assert.deepEqual([message.body, message.subject, message.attributes], ["built", "built too", [1, null]]);
});

step("the builder sends files, and rich bodies with them", async () => {
  const index = await room.alice
    .prepareMessage()
    .setBody("two files")
    .addMedia({ contentType: "image/png", filename: "dot.png", media: PNG })
    .addMedia({ contentType: "text/plain", filename: "zwölf.txt", media: "twelve" })
    .setEmailBody("text/html", { contentType: "text/html", filename: "body.html", media: "<p>two</p>" })
    .setEmailHistory("text/plain", { contentType: "text/plain", filename: "history.txt", media: "> one" })
    .buildAndSend();
  said.files = await at.bob.saw.next("messageAdded", (one) => one.index === index);
  assert.deepEqual([said.files.type, said.files.body], ["media", "two files"]);
  const seen = said.files.attachedMedia.map((one) => [one.filename, one.contentType, one.size, one.category]);
  assert.deepEqual(seen, [
    ["dot.png", "image/png", PNG.length, "media"],
    ["zwölf.txt", "text/plain", 6, "media"],
  ]);
});

step("files are found by what they are for", () => {
  const [image, text] = said.files.attachedMedia;
  assert.deepEqual(
    said.files.getMediaByCategories(["body", "history"]).map((one) => one.category),
    ["body", "history"],
  );
  assert.deepEqual(
    said.files.getMediaByCategory(["media"]).map((one) => one.sid),
    [image.sid, text.sid],
  );
  assert.equal(said.files.getEmailBody("text/html").filename, "body.html");
  assert.equal(said.files.getEmailBody(), null);
  assert.equal(said.files.getEmailHistory().filename, "history.txt");
});

step("a file is sent without a builder, and its bytes come back", async () => {
  await room.bob.sendMessage({ contentType: "image/png", filename: "dot.png", media: PNG });
  const message = await at.alice.saw.next("messageAdded", (one) => one.author === "bob");
  assert.deepEqual([message.body, message.attachedMedia.length], [null, 1]);
  const url = await message.attachedMedia[0].getContentTemporaryUrl();
  const answer = await fetch(url);
  assert.equal(answer.headers.get("content-type"), "image/png");
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), PNG);
});

step("addresses of several files are asked for at once, in every way", async () => {
  const media = said.files.attachedMedia;
  const sids = media.map((one) => one.sid);
  const ways = [
    said.files.getTemporaryContentUrlsForAttachedMedia(),
    said.files.getTemporaryContentUrlsForMedia(media),
    said.files.getTemporaryContentUrlsForMediaSids(sids),
    at.bob.client.getTemporaryContentUrlsForMedia(media),
    at.bob.client.getTemporaryContentUrlsForMediaSids(sids),
  ];
  for (const urls of await Promise.all(ways)) {
    assert.deepEqual([...urls.keys()].sort(), [...sids].sort());
    assert.equal(await (await fetch(urls.get(sids[1]))).text(), "twelve");
  }
  const attached = await said.files.attachTemporaryUrlsFor(media);
  assert.deepEqual(
    attached.map((one) => one.filename),
    ["dot.png", "zwölf.txt"],
  );
  assert.equal(await (await fetch(await attached[1].getContentTemporaryUrl())).text(), "twelve");
});

step("a message is sent from a template", async () => {
  const { username, password } = house.client;
  const answer = await fetch(`${house.url}/tertulia/v1/ContentTemplates`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${username}:${password}`)}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      friendly_name: "late",
      language: "en",
      variables: { 1: "you", 2: "late" },
      types: { "twilio/text": { body: "Hi {{1}}, it is {{2}}" } },
    }),
  });
  assert.equal(answer.status, 201);
  const { sid } = await answer.json();
  const template = (await at.alice.client.getContentTemplates()).find((one) => one.sid === sid);
  assert.deepEqual(
    [template.friendlyName, template.variants.get("twilio/text").body],
    ["late", "Hi {{1}}, it is {{2}}"],
  );
  assert.deepEqual(
    template.variables.map(({ name, value }) => [name, value]),
    [
      ["1", "you"],
      ["2", "late"],
    ],
  );
  assert.ok(template.dateCreated instanceof Date && template.dateUpdated instanceof Date);
  const variables = [template.variables[0].copyWithValue("Bob")];
  await room.alice.prepareMessage().setContentTemplate(sid, variables).buildAndSend();
  const message = await at.bob.saw.next("messageAdded", (one) => one.contentSid === sid);
  assert.equal(message.body, "Hi Bob, it is late");
  const content = await message.getContentData();
  assert.ok(content === null || content.type === "text", JSON.stringify(content));
});

step("an author edits what they said", async () => {
  const saw = new Witness(said.first);
  const mine = (await room.alice.getMessages(1, 0)).items[0];
  assert.equal(await mine.updateBody("hello again"), mine);
  await saw.updated("updated", ["body", "lastUpdatedBy", "dateUpdated"]);
  const { message } = await at.bob.saw.updated("messageUpdated", ["body", "lastUpdatedBy", "dateUpdated"]);
  assert.equal(message, said.first);
  assert.deepEqual([message.body, message.lastUpdatedBy], ["hello again", "alice"]);
  await room.sawBob.updated("messageUpdated", ["body"]);
});

step("a message's attributes are edited", async () => {
  const mine = (await room.alice.getMessages(1, 0)).items[0];
  await mine.updateAttributes({ reactions: { "\u{1f44d}": ["bob"] } });
  await at.bob.saw.updated("messageUpdated", ["attributes"], ({ message }) => message === said.first);
  assert.deepEqual(said.first.attributes, { reactions: { "\u{1f44d}": ["bob"] } });
});

step("the administrator edits what another said", async () => {
  const index = await room.bob.sendMessage("by bob");
  const theirs = await at.alice.saw.next("messageAdded", (one) => one.index === index);
  await theirs.updateBody("by bob, edited");
  const { message } = await at.bob.saw.updated("messageUpdated", ["body"], (told) => told.message.index === index);
  assert.deepEqual([message.author, message.body, message.lastUpdatedBy], ["bob", "by bob, edited", "alice"]);
});

step("what REST changes of a message has its reasons too", async () => {
  const dateCreated = new Date("2020-02-02T20:20:20Z");
  await rest(room.sid).messages(said.first.sid).update({ author: "nobody", subject: "Subject", dateCreated });
  await at.bob.saw.updated(
    "messageUpdated",
    ["author", "subject", "dateCreated", "lastUpdatedBy"],
    ({ message }) => message === said.first,
  );
  assert.equal(said.first.lastUpdatedBy, "system");
  assert.deepEqual([said.first.author, said.first.subject], ["nobody", "Subject"]);
  assert.deepEqual(said.first.dateCreated, dateCreated);
});

step("a message is removed", async () => {
  const index = await room.bob.sendMessage("never mind");
  const mine = await at.bob.saw.next("messageAdded", (one) => one.index === index);
  await at.alice.saw.next("messageAdded", (one) => one.index === index);
  assert.equal(await mine.remove(), mine);
  assert.equal((await at.alice.saw.next("messageRemoved")).sid, mine.sid);
  assert.equal((await at.bob.saw.next("messageRemoved")).index, index);
  await room.sawBob.next("messageRemoved");
  await room.sawBob.updated(
    "updated",
    ["lastMessage"],
    ({ conversation }) => conversation.lastMessage.index === index - 1,
  );
});
