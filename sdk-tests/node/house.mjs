// A running server for one test file, and the official client pointed at it.
//
// TERTULIA_TEST_BINARY names the program, TERTULIA_TEST_ENGINE the database (sqlite, or postgres with the URL of a
// superuser in TERTULIA_TEST_POSTGRES). The server is asked to stop when the file's tests are over, and must end well.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import pg from "pg";
import twilio from "twilio";

export const ACCOUNT_SID = "AC" + "0123456789abcdef".repeat(2);
export const AUTH_TOKEN = "fedcba9876543210".repeat(2);
export const API_KEY_SID = "SK00112233445566778899aabbccddeeff";
export const API_KEY_SECRET = "a-secret-of-thirty-two-letters-00";

export const unique = (word = "name") => `${word}-${randomUUID().slice(0, 12)}`;
export const phone = () => `+1${randomInt(10 ** 11, 10 ** 12)}`;
export const pair = () => ({ "messagingBinding.address": phone(), "messagingBinding.proxyAddress": phone() });

export { twilio };

// The one place where a test may wait: until a condition holds.
export async function until(condition, what, seconds = 15) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < deadline, `waited ${seconds} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function environment(variables) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(TERTULIA|TWILIO)_/.test(name));
  return { ...Object.fromEntries(kept), RUST_BACKTRACE: "1", ...variables };
}

async function asSuperuser(statement) {
  const url = process.env.TERTULIA_TEST_POSTGRES;
  assert.ok(url, "TERTULIA_TEST_POSTGRES is not set: run this by scripts/with-postgres.sh");
  const connection = new pg.Client({ connectionString: url });
  await connection.connect();
  await connection.query(statement);
  await connection.end();
}

// Starts a server before the file's tests, lets `prepare` fill it, and stops it after them. `house.client` is there
// once they run. `configuration` is the text of the server's configuration file, `variables` go into its environment.
// Tests may stop it by `house.stop(signal)` and let it come back, at the same place, by `house.start()`. With another
// house `beside`, which was opened before on PostgreSQL, it is a second server on that one's database.
export function openHouse(prepare = async () => {}, configuration = "", variables = {}, beside = null) {
  const house = {};
  const folder = mkdtempSync(join(tmpdir(), "tertulia-node-"));
  const log = join(folder, "server.log");
  const output = () => readFileSync(log, "utf8");
  const database = process.env.TERTULIA_TEST_ENGINE === "postgres" ? `node_${randomUUID().replaceAll("-", "")}` : null;
  const flags = ["serve", "--data", join(folder, "data"), "--config", join(folder, "tertulia.toml")];
  let server;

  house.start = async () => {
    const sink = openSync(log, "a");
    server = spawn(process.env.TERTULIA_TEST_BINARY, [...flags, "--listen", house.url?.slice(7) ?? "127.0.0.1:0"], {
      env: environment({
        TERTULIA_ACCOUNT_SID: ACCOUNT_SID,
        TERTULIA_AUTH_TOKEN: AUTH_TOKEN,
        TERTULIA_API_KEY_SID: API_KEY_SID,
        TERTULIA_API_KEY_SECRET: API_KEY_SECRET,
        TERTULIA_METRICS_LISTEN: "off",
        ...variables,
      }),
      stdio: ["ignore", sink, sink],
    });
    closeSync(sink);
    const started = server;
    house.ended = new Promise((resolve) => started.on("exit", (code, signal) => resolve(code ?? signal)));
    house.url ??= await until(() => {
      assert.equal(server.exitCode, null, `the server ended:\n${output()}`);
      return output().match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
    }, "the server to print its URL");
    const isReady = () => fetch(`${house.url}/healthz/ready`).then((answer) => answer.ok, () => false);
    await until(isReady, "the server to be ready");
  };

  house.stop = async (signal) => {
    server.kill(signal);
    return house.ended;
  };

  before(async () => {
    writeFileSync(join(folder, "tertulia.toml"), configuration);
    if (beside) {
      house.database = beside.database;
    } else if (database) {
      await asSuperuser(`CREATE DATABASE "${database}"`);
      const url = new URL(process.env.TERTULIA_TEST_POSTGRES);
      url.pathname = `/${database}`;
      house.database = url.href;
    }
    if (house.database) flags.push("--database", house.database);
    await house.start();
    house.client = house.clientOf(ACCOUNT_SID, AUTH_TOKEN);
    await prepare(house);
  });

  after(async () => {
    const ended = server && (await house.stop("SIGTERM"));
    const said = output();
    if (database && !beside) await asSuperuser(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`);
    rmSync(folder, { recursive: true, force: true });
    assert.equal(ended, 0, said);
    assert.doesNotMatch(said, /panicked/);
  });

  house.clientOf = (username = ACCOUNT_SID, password = AUTH_TOKEN, options = {}) => {
    const client = twilio(username, password, { accountSid: ACCOUNT_SID, ...options });
    client.conversations.baseUrl = house.url; // The one line.
    return client;
  };
  return house;
}

// Both forms of the API as [name, maker]: the default service by its short paths, and a new service by long ones.
export const forms = [
  ["short", async (house) => house.client.conversations.v1],
  [
    "long",
    async (house) => {
      const services = house.client.conversations.v1.services;
      return services((await services.create({ friendlyName: unique("service") })).sid);
    },
  ],
];

// The call must be refused with this status and one of these codes; answers with the error.
export async function refused(call, status, ...codes) {
  let problem;
  await assert.rejects(call, (error) => {
    problem = error;
    return true;
  });
  const got = `${problem.status} ${problem.code} ${problem.message}`;
  assert.equal(problem.status, status, got);
  if (codes.length > 0) assert.ok(codes.includes(problem.code), `expected ${codes}, got ${got}`);
  assert.equal(problem.moreInfo, `https://www.twilio.com/docs/errors/${problem.code}`);
  return problem;
}
