// Participants, users and their devices.

import assert from "node:assert/strict";
import sdk from "@twilio/conversations";
import { phone } from "../../node/house.mjs";
import { connect, defaultService, until, Witness } from "../people.mjs";
import { at, house, pushCredential, rest, room, step } from "./stage.mjs";

step("a participant's attributes are changed", async () => {
  const theirs = await room.alice.getParticipantByIdentity("bob");
  const saw = new Witness(theirs);
  const mine = await room.bob.getParticipantByIdentity("bob");
  assert.equal(await mine.updateAttributes({ desk: 5 }), mine);
  await saw.updated("updated", ["attributes", "dateUpdated"]);
  await at.alice.saw.updated("participantUpdated", ["attributes"]);
  await room.sawAlice.updated("participantUpdated", ["attributes"]);
  assert.deepEqual(theirs.attributes, { desk: 5 });
});

step("what REST changes of a participant has its reasons too", async () => {
  const { roles } = house.client.conversations.v1;
  const role = await roles.create({
    friendlyName: "all that bob may",
    type: "conversation",
    permission: ["sendMessage", "leaveConversation"],
  });
  const theirs = await room.alice.getParticipantByIdentity("bob");
  const { roleSid } = theirs;
  const dateCreated = new Date("2020-02-02T20:20:20Z");
  await rest(room.sid).participants(theirs.sid).update({ roleSid: role.sid, dateCreated });
  await at.alice.saw.updated("participantUpdated", ["roleSid", "dateCreated"]);
  assert.equal(theirs.roleSid, role.sid);
  assert.deepEqual(theirs.dateCreated, dateCreated);
  await rest(room.sid).participants(theirs.sid).update({ roleSid });
  await at.alice.saw.updated("participantUpdated", ["roleSid"]);
});

step("somebody's number is taken away, and another given", async () => {
  const { sid } = await house.client.conversations.v1.conversations.create({ friendlyName: "by telephone" });
  const projected = "messagingBinding.projectedAddress";
  const { sid: mine } = await rest(sid).participants.create({ identity: "alice", [projected]: phone() });
  const theirs = await at.alice.saw.next("conversationJoined", (one) => one.sid === sid);
  const [me] = await theirs.getParticipants();
  assert.ok(me.bindings.sms.projected_address);
  await rest(sid)
    .participants(mine)
    .update({ [projected]: "" });
  await at.alice.saw.updated("participantUpdated", ["bindings"], ({ participant }) => participant === me);
  const number = phone();
  await rest(sid)
    .participants(mine)
    .update({ [projected]: number });
  await at.alice.saw.updated("participantUpdated", ["bindings"], () => me.bindings.sms?.projected_address === number);
  await rest(sid).remove();
});

step("users are looked up and watched", async () => {
  const user = await at.alice.client.getUser("bob");
  assert.equal(await at.alice.saw.next("userSubscribed", (one) => one.identity === "bob"), user);
  assert.deepEqual([user.identity, user.friendlyName, user.attributes, user.isSubscribed], ["bob", null, {}, true]);
  assert.deepEqual([user.isOnline, user.isNotifiable], [true, null]);
  assert.equal(await (await room.alice.getParticipantByIdentity("bob")).getUser(), user);
  assert.deepEqual(
    (await at.alice.client.getSubscribedUsers()).map((one) => one.identity),
    ["alice", "bob"],
  );
  await assert.rejects(at.alice.client.getUser("nobody at all"));
});

step("a user's profile is changed, and who watches sees it", async () => {
  await at.bob.client.user.updateFriendlyName("Bob B.");
  await at.alice.saw.updated("userUpdated", ["friendlyName"], ({ user }) => user.friendlyName === "Bob B.");
  await at.bob.user.updated("updated", ["friendlyName"], ({ user }) => user.friendlyName === "Bob B.");
  await at.bob.client.user.updateAttributes({ colour: "red" });
  await at.alice.saw.updated("userUpdated", ["attributes"], ({ user }) => user.attributes.colour === "red");
  await at.bob.user.updated("updated", ["attributes"], ({ user }) => user.attributes.colour === "red");
});

step("a user is watched no longer, and then again", async () => {
  const user = await at.alice.client.getUser("bob");
  const saw = new Witness(user);
  await user.unsubscribe();
  await saw.next("userUnsubscribed");
  assert.equal((await at.alice.saw.next("userUnsubscribed")).identity, "bob");
  assert.deepEqual(
    (await at.alice.client.getSubscribedUsers()).map((one) => one.identity),
    ["alice"],
  );
  assert.equal((await at.alice.client.getUser("bob")).friendlyName, "Bob B.");
});

step("one's own profile is watched from the start", async () => {
  await at.alice.client.user.unsubscribe();
  await at.alice.user.next("userUnsubscribed");
  await at.alice.user.next("userSubscribed", undefined, 20);
  await at.alice.client.user.updateFriendlyName("Alice");
  await at.alice.user.updated("updated", ["friendlyName"], () => at.alice.client.user.friendlyName === "Alice");
});

step("who comes and goes is seen to be online", async () => {
  const user = await at.alice.client.getUser("carol");
  assert.equal(user.isOnline, true);
  await at.carol.client.shutdown();
  await at.carol.saw.next("connectionStateChanged", (state) => state === "disconnected");
  await at.alice.saw.updated("userUpdated", ["reachabilityOnline"], () => user.isOnline === false);
  at.carol = await connect(house, "carol");
  await at.alice.saw.updated("userUpdated", ["reachabilityOnline"], () => user.isOnline === true);
});

const bindings = async () => house.client.conversations.v1.services(await defaultService(house)).bindings.list();

step("a device is registered for notifications, which the others see", async () => {
  await at.bob.client.setPushRegistrationId("fcm", "a-device-of-bob");
  await at.alice.saw.updated(
    "userUpdated",
    ["reachabilityNotifiable"],
    ({ user }) => user.identity === "bob" && user.isNotifiable,
  );
  const [binding] = await bindings();
  assert.deepEqual([binding.identity, binding.bindingType, binding.credentialSid], ["bob", "fcm", pushCredential()]);
});

step("a device is unregistered, in both ways", async () => {
  await at.bob.client.unsetPushRegistrationId("fcm");
  await at.alice.saw.updated(
    "userUpdated",
    ["reachabilityNotifiable"],
    ({ user }) => user.identity === "bob" && !user.isNotifiable,
  );
  assert.deepEqual(await bindings(), []);
  await at.alice.client.setPushRegistrationId("fcm", "a-device-of-alice");
  await until(async () => (await bindings()).length === 1, "the binding");
  await at.alice.client.removePushRegistrations("fcm", "a-device-of-alice");
  assert.deepEqual(await bindings(), []);
});

step("a notification is read and told", async () => {
  const payload = {
    twi_body: "Desk;alice: hello",
    twi_message_type: "twilio.conversations.new_message",
    conversation_sid: room.sid,
    message_index: "3",
  };
  const read = sdk.Client.parsePushNotification({ data: payload });
  assert.deepEqual(
    [read.type, read.body, read.data.conversationSid, read.data.messageIndex],
    ["twilio.conversations.new_message", "Desk;alice: hello", room.sid, 3],
  );
  await at.bob.client.handlePushNotification({ data: payload });
  assert.deepEqual((await at.bob.saw.next("pushNotification")).data, read.data);
});

step("the package lists what it wants to be told of", () => {
  const listed = [];
  sdk.Client.populateInitRegistrations({ populateInitRegistrations: (types) => listed.push(...types) });
  assert.ok(listed.includes(sdk.NotificationTypes.TYPING_INDICATOR) && listed.includes("com.twilio.rtd.cds.map"));
});
