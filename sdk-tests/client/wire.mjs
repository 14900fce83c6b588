// The protocol below the SDK, spoken by hand: for what the SDK would never ask.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import { socketOf } from "./people.mjs";

export function encode(header, body = "") {
  const payload = Buffer.from(body);
  const json = Buffer.from(JSON.stringify({ payload_size: payload.length, ...header }));
  return Buffer.concat([Buffer.from(`TWILSOCK V3.0 ${json.length}\r\n`), json, Buffer.from("\r\n"), payload]);
}

export function decode(frame) {
  const line = frame.indexOf("\r\n");
  const [, length] = frame
    .subarray(0, line)
    .toString()
    .match(/^TWILSOCK V3\.0 (\d+)$/);
  const end = line + 2 + Number(length);
  const header = JSON.parse(frame.subarray(line + 2, end).toString());
  const payload = frame.subarray(end + 2, end + 2 + header.payload_size);
  return { header, payload: payload.length ? JSON.parse(payload.toString()) : null };
}

// A connection of one's own. `open` answers once the token was judged: with its status, or with the connection.
export class Wire {
  static async open(house, token) {
    const wire = new Wire(socketOf(house.url));
    await new Promise((resolve, reject) => wire.socket.on("open", resolve).on("error", reject));
    const { header } = await wire.ask({ method: "init", token, registrations: [], capabilities: ["client_update"] });
    wire.status = header.status;
    return wire;
  }

  constructor(url) {
    this.asked = new Map();
    this.told = []; // Notifications, as { type, payload }.
    this.waiting = new Set();
    this.socket = new WebSocket(url);
    this.ended = new Promise((resolve) => this.socket.on("close", resolve));
    this.socket.on("error", () => {});
    this.socket.on("message", (frame) => this.#heard(frame));
  }

  #heard(frame) {
    const { header, payload } = decode(frame);
    if (header.method === "reply") {
      this.asked.get(header.id)?.({ header, payload });
      this.asked.delete(header.id);
    } else if (header.method === "notification") {
      this.told.push({ type: header.message_type, payload });
      for (const look of [...this.waiting]) look();
    }
  }

  ask(header, body) {
    const id = `TM${randomUUID()}`;
    this.socket.send(encode({ id, ...header }, body));
    return new Promise((resolve, reject) => {
      this.asked.set(id, resolve);
      this.ended.then(() => reject(new Error("the connection ended")));
    });
  }

  // A request through the tunnel: { status, body }.
  async request(method, path, { params = {}, body, host = "aim.us1.twilio.com" } = {}) {
    const http_request = { host, path, method, params, headers: { "Content-Type": "application/json" } };
    const payload = body === undefined ? "" : JSON.stringify(body);
    const given = payload ? { payload_type: "application/json" } : {};
    const answer = await this.ask({ method: "message", active_grant: "ip_messaging", ...given, http_request }, payload);
    assert.equal(answer.header.status.code, 200);
    return { status: answer.header.http_status.code, body: answer.payload };
  }

  // Subscribes, and waits for what became of it: the names of the events by object.
  async subscribe(...objects) {
    const correlation_id = Date.now() * 1000 + Math.floor(Math.random() * 1000);
    const requests = objects.map(([object_type, object_sid, last_event_id = 0]) => ({
      object_type,
      object_sid,
      last_event_id,
    }));
    const answer = await this.request("POST", "/v4/Subscriptions", {
      body: {
        event_protocol_version: 4,
        action: "establish",
        correlation_id,
        retried_requests: 0,
        ttl_in_s: -1,
        requests,
      },
    });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const outcome = {};
    for (const [, sid] of objects) {
      const { event_type, event } = await this.next(
        (one) => one.event.object_sid === sid && one.correlation_id === correlation_id,
      );
      outcome[sid] = event_type === "subscription_failed" ? event.error.status : event_type;
    }
    return outcome;
  }

  // All single events so far.
  events() {
    return this.told.flatMap(({ type, payload }) =>
      (payload.events ?? [payload.event ?? payload]).map((event) => ({
        type,
        event_type: payload.event_type,
        correlation_id: payload.correlation_id,
        event,
      })),
    );
  }

  async next(match, seconds = 15) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.events().find(match);
        if (!found) return;
        clearTimeout(deadline);
        this.waiting.delete(look);
        resolve(found);
      };
      const deadline = setTimeout(
        () => reject(new Error(`waited ${seconds} s; told: ${JSON.stringify(this.told)}`)),
        seconds * 1000,
      );
      this.waiting.add(look);
      look();
    });
  }

  async close() {
    this.socket.close();
    await this.ended;
  }
}
