//! Every command with every permission that it needs: without it and with all others it is refused, with it alone
//! it is granted, in a role of the conversation and in one of the service.

use conversations::Verb::{self, Create, Delete, Fetch, List, Update};
use conversations::{operations, roles};
use http::Request;
use testkit::{House, Reply, SdkUser, on_both};

use super::{conversation, join, role};

/// One command of alice's.
struct Command {
    verb: Verb,
    /// Below the conversation; or below the service, where it begins with a slash. `{alice}` and `{bob}` are messages,
    /// `{file}` is an upload.
    path: &'static str,
    form: &'static str,
    /// Each of them is enough.
    needs: &'static [&'static str],
    /// In an open conversation.
    granted: &'static str,
    /// In a closed one.
    closed: &'static str,
}

const fn command(
    (verb, path, form): (Verb, &'static str, &'static str),
    needs: &'static [&'static str],
    (granted, closed): (&'static str, &'static str),
) -> Command {
    Command { verb, path, form, needs, granted, closed }
}

const CLOSED: &str = "400 50377";

#[rustfmt::skip]
const COMMANDS: &[Command] = &[
    command((Update, "", "FriendlyName=Desk"), &["editConversationName"], ("200", CLOSED)),
    command((Update, "", "UniqueName=desk"), &["editConversationName"], ("200", CLOSED)),
    command((Update, "", "UniqueName="), &["editConversationName"], ("200", CLOSED)),
    command((Update, "", "Attributes={}"), &["editConversationAttributes"], ("200", CLOSED)),
    command((Update, "", ""), &[], ("200", CLOSED)),
    command((Delete, "", ""), &["deleteConversation"], ("204", "204")),
    command((Fetch, "", ""), &[], ("200", "200")),
    command((Create, "Messages", "Body=Hello"), &["sendMessage"], ("201", CLOSED)),
    command((Create, "Messages", "Attributes={}"), &["sendMessage"], ("201", CLOSED)),
    command((Create, "Messages", "MediaSid={file}"), &["sendMediaMessage"], ("201", CLOSED)),
    command((List, "Messages", ""), &[], ("200", "200")),
    command((Fetch, "Messages/{bob}", ""), &[], ("200", "200")),
    command((Update, "Messages/{alice}", "Body=x"), &["editOwnMessage", "editAnyMessage"], ("200", CLOSED)),
    command((Update, "Messages/{bob}", "Body=x"), &["editAnyMessage"], ("200", CLOSED)),
    command((Update, "Messages/{alice}", "Attributes={}"),
            &["editOwnMessageAttributes", "editAnyMessageAttributes"], ("200", CLOSED)),
    command((Update, "Messages/{bob}", "Attributes={}"), &["editAnyMessageAttributes"], ("200", CLOSED)),
    command((Delete, "Messages/{alice}", ""), &["deleteOwnMessage", "deleteAnyMessage"], ("204", CLOSED)),
    command((Delete, "Messages/{bob}", ""), &["deleteAnyMessage"], ("204", CLOSED)),
    command((Fetch, "Messages/{bob}/ChannelMetadata", ""), &[], ("404 50530", "404 50530")),
    command((List, "Messages/{bob}/Receipts", ""), &[], ("200", "200")),
    command((List, "MessageRecipients", ""), &[], ("200", "200")),
    command((Create, "Participants", "Identity=carol"), &["addParticipant"], ("201", CLOSED)),
    command((Create, "Participants", "MessagingBinding.Address=%2B15558675319&MessagingBinding.ProxyAddress=%2B15017122661"),
            &["addNonChatParticipant"], ("201", CLOSED)),
    command((List, "Participants", ""), &[], ("200", "200")),
    command((Fetch, "Participants/bob", ""), &[], ("200", "200")),
    command((Update, "Participants/alice", "Attributes={}"),
            &["editOwnParticipantAttributes", "editAnyParticipantAttributes"], ("200", CLOSED)),
    command((Update, "Participants/bob", "Attributes={}"), &["editAnyParticipantAttributes"], ("200", CLOSED)),
    command((Delete, "Participants/alice", ""), &["leaveConversation"], ("204", "204")),
    command((Delete, "Participants/bob", ""), &["removeParticipant"], ("204", "204")),
    command((Fetch, "/Users/alice/{conversation}", ""), &[], ("200", "200")),
    command((Update, "/Users/alice/{conversation}", "LastReadMessageIndex=0"), &[], ("200", CLOSED)),
    command((Update, "/Users/alice/{conversation}", "LastReadMessageIndex=null"), &[], ("200", CLOSED)),
    command((Update, "/Users/alice/{conversation}", "NotificationLevel=muted"),
            &["editNotificationLevel"], ("200", CLOSED)),
    command((Delete, "/Users/alice/{conversation}", ""), &["leaveConversation"], ("204", "204")),
];

/// A conversation with what the commands are about, and alice, to whom it happens.
struct Scene<'a> {
    house: &'a House,
    alice: SdkUser,
    conversation: String,
    messages: [String; 2],
    file: String,
}

impl Scene<'_> {
    async fn of<'a>(house: &'a House, members: &[&str]) -> Scene<'a> {
        let alice = house.sdk_user("alice").await;
        let conversation = conversation(house, members).await;
        let mut messages = [String::new(), String::new()];
        for (message, author) in messages.iter_mut().zip(["alice", "bob"]) {
            let path = format!("/v1{conversation}/Messages");
            *message = house.post(&path, &format!("Body=Hello&Author={author}")).await.sid();
        }
        Scene { house, alice, conversation, messages, file: uploaded(house).await }
    }

    async fn run(&self, command: &Command) -> Reply {
        let [alice, bob] = &self.messages;
        let fill = |text: &str| {
            let text = text.replace("{alice}", alice).replace("{bob}", bob).replace("{file}", &self.file);
            text.replace("{conversation}", self.conversation.trim_start_matches('/'))
        };
        let path = match command.path {
            "" => self.conversation.clone(),
            path if path.starts_with('/') => fill(path),
            path => format!("{}/{}", self.conversation, fill(path)),
        };
        self.alice.send(command.verb, &path, &fill(command.form)).await
    }

    /// Gives alice a role in the service and one in the conversation; the sid of this one.
    async fn give(&self, of_service: &[&str], of_conversation: &[&str]) -> String {
        let service = role(self.house, "service", of_service).await;
        let conversation = role(self.house, "conversation", of_conversation).await;
        let user = self.house.post("/v1/Users/alice", &format!("RoleSid={service}")).await;
        assert_eq!(user.code(), "200");
        let path = format!("/v1{}/Participants/alice", self.conversation);
        assert_eq!(self.house.post(&path, &format!("RoleSid={conversation}")).await.code(), "200");
        conversation
    }

    async fn close(&self) {
        assert_eq!(self.house.post(&format!("/v1{}", self.conversation), "State=closed").await.code(), "200");
    }
}

async fn uploaded(house: &House) -> String {
    let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
    let request = Request::post(format!("/v1/Services/{service}/Media")).header("content-type", "image/png");
    house.send(request, "a picture").await.sid()
}

fn all_but(kind: &[&'static str], needs: &[&str]) -> Vec<&'static str> {
    let known = roles::OF_BOTH.iter().chain(kind).copied();
    known.filter(|name| !needs.contains(name)).collect()
}

/// Permissions that decide nothing here.
const NOTHING: (&[&str], &[&str]) = (&["joinConversation"], &["readChannelMetadata"]);

#[tokio::test]
async fn each_command_needs_its_permission_and_no_other() {
    on_both(async |house| {
        for command in COMMANDS {
            let about = format!("{:?} {} {}", command.verb, command.path, command.form);
            let scene = Scene::of(house, &["alice", "bob"]).await;
            let service = all_but(roles::OF_SERVICE, command.needs);
            scene.give(&service, &all_but(roles::OF_CONVERSATION, command.needs)).await;
            let expected = if command.needs.is_empty() { command.granted } else { "403 50107" };
            assert_eq!(scene.run(command).await.code(), expected, "{about} with all others");
            for permission in command.needs {
                let scene = Scene::of(house, &["alice", "bob"]).await;
                scene.give(NOTHING.0, &[permission]).await;
                assert_eq!(scene.run(command).await.code(), command.granted, "{about} with {permission}");
                free_names(&scene).await;
                if roles::OF_BOTH.contains(permission) {
                    let scene = Scene::of(house, &["alice", "bob"]).await;
                    scene.give(&[permission], NOTHING.1).await;
                    let granted = scene.run(command).await.code();
                    assert_eq!(granted, command.granted, "{about} with {permission} in the service");
                    free_names(&scene).await;
                }
            }
        }
    })
    .await;
}

/// So that the next conversation can have the unique name and the phone.
async fn free_names(scene: &Scene<'_>) {
    scene.house.delete(&format!("/v1{}", scene.conversation)).await;
}

#[tokio::test]
async fn who_takes_no_part_is_told_so_and_a_closed_conversation_is_only_read() {
    on_both(async |house| {
        for command in COMMANDS {
            let about = format!("{:?} {} {}", command.verb, command.path, command.form);
            // Everything is allowed in the service but to come in.
            let scene = Scene::of(house, &["bob"]).await;
            let service = role(house, "service", &all_but(roles::OF_SERVICE, &["addParticipant"])).await;
            house.post("/v1/Users/alice", &format!("RoleSid={service}")).await;
            assert_eq!(scene.run(command).await.code(), "403 50430", "{about} from outside");

            let scene = Scene::of(house, &["alice", "bob"]).await;
            let role = scene.give(NOTHING.0, NOTHING.1).await;
            scene.close().await;
            if !command.needs.is_empty() {
                assert_eq!(scene.run(command).await.code(), "403 50107", "{about} when closed, with nothing");
            }
            // A role that has changed holds at once.
            let all = all_but(roles::OF_CONVERSATION, &[]).join("&Permission=");
            house.post(&format!("/v1/Roles/{role}"), &format!("Permission={all}")).await;
            assert_eq!(scene.run(command).await.code(), command.closed, "{about} when closed");

            let scene = Scene { conversation: format!("/Conversations/CH{:032x}", 7), ..scene };
            assert_eq!(scene.run(command).await.code(), "404 50350", "{about} of nothing");
            let service = house.post("/v1/Services", "FriendlyName=Other").await.sid();
            let other = house.post(&format!("/v1/Services/{service}/Conversations"), "").await.sid();
            let form = "Identity=alice";
            house.post(&format!("/v1/Services/{service}/Conversations/{other}/Participants"), form).await;
            let scene = Scene { conversation: format!("/Conversations/{other}"), ..scene };
            assert_eq!(scene.run(command).await.code(), "404 50350", "{about} of another service");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_not_for_clients_is_refused_whatever_their_roles() {
    on_both(async |house| {
        let scene = Scene::of(house, &["alice", "bob"]).await;
        scene.give(&all_but(roles::OF_SERVICE, &[]), &all_but(roles::OF_CONVERSATION, &[])).await;
        let mut count = 0;
        for operation in operations().iter().filter(|operation| !operation.is_for_clients) {
            let names = operation.template.split('/').filter_map(|part| part.strip_prefix('{'));
            let name = |name: &'static str| name.trim_end_matches('}');
            let value = |name: &str| match name {
                "ConversationSid" => scene.conversation.rsplit('/').next().expect("a sid").to_owned(),
                "UserSid" => "alice".to_owned(),
                _ => "RL00000000000000000000000000000001".to_owned(),
            };
            let values = names.map(|part| (name(part), value(name(part)))).collect();
            let reply = scene.alice.perform(operation, ("/somewhere", values), "").await;
            assert_eq!(reply.code(), "403 50107", "{:?} {}", operation.verb, operation.template);
            count += 1;
        }
        assert!(count > 30, "{count}");
    })
    .await;
}

#[tokio::test]
async fn a_conversation_is_joined_by_its_creator_and_by_those_who_may_add_people() {
    on_both(async |house| {
        let alice = house.sdk_user("alice").await;
        let refused = role(house, "service", &["joinConversation"]).await;
        house.post("/v1/Users/alice", &format!("RoleSid={refused}")).await;
        assert_eq!(alice.create("/Conversations", "FriendlyName=Desk").await.code(), "403 50107");
        let creator = role(house, "service", &["createConversation"]).await;
        house.post("/v1/Users/alice", &format!("RoleSid={creator}")).await;
        let made = alice.create("/Conversations", "FriendlyName=Desk&UniqueName=desk&Attributes={}").await;
        assert_eq!(made.code(), "201");
        let path = format!("/Conversations/{}", made.sid());
        // Not joined: it can be looked at, by its name too, and nothing else.
        assert_eq!(alice.fetch(&path).await.get("friendly_name"), "Desk");
        assert_eq!(alice.fetch("/Conversations/desk").await.code(), "200");
        assert_eq!(alice.create(&format!("{path}/Messages"), "Body=x").await.code(), "403 50430");
        assert_eq!(alice.create(&format!("{path}/Participants"), "Identity=bob").await.code(), "403 50430");
        assert_eq!(alice.delete(&path).await.code(), "403 50430");
        // The creator may join, with leave to join at all, and gets the role of creators.
        let participants = format!("{path}/Participants");
        assert_eq!(alice.create(&participants, "Identity=alice").await.code(), "403 50107");
        house.post("/v1/Users/alice", &format!("RoleSid={refused}")).await;
        let joined = alice.create(&participants, "Identity=alice").await;
        assert_eq!(joined.code(), "201");
        let service = house.get("/v1/Configuration").await.field("default_chat_service_sid");
        let defaults = house.get(&format!("/v1/Services/{service}/Configuration")).await;
        assert_eq!(joined.field("role_sid"), defaults.field("default_conversation_creator_role_sid"));
        assert_eq!(alice.create(&participants, "Identity=alice").await.code(), "409 50433");

        // Others may not; but whoever may add people anywhere may look, and join.
        let bob = house.sdk_user("bob").await;
        assert_eq!(bob.fetch(&path).await.code(), "403 50430");
        assert_eq!(bob.create(&participants, "Identity=bob").await.code(), "403 50107");
        let adds = role(house, "service", &["addParticipant", "joinConversation"]).await;
        house.post("/v1/Users/bob", &format!("RoleSid={adds}")).await;
        assert_eq!(bob.fetch(&path).await.code(), "200");
        assert_eq!(bob.create(&participants, "Identity=carol").await.code(), "403 50430");
        let joined = bob.create(&participants, "Identity=bob").await;
        assert_eq!(joined.field("role_sid"), defaults.field("default_conversation_role_sid"));
        assert_eq!(bob.create(&participants, "Identity=carol").await.code(), "201");

        // Once removed, everything ends at once.
        assert_eq!(house.delete(&format!("/v1{participants}/alice")).await.code(), "204");
        assert_eq!(alice.create(&format!("{path}/Messages"), "Body=x").await.code(), "403 50430");
        assert_eq!(alice.fetch(&format!("/Users/alice{path}")).await.code(), "403 50430");
    })
    .await;
}

#[tokio::test]
async fn users_are_seen_by_all_and_edited_by_themselves_or_with_leave() {
    on_both(async |house| {
        let alice = house.sdk_user("alice").await;
        house.sdk_user("bob").await;
        assert_eq!(alice.fetch("/Users/bob").await.field("identity"), "bob");
        assert_eq!(alice.fetch("/Users/nobody").await.code(), "404 50200");
        for (permission, own, other) in [
            ("joinConversation", "403 50107", "403 50107"),
            ("editOwnUserInfo", "200", "403 50107"),
            ("editAnyUserInfo", "200", "200"),
        ] {
            let role = role(house, "service", &[permission]).await;
            house.post("/v1/Users/alice", &format!("RoleSid={role}")).await;
            for (path, expected) in [("/Users/alice", own), ("/Users/bob", other)] {
                let reply = alice.update(path, "FriendlyName=Somebody").await;
                assert_eq!(reply.code(), expected, "{permission} {path}");
            }
            let form = format!("RoleSid={role}");
            assert_eq!(alice.update("/Users/alice", &form).await.code(), "403 50205");
        }
        // Nobody looks at another's conversations.
        let path = conversation(house, &["alice", "bob"]).await;
        assert_eq!(alice.list("/Users/alice/Conversations", "").await.code(), "200");
        assert_eq!(alice.list("/Users/bob/Conversations", "").await.code(), "403 50107");
        assert_eq!(alice.fetch(&format!("/Users/bob{path}")).await.code(), "403 50107");
        let wrong = "LastReadMessageIndex=x";
        assert_eq!(alice.update(&format!("/Users/bob{path}"), wrong).await.code(), "403 50107");
        assert_eq!(alice.delete(&format!("/Users/bob{path}")).await.code(), "403 50107");

        // Whoever is deleted may nothing more, and who comes after under the same name inherits nothing.
        house.delete("/v1/Users/alice").await;
        assert_eq!(alice.create("/Conversations", "").await.code(), "404 50200");
        assert_eq!(alice.fetch(&path).await.code(), "404 50200");
        let again = house.sdk_user("alice").await;
        assert_eq!(again.fetch(&path).await.code(), "403 50430");
        join(house, &path, &["alice"]).await;
        assert_eq!(again.fetch(&path).await.code(), "200");
    })
    .await;
}
