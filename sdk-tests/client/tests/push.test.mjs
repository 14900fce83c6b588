// Devices that are registered for notifications, with and without a credential to notify them through. The SDK asks
// again for ever whatever a registration is refused with, so none is: each of these calls would hang.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openHouse } from "../../node/house.mjs";
import { connect, defaultService } from "../people.mjs";

const house = openHouse();
const v1 = () => house.client.conversations.v1;

// The credential that a device of this type is registered with, by somebody whose token names one or none.
async function registered(channel, pushCredentialSid) {
  const { client } = await connect(house, "alice", { grant: pushCredentialSid ? { pushCredentialSid } : {} });
  await client.setPushRegistrationId(channel, "a-device");
  const bindings = v1().services(await defaultService(house)).bindings;
  const [binding, ...others] = await bindings.list({ identity: ["alice"], bindingType: [channel] });
  assert.deepEqual([others, binding.endpoint], [[], "a-device"]);
  await client.unsetPushRegistrationId(channel);
  assert.deepEqual(await bindings.list({ identity: ["alice"] }), []);
  await client.shutdown();
  return binding.credentialSid;
}

test("a device is registered, whatever its token names", { timeout: 60_000 }, async () => {
  assert.equal(await registered("fcm"), null);
  assert.equal(await registered("fcm", `CR${"0".repeat(32)}`), null);
  const fcm = await v1().credentials.create({ type: "fcm", secret: "key" });
  assert.equal(await registered("fcm"), fcm.sid, "the only one");
  assert.equal(await registered("apn", fcm.sid), null, "of another type");
  const apn = await v1().credentials.create({ type: "apn", certificate: "c", privateKey: "k" });
  assert.equal(await registered("apn", apn.sid), apn.sid);
  assert.equal(await registered("fcm", apn.sid), fcm.sid, "the only one of its type");
  const second = await v1().credentials.create({ type: "fcm", secret: "key" });
  assert.equal(await registered("fcm"), null, "nobody knows which of two");
  assert.equal(await registered("fcm", second.sid), second.sid);
});
