// A real browser: a page on another origin than the server's, with the package's own bundle.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import http from "node:http";
import { after, test } from "node:test";
import { chromium } from "playwright-core";
import { openHouse, until } from "../../node/house.mjs";
import { connect, PNG, socketOf, tokenFor } from "../people.mjs";

const BROWSERS = [
  process.env.TERTULIA_TEST_BROWSER,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];
const FILES = {
  "/": ["text/html", "../page.html"],
  "/twilio-conversations.min.js": [
    "text/javascript",
    "../node_modules/@twilio/conversations/builds/twilio-conversations.min.js",
  ],
};

const house = openHouse(prepare);
const rest = (sid) => house.client.conversations.v1.conversations(sid);
const site = http.createServer((request, response) => {
  const [type, file] = FILES[new URL(request.url, "http://site").pathname] ?? [];
  response.writeHead(file ? 200 : 404, { "Content-Type": type ?? "text/plain" });
  response.end(file && readFileSync(new URL(file, import.meta.url)));
});
let browser;
let page;
let sid;
let alice;
const wrong = [];

async function prepare() {
  const executablePath = BROWSERS.find((path) => path && existsSync(path));
  assert.ok(executablePath, "no chromium on this machine: scripts/install.sh installs it");
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  ({ sid } = await house.client.conversations.v1.conversations.create({ friendlyName: "In the browser" }));
  for (const identity of ["alice", "bob"]) await rest(sid).participants.create({ identity });
  for (let number = 0; number < 3; number += 1)
    await rest(sid).messages.create({ author: "alice", body: `old ${number}` });
  alice = await connect(house, "alice");
}

after(async () => {
  await browser?.close();
  site.closeAllConnections();
  site.close();
});

const lines = () => page.locator("#messages li").allTextContents();
const shown = async (text) => page.locator("#messages li", { hasText: text }).waitFor({ timeout: 30_000 });
const ready = () => page.locator("body[data-ready=yes]").waitFor({ timeout: 30_000, state: "attached" });

// What the page shows is what the server has, in order; and nothing was told as new twice.
async function judge() {
  const stored = await rest(sid).messages.list({ pageSize: 100 });
  const truth = stored.map((message) => message.sid);
  await until(async () => (await page.locator("#messages li").count()) >= truth.length, "all messages on the page", 30);
  assert.deepEqual(await page.locator("#messages li").evaluateAll((all) => all.map((line) => line.id)), truth);
  const told = await page.evaluate("told");
  assert.deepEqual(
    Object.entries(told).filter(([, times]) => times !== 1),
    [],
  );
}

test("a page connects, and lists what there is", async () => {
  page = await browser.newPage();
  page.on("pageerror", (error) => wrong.push(String(error)));
  const given = new URLSearchParams({ token: await tokenFor(house, "bob"), uri: socketOf(house.url), sid });
  await page.goto(`http://localhost:${site.address().port}/#${given}`);
  await ready();
  assert.equal(await page.locator("h1").textContent(), "bob");
  assert.deepEqual(await page.locator("#conversations li").allTextContents(), ["In the browser"]);
  assert.deepEqual(await lines(), ["alice: old 0", "alice: old 1", "alice: old 2"]);
});

test("it receives, and sends", async () => {
  const conversation = await alice.client.getConversationBySid(sid);
  await conversation.sendMessage("hello \u{1f44b}");
  await shown("alice: hello \u{1f44b}");
  await page.locator("#text").fill("hello back");
  assert.equal((await alice.saw.next("typingStarted")).identity, "bob");
  await page.locator("#send").click();
  assert.equal((await alice.saw.next("messageAdded", (one) => one.body === "hello back")).author, "bob");
  await shown("bob: hello back");
  await alice.saw.next("typingEnded");
  await conversation.typing();
  await page.locator("#typing", { hasText: "alice" }).waitFor();
  await judge();
});

test("it uploads an image and shows it", async () => {
  await page.locator("#file").setInputFiles({ name: "dot.png", mimeType: "image/png", buffer: PNG });
  const seen = await alice.saw.next("messageAdded", (one) => one.type === "media");
  const [media] = seen.attachedMedia;
  assert.deepEqual([media.filename, media.contentType, media.size], ["dot.png", "image/png", PNG.length]);
  await until(
    () =>
      page
        .locator("#messages img")
        .evaluateAll((all) => all.length === 1 && all[0].complete && all[0].naturalWidth > 0),
    "the image to be drawn",
  );
  const copied = await page.evaluate(
    async (address) => (await fetch(address)).arrayBuffer().then((bytes) => bytes.byteLength),
    await page.locator("#messages img").getAttribute("src"),
  );
  assert.equal(copied, PNG.length);
});

test("it lives through a restart of the server", async () => {
  const already = (await page.evaluate("states")).length;
  assert.equal(await house.stop("SIGTERM"), 0);
  await house.start();
  await rest(sid).messages.create({ author: "alice", body: "after the restart" });
  await shown("after the restart");
  assert.ok((await page.evaluate("states")).length > already);
  await judge();
});

test("it lives through the server's death", async () => {
  assert.equal(await house.stop("SIGKILL"), "SIGKILL");
  await house.start();
  for (let number = 0; number < 10; number += 1)
    await rest(sid).messages.create({ author: "alice", body: `after the crash ${number}` });
  await shown("after the crash 9");
  await judge();
});

test("it lives through being loaded again, while messages come", async () => {
  const writing = (async () => {
    for (let number = 0; number < 30; number += 1)
      await rest(sid).messages.create({ author: "alice", body: `meanwhile ${number}` });
  })();
  await page.reload();
  await ready();
  await writing;
  await shown("meanwhile 29");
  await judge();
});

test("nothing went wrong in the page", () => {
  assert.deepEqual(wrong, []);
});
