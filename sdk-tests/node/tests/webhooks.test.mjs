// Signatures of webhooks, judged by the official Node library: over http and https, whatever the URL looks like.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import twilio from "twilio";
import { AUTH_TOKEN, openHouse } from "../house.mjs";

// What stands behind scheme, host and port.
const PLACES = [
  "",
  "/hook",
  "/hook?foo=1&bar=2",
  "/hook?foo=2&foo=1&foo=2&Body=mine",
  "/hook?name=it's&said=%22so%22&empty=&alone",
  "/a%20path/%C3%A9t%C3%A9?q=%E2%82%AC%20and+more&tilde=~",
  "/hook?a=b#rc=1&rp=5xx",
];
const BODY = "  it's \"so\" & <that>: 100% \u00e9t\u00e9 \u20ac \u{1f44b} a+b=c\r\nnext  ";

// A CA of one's own, and what it has signed for this machine.
const folder = mkdtempSync(join(tmpdir(), "tertulia-certificates-"));
const file = (name) => join(folder, name);
const openssl = (...given) => execFileSync("openssl", given, { stdio: "pipe" });
const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
writeFileSync(file("own.ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1");
openssl("req", "-x509", ...curve, "-days", "1", "-subj", "/CN=a test's own", "-keyout", file("ca.key"), "-out", file("ca.pem"));
openssl("req", ...curve, "-subj", "/CN=localhost", "-keyout", file("own.key"), "-out", file("own.csr"));
const own = ["-in", file("own.csr"), "-extfile", file("own.ext"), "-days", "1", "-out", file("own.pem")];
openssl("x509", "-req", ...own, "-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial");
const key = readFileSync(file("own.key"));
const cert = readFileSync(file("own.pem"));
process.env.SSL_CERT_FILE = file("ca.pem");

const house = openHouse(undefined, "[webhooks]\nallow_private = true\nrest_pre_hooks = true\n");

// Listens on a free port and hands out what it receives, one after the other.
function receiver(scheme) {
  const received = [];
  const waiting = [];
  const take = (request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const url = `${scheme}://${request.headers.host}${request.url}`;
      const body = Buffer.concat(chunks).toString();
      const told = { url, method: request.method, headers: request.headers, form: Object.fromEntries(new URLSearchParams(body)) };
      response.end();
      const next = waiting.shift();
      if (next) next(told);
      else received.push(told);
    });
  };
  const server = scheme === "https" ? https.createServer({ key, cert }, take) : http.createServer(take);
  return {
    scheme,
    server,
    open: () => new Promise((resolve) => server.listen(0, "127.0.0.1", resolve)),
    place: (rest) => `${scheme}://localhost:${server.address().port}${rest}`,
    next: () => (received.length ? received.shift() : new Promise((resolve) => waiting.push(resolve))),
  };
}

const receivers = [receiver("http"), receiver("https")];
before(() => Promise.all(receivers.map((one) => one.open())));
after(() => {
  for (const one of receivers) {
    one.server.closeAllConnections();
    one.server.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

async function told(one, rest, method, filter = "onMessageAdded") {
  const { conversations, configuration } = house.client.conversations.v1;
  const urls = { postWebhookUrl: one.place(rest), preWebhookUrl: one.place(rest) };
  await configuration.webhooks().update({ ...urls, filters: [filter], method });
  const { sid } = await conversations.create();
  await conversations(sid).messages.create({ body: BODY, author: "alice", xTwilioWebhookEnabled: "true" });
  return one.next();
}

const isSigned = ({ headers, form, url }, token = AUTH_TOKEN) =>
  twilio.validateRequest(token, headers["x-twilio-signature"], url, form);

for (const one of receivers) {
  for (const method of ["POST", "GET"]) {
    for (const rest of PLACES) {
      test(`${method} ${one.scheme}://localhost${rest}`, async () => {
        const seen = await told(one, rest, method);
        assert.equal(seen.method, method);
        assert.ok(isSigned(seen), seen.url);
        assert.ok(!isSigned(seen, "another token"));
        assert.ok(!isSigned({ ...seen, url: `${seen.url}x` }));
        if (method === "POST") {
          assert.equal(seen.form.Body, BODY);
          assert.ok(!isSigned({ ...seen, form: { ...seen.form, Body: BODY.trim() } }));
        }
      });
    }
  }

  test(`what is asked before is signed too, ${one.scheme}`, async () => {
    const seen = await told(one, "/before?a=b", "POST", "onMessageAdd");
    assert.equal(seen.form.EventType, "onMessageAdd");
    assert.ok(isSigned(seen));
  });
}
