//! Every event with every parameter, as Twilio's tables have them: what is always there, what only in some
//! cases, and nothing else; and what each of them looks like.
//!
//! What REST cannot provoke is not here, and is rendered from records in unit tests: `ClientIdentity`, which comes
//! with the client SDK, in `events/payload.rs` (and told for real in `clients/told.rs`), and what an incoming message
//! brings about, `MessageBody`, `Media` and `MessagingBinding.*` of conversations, in `events/inbound.rs`.

use std::collections::BTreeSet;

use conversations::events::{Cause, EVENT_TYPES};
use conversations::receipts::{Progress, Status, move_status};
use conversations::{Failure, Receipt};
use server::{Settings, WebhookSettings};
use testkit::{House, Received, Receiver, Reply, on_both_with, webhooks_inside};
use wire::Sid;

use self::Kind::{Bool, Date, Id, Int, Json, Text};

/// What a value looks like.
#[derive(Clone, Copy)]
enum Kind {
    /// A sid of this prefix.
    Id(&'static str),
    Text,
    Json,
    /// With milliseconds.
    Date,
    Int,
    Bool,
}

/// A parameter, and the cases in which it is there; no case means all of them.
///
/// b: nothing set but what must be. f: all set. m: a message with a file. p: a phone takes part, or says something. g: a
/// member of a group, by its phone. j: the member of a group that has a phone lent to it. r: a service with
/// reachability. n: a user of whom it is known whether a push arrives, which nothing knows yet. e: a failure.
type Row = (&'static str, Kind, &'static str);

const CONVERSATION: [Row; 6] = [
    ("FriendlyName", Text, "f"),
    ("UniqueName", Text, "f"),
    ("Attributes", Json, ""),
    // Optional in the tables; here every account has a default, which conversations take.
    ("MessagingServiceSid", Id("MG"), ""),
    ("State", Text, ""),
    ("ConversationSid", Id("CH"), ""),
];
const MESSAGE: [Row; 6] = [
    ("ConversationSid", Id("CH"), ""),
    ("Body", Text, "bfp"),
    ("Author", Text, ""),
    ("ParticipantSid", Id("MB"), "fp"),
    ("Attributes", Json, ""),
    ("Media", Json, "m"),
];
const PARTICIPANT: [Row; 8] = [
    ("ConversationSid", Id("CH"), ""),
    ("Identity", Text, "bfj"),
    // The phone of a group has none.
    ("RoleSid", Id("RL"), "bfpj"),
    ("Attributes", Json, ""),
    ("MessagingBinding.ProxyAddress", Text, "p"),
    ("MessagingBinding.Address", Text, "pg"),
    ("MessagingBinding.ProjectedAddress", Text, "j"),
    ("MessagingBinding.Type", Text, ""),
];
const USER: [Row; 5] = [
    ("UserSid", Id("US"), ""),
    ("Identity", Text, ""),
    ("RoleSid", Id("RL"), ""),
    ("Attributes", Json, ""),
    ("FriendlyName", Text, "f"),
];
const COMMON: [Row; 5] = [
    ("EventType", Text, ""),
    ("AccountSid", Id("AC"), ""),
    ("ChatServiceSid", Id("IS"), ""),
    ("Source", Text, ""),
    ("RetryCount", Int, ""),
];
const CREATED: Row = ("DateCreated", Date, "");
const UPDATED: Row = ("DateUpdated", Date, "");
const REMOVED: Row = ("DateRemoved", Date, "");
const MESSAGE_SID: Row = ("MessageSid", Id("IM"), "");
const INDEX: Row = ("Index", Int, "");
const PARTICIPANT_SID: Row = ("ParticipantSid", Id("MB"), "");

/// The table of an event, and the cases in which it must have been seen.
fn table(event: &str) -> (Vec<Row>, &'static str) {
    let but = |rows: &[Row], name: &str| -> Vec<Row> {
        rows.iter().copied().filter(|(there, _, _)| *there != name).collect()
    };
    let (rows, more, cases): (Vec<Row>, &[Row], &str) = match event {
        "onConversationAdd" => (but(&CONVERSATION, "ConversationSid"), &[], "bf"),
        // DateUpdated stands in the table of what was added, too.
        "onConversationAdded" | "onConversationUpdate" | "onConversationUpdated" | "onConversationRemove" => {
            (CONVERSATION.to_vec(), &[CREATED, UPDATED], "bf")
        }
        "onConversationRemoved" => (CONVERSATION.to_vec(), &[CREATED, UPDATED, REMOVED], "bf"),
        "onConversationStateUpdated" => (
            Vec::new(),
            &[
                ("ConversationSid", Id("CH"), ""),
                ("StateUpdated", Date, ""),
                ("StateFrom", Text, ""),
                ("StateTo", Text, ""),
                ("Reason", Text, ""),
                ("MessagingServiceSid", Id("MG"), ""),
            ],
            "bf",
        ),
        "onMessageAdd" => (MESSAGE.to_vec(), &[], "bfmp"),
        "onMessageAdded" => {
            (MESSAGE.to_vec(), &[("MessagingServiceSid", Id("MG"), ""), MESSAGE_SID, INDEX, CREATED], "bfmp")
        }
        "onMessageUpdate" | "onMessageUpdated" | "onMessageRemove" => {
            (MESSAGE.to_vec(), &[MESSAGE_SID, INDEX, CREATED, UPDATED], "bfmp")
        }
        "onMessageRemoved" => (MESSAGE.to_vec(), &[MESSAGE_SID, INDEX, CREATED, UPDATED, REMOVED], "bfmp"),
        "onParticipantAdd" => (PARTICIPANT.to_vec(), &[], "bfpgj"),
        "onParticipantAdded" => (PARTICIPANT.to_vec(), &[PARTICIPANT_SID, CREATED], "bfpgj"),
        "onParticipantUpdate" | "onParticipantRemove" => {
            (PARTICIPANT.to_vec(), &[PARTICIPANT_SID, CREATED, UPDATED], "bfpgj")
        }
        "onParticipantUpdated" => (
            PARTICIPANT.to_vec(),
            &[PARTICIPANT_SID, CREATED, UPDATED, ("LastReadMessageIndex", Int, "f")],
            "bfpgj",
        ),
        "onParticipantRemoved" => {
            (PARTICIPANT.to_vec(), &[PARTICIPANT_SID, CREATED, UPDATED, REMOVED], "bfpgj")
        }
        "onUserAdded" => (USER.to_vec(), &[CREATED], "bfr"),
        "onUserUpdate" => (USER.to_vec(), &[UPDATED], "bfr"),
        "onUserUpdated" => {
            (USER.to_vec(), &[CREATED, UPDATED, ("isOnline", Bool, "r"), ("isNotifiable", Bool, "n")], "bfr")
        }
        "onDeliveryUpdated" => (
            Vec::new(),
            &[
                ("ConversationSid", Id("CH"), ""),
                MESSAGE_SID,
                ("DeliveryReceiptSid", Id("DY"), ""),
                ("ChannelMessageSid", Id("SM"), "e"),
                PARTICIPANT_SID,
                ("Status", Text, ""),
                ("ErrorCode", Int, "e"),
                CREATED,
                UPDATED,
            ],
            "pe",
        ),
        other => panic!("{other} has no table"),
    };
    ([&COMMON[..], &rows, more].concat(), cases)
}

fn is(kind: Kind, value: &str) -> bool {
    match kind {
        Text => !value.is_empty(),
        Id(prefix) => {
            let digits = value.strip_prefix(prefix).unwrap_or_default();
            digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        Json => serde_json::from_str::<serde_json::Value>(value).is_ok(),
        Date => value.len() == 24 && value.ends_with('Z') && &value[19..20] == ".",
        Int => value.parse::<i64>().is_ok(),
        Bool => matches!(value, "true" | "false"),
    }
}

/// What is wrong with an event that came in this case: event and parameter.
fn wrong(case: char, told: &Received) -> Vec<String> {
    let event = told.get("EventType").unwrap_or_default();
    let pairs = told.pairs();
    let mut wrong = Vec::new();
    let (rows, _) = table(&event);
    for (name, kind, cases) in &rows {
        let is_expected = cases.is_empty() || cases.contains(case);
        match (told.get(name), is_expected) {
            (None, true) => wrong.push(format!("{event} ({case}): {name} is missing")),
            (Some(value), true) if !is(*kind, &value) => {
                wrong.push(format!("{event} ({case}): {name} is {value:?}"));
            }
            (Some(value), false) => wrong.push(format!("{event} ({case}): {name} is there, {value:?}")),
            _ => {}
        }
    }
    for (name, _) in &pairs {
        if !rows.iter().any(|(there, _, _)| there == name) {
            wrong.push(format!("{event} ({case}): {name} is in no table"));
        }
    }
    for (name, expected) in [("Source", "API"), ("AccountSid", testkit::ACCOUNT_SID), ("RetryCount", "0")] {
        if told.get(name).as_deref() != Some(expected) {
            wrong.push(format!("{event} ({case}): {name} is {:?}", told.get(name)));
        }
    }
    wrong
}

/// A server whose webhook hears of everything before and after.
struct Stage<'a> {
    house: &'a House,
    receiver: &'a Receiver,
    seen: BTreeSet<(String, char)>,
    wrong: Vec<String>,
}

impl Stage<'_> {
    /// POST that webhooks hear of.
    async fn post(&self, path: &str, form: &str) -> Reply {
        let request = http::Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-twilio-webhook-enabled", "true");
        let reply = self.house.send(request, form).await;
        assert!(reply.status.is_success(), "{path} {form}: {}", reply.text());
        reply
    }

    async fn delete(&self, path: &str) {
        let request = http::Request::delete(path).header("x-twilio-webhook-enabled", "true");
        assert_eq!(self.house.send(request, "").await.code(), "204", "{path}");
    }

    /// Judges what has come since the last time, all of it in this case.
    async fn judge(&mut self, case: char) {
        self.house.deliver().await;
        for told in self.receiver.take() {
            self.wrong.extend(wrong(case, &told));
            self.seen.insert((told.get("EventType").unwrap_or_default(), case));
        }
    }

    /// Judges as another case what is not looked at here.
    async fn skip(&self) {
        self.house.deliver().await;
        self.receiver.take();
    }

    async fn conversations(&mut self) {
        for (case, made, changed) in [
            ('b', "", "Attributes={\"a\":1}"),
            (
                'f',
                "FriendlyName=Desk&UniqueName=desk&MessagingServiceSid=MG00000000000000000000000000000001",
                "FriendlyName=Table",
            ),
        ] {
            let path = format!("/v1/Conversations/{}", self.post("/v1/Conversations", made).await.sid());
            self.post(&path, changed).await;
            self.post(&path, "State=inactive").await;
            self.delete(&path).await;
            self.judge(case).await;
        }
    }

    async fn messages(&mut self) {
        let path = super::conversation(self.house).await;
        self.house.post(&format!("{path}/Participants"), "Identity=alice").await;
        let phone = "MessagingBinding.Address=%2B15550001&MessagingBinding.ProxyAddress=%2B15559999";
        self.house.post(&format!("{path}/Participants"), phone).await;
        let service = self.house.get("/v1/Configuration").await.field("default_chat_service_sid");
        let upload = http::Request::post(format!("/v1/Services/{service}/Media?Filename=cat.png"))
            .header("content-type", "image/png");
        let media = self.house.send(upload, "a picture").await.sid();
        let file = format!("MediaSid={media}");
        for (case, form) in [
            ('b', "Body=hi"),
            ('f', "Body=hi&Author=alice&Attributes={\"a\":1}"),
            ('m', file.as_str()),
            ('p', "Body=hi&Author=%2B15550001"),
        ] {
            let messages = format!("{path}/Messages");
            let message = format!("{messages}/{}", self.post(&messages, form).await.sid());
            self.post(&message, "Attributes={\"b\":2}").await;
            self.delete(&message).await;
            self.judge(case).await;
        }
    }

    async fn participants(&mut self) {
        let path = super::conversation(self.house).await;
        for (case, form, update) in [
            ('b', "Identity=alice", "Attributes={\"a\":1}"),
            ('f', "Identity=bob&Attributes={\"a\":1}", "LastReadMessageIndex=3"),
            (
                'p',
                "MessagingBinding.Address=%2B15550006&MessagingBinding.ProxyAddress=%2B15559999",
                "Attributes={}",
            ),
        ] {
            self.participant(case, &path, form, update).await;
        }
        let group = super::conversation(self.house).await;
        self.house.post(&format!("{group}/Participants"), "MessagingBinding.Address=%2B15550002").await;
        self.house.post(&format!("{group}/Participants"), "MessagingBinding.Address=%2B15550003").await;
        let lent = "Identity=carol&MessagingBinding.ProjectedAddress=%2B15559998";
        self.participant('j', &group, lent, "Attributes={\"a\":1}").await;
        self.participant('g', &group, "MessagingBinding.Address=%2B15550004", "Attributes={\"a\":1}").await;
    }

    async fn participant(&mut self, case: char, path: &str, form: &str, update: &str) {
        // The user is there before, so that its own event is not among these.
        if let Some(identity) = form.strip_prefix("Identity=") {
            let identity = identity.split('&').next().unwrap_or_default();
            self.house.post("/v1/Users", &format!("Identity={identity}")).await;
        }
        let participants = format!("{path}/Participants");
        let one = format!("{participants}/{}", self.post(&participants, form).await.sid());
        self.post(&one, update).await;
        self.delete(&one).await;
        self.judge(case).await;
    }

    async fn users(&mut self) {
        let service =
            format!("/v1/Services/{}", self.house.post("/v1/Services", "FriendlyName=Shop").await.sid());
        for (case, users, form) in [
            ('b', "/v1/Users".to_owned(), "Identity=dan"),
            ('f', "/v1/Users".to_owned(), "Identity=erin&FriendlyName=Erin"),
            ('r', format!("{service}/Users"), "Identity=frank"),
        ] {
            if case == 'r' {
                self.house.post(&format!("{service}/Configuration"), "ReachabilityEnabled=true").await;
            }
            let user = format!("{users}/{}", self.post(&users, form).await.sid());
            self.post(&user, "Attributes={\"a\":1}").await;
            self.judge(case).await;
        }
    }

    async fn receipts(&mut self) {
        let path = super::conversation(self.house).await;
        let phone = "MessagingBinding.Address=%2B15550005&MessagingBinding.ProxyAddress=%2B15559999";
        self.house.post(&format!("{path}/Participants"), phone).await;
        let message =
            format!("{path}/Messages/{}", self.house.post(&format!("{path}/Messages"), "Body=x").await.sid());
        let receipts = self.house.get(&format!("{message}/Receipts")).await.get("delivery_receipts");
        let receipt = receipts[0]["sid"].as_str().expect("one was opened").to_owned();
        self.skip().await;
        let name = format!("SM{}", "1".repeat(32));
        for (case, status, error_code, name) in
            [('p', Status::Sent, None, None), ('e', Status::Failed, Some(30001), Some(name))]
        {
            let told = Progress { status: Some(status), error_code, channel_message_sid: name };
            self.move_status(&path, &receipt, told).await;
            self.judge(case).await;
        }
    }

    async fn move_status(&self, path: &str, receipt: &str, told: Progress) {
        let service = self.house.get("/v1/Configuration").await.field("default_chat_service_sid");
        let service = Sid::parse(&service).expect("a sid");
        let conversation = path.rsplit('/').next().and_then(Sid::parse).expect("a sid");
        let receipt = Sid::<Receipt>::parse(receipt).expect("a sid");
        let account = Sid::parse(testkit::ACCOUNT_SID).expect("a sid");
        let ids = self.house.ids.clone();
        let moved = self.house.app.store().write::<_, Failure>(store::Roots::none(), move |tx| {
            move_status(tx, &Cause::of_server(account, service, &*ids), conversation, receipt, &told)
        });
        moved.await.map_err(|failure| format!("{failure:?}")).expect("the store writes");
    }
}

#[tokio::test]
async fn every_event_has_its_parameters_and_no_others() {
    let receiver = Receiver::start().await;
    let webhooks = WebhookSettings { rest_pre_hooks: true, ..webhooks_inside() };
    on_both_with(Settings { webhooks, ..Settings::default() }, async |house| {
        let filters = EVENT_TYPES.join("&Filters=");
        let url = receiver.url();
        let form = format!("PreWebhookUrl={url}&PostWebhookUrl={url}&Filters={filters}");
        assert_eq!(house.post("/v1/Configuration/Webhooks", &form).await.code(), "200");
        let mut stage = Stage { house, receiver: &receiver, seen: BTreeSet::new(), wrong: Vec::new() };
        stage.conversations().await;
        stage.messages().await;
        stage.participants().await;
        stage.users().await;
        stage.receipts().await;
        let Stage { seen, mut wrong, .. } = stage;
        for event in EVENT_TYPES {
            let (_, cases) = table(event);
            for case in cases.chars().filter(|case| !seen.contains(&(event.to_owned(), *case))) {
                wrong.push(format!("{event} ({case}) was never told"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}
