// Address configurations through the official Node client.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openHouse, phone, refused } from "../house.mjs";

const house = openHouse();

test("address configurations", async () => {
  const { addressConfigurations } = house.client.conversations.v1;
  const address = `whatsapp:${phone()}`;
  const made = await addressConfigurations.create({
    type: "whatsapp",
    address,
    "autoCreation.enabled": true,
    "autoCreation.type": "webhook",
    "autoCreation.webhookUrl": "https://example.com",
    "autoCreation.webhookFilters": ["onMessageAdded", "onDeliveryUpdated"],
  });
  assert.deepEqual(made.autoCreation, {
    enabled: true,
    type: "webhook",
    webhook_url: "https://example.com",
    webhook_method: "POST",
    webhook_filters: ["onMessageAdded", "onDeliveryUpdated"],
  });
  for (const key of [made.sid, address]) {
    assert.equal((await addressConfigurations(key).fetch()).address, address);
  }
  await refused(addressConfigurations.create({ type: "whatsapp", address }), 409, 20409);
  const updated = await addressConfigurations(address).update({ friendlyName: "Shop", "autoCreation.enabled": false });
  assert.deepEqual([updated.friendlyName, updated.autoCreation.enabled], ["Shop", false]);
  assert.deepEqual((await addressConfigurations.list({ type: "whatsapp" })).map((one) => one.sid), [made.sid]);
  assert.deepEqual(await addressConfigurations.list({ type: "sms" }), []);
  await refused(addressConfigurations(address).update({ "autoCreation.type": "studio" }), 400, 50367);
  assert.equal(await addressConfigurations(address).remove(), true);
  await refused(addressConfigurations(made.sid).fetch(), 404, 20404);
});
