//! Many rows, by SQL for the sake of speed: copies of what was made over HTTP.

use conversations::bindings::BindingType;
use conversations::heads::Head;
use conversations::memberships::Membership;
use conversations::{Conversation, Message, Participant, User};
use store::{Cell, Record, Roots, StoreError, Tx, Value};
use testkit::{ACCOUNT_SID, House, is_full};
use wire::{Prefix, Sid};

use crate::rest::{bindings, conversation};

/// What there is, and how many of it.
pub struct Town {
    /// Conversations, and messages of `room`.
    pub many: u32,
    pub closed: u32,
    /// Of everything else.
    pub some: u32,
    pub few: u32,
    /// Conversations that alice and a phone are in.
    pub joined: u32,
    /// Conversations that bob is in.
    pub bobs: u32,
    pub room: String,
    pub message: String,
    pub service: String,
}

/// A value that differs from the template's.
#[derive(Clone, Debug)]
pub enum Fill {
    Sid([u8; 16]),
    Number(i64),
    Text(String),
}

impl Value for Fill {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Sid(sid) => Cell::Bytes(sid),
            Self::Number(number) => Cell::Int(*number),
            Self::Text(text) => Cell::Text(text),
        }
    }
}

pub type Values = Vec<(&'static str, Fill)>;

/// A sid for each number, in an order that is not the numbers'.
pub fn sid(number: u32) -> [u8; 16] {
    let mut sid = [0xC0; 16];
    sid[4..8].copy_from_slice(&number.reverse_bits().to_be_bytes());
    sid[12..].copy_from_slice(&number.to_be_bytes());
    sid
}

/// Ten of each second.
fn date(number: u32) -> i64 {
    1_767_225_600_000_000 + i64::from(number / 10) * 1_000_000
}

/// Writes in chunks of some thousand.
async fn write(
    house: &House,
    numbers: impl Iterator<Item = u32>,
    work: impl Fn(&mut Tx<'_>, u32) -> Result<(), StoreError> + Copy + Send + 'static,
) {
    let numbers: Vec<u32> = numbers.collect();
    for chunk in numbers.chunks(2_000).map(<[u32]>::to_vec) {
        let work = move |tx: &mut Tx<'_>| chunk.iter().try_for_each(|number| work(tx, *number));
        house.app.store().write::<_, StoreError>(Roots::none(), work).await.expect("the rows are stored");
    }
}

/// Copies the row that has `key`, for each number with other values.
pub async fn copy(
    house: &House,
    (table, columns): (&str, &str),
    (key, numbers): (Values, impl Iterator<Item = u32>),
    differs: impl Fn(u32) -> Values + Copy + Send + 'static,
) {
    let given = differs(0);
    let place = |column: &str| given.iter().position(|(name, _)| *name == column).map(|at| at + 1);
    let columns: Vec<&str> = columns.split(',').map(str::trim).filter(|name| *name != "number").collect();
    let values: Vec<String> = columns
        .iter()
        .map(|column| place(column).map_or_else(|| (*column).to_owned(), |at| format!("${at}")))
        .collect();
    let of_key: Vec<String> =
        key.iter().zip(given.len() + 1..).map(|((column, _), at)| format!("{column} = ${at}")).collect();
    let sql = format!(
        "INSERT INTO {table} ({}) SELECT {} FROM {table} WHERE {}",
        columns.join(", "),
        values.join(", "),
        of_key.join(" AND ")
    );
    let numbers: Vec<u32> = numbers.collect();
    for chunk in numbers.chunks(2_000).map(<[u32]>::to_vec) {
        let (sql, key) = (sql.clone(), key.clone());
        let work = move |tx: &mut Tx<'_>| {
            for number in &chunk {
                let values = differs(*number);
                let params: Vec<&dyn Value> =
                    values.iter().chain(&key).map(|(_, value)| value as &dyn Value).collect();
                tx.put(&sql, &params)?;
            }
            Ok::<_, StoreError>(())
        };
        house.app.store().write(Roots::none(), work).await.expect("the rows are stored");
    }
}

pub fn of<R: Record>() -> (&'static str, &'static str) {
    (R::TABLE, R::COLUMNS)
}

/// The bytes of a sid at the end of a path, or alone.
pub fn bytes<R: Prefix>(text: &str) -> [u8; 16] {
    let text = text.rsplit('/').next().unwrap_or_default();
    *Sid::<R>::parse(text).expect("a sid").as_bytes()
}

fn key_of<R: Prefix>(text: &str) -> Values {
    vec![("sid", Fill::Sid(bytes::<R>(text)))]
}

/// What most lists are ordered by.
fn by_date(number: u32) -> Values {
    let date = Fill::Number(date(number));
    vec![("sid", Fill::Sid(sid(number))), ("date_created", date)]
}

pub async fn post(house: &House, path: &str, form: &str) -> testkit::Reply {
    let reply = house.post(path, form).await;
    assert_eq!(reply.code(), "201", "{path} {form}: {}", reply.text());
    reply
}

const RECEIPT: &str = "INSERT INTO receipts (message_key, participant_sid, sid, conversation_sid, message_sid, \
     date_created, date_updated) SELECT key, $1, $1, conversation_sid, sid, date_created, date_updated \
     FROM messages WHERE sid = $2";

/// Whether this one of many is deleted again. What hangs on a conversation stays, as it does until
/// housekeeping comes by.
fn is_deleted(number: u32) -> bool {
    number % 10 == 3
}

/// How many must be made so that this many are left.
fn with_deleted(left: u32) -> u32 {
    let mut numbers = (1..).filter(|number| !is_deleted(*number));
    numbers.nth(left as usize - 1).expect("there is no last number")
}

pub async fn fill(house: &House) -> Town {
    let (many, some) = if is_full() { (100_000, 10_000) } else { (5_000, 400) };
    // With the lobby and the room as many as are wanted.
    let numbers = || (1..=with_deleted(many - 2)).filter(|number| !is_deleted(*number));
    let lobby = conversations(house, with_deleted(many - 2)).await;
    house.post("/v1/Users", "Identity=bob").await;
    let bobs = bob(house, &lobby).await;
    let room = conversation(house).await;
    post(house, &format!("{room}/Participants"), "Identity=carol").await;
    let carol = post(house, &format!("{room}/Participants"), "Identity=dave").await;
    let key = vec![
        ("conversation_sid", Fill::Sid(bytes::<Conversation>(&room))),
        ("sid", Fill::Sid(bytes::<Participant>(&carol.sid()))),
    ];
    // Two are there already; so it is below.
    copy(house, of::<Participant>(), (key, 3..=some), |number| {
        vec![
            ("sid", Fill::Sid(sid(number))),
            ("identity", Fill::Text(format!("guest-{number}"))),
            ("position_added", Fill::Number(i64::from(number) + 1_000)),
        ]
    })
    .await;
    let message = messages(house, &room, many).await;
    let of_message = bytes::<Message>(&message);
    write(house, 1..=some, move |tx, number| tx.put(RECEIPT, &[&sid(number), &of_message])).await;
    others(house, &room, some).await;
    let service = devices(house, some).await;
    Town {
        closed: u32::try_from(numbers().filter(|number| number % 3 == 2).count()).expect("some thousand"),
        many,
        some,
        few: 60,
        joined: many - 1,
        bobs,
        message: format!("{room}/Messages/{message}"),
        room,
        service,
    }
}

/// Conversations, alice and a phone in each; the path of the one they are copied from.
async fn conversations(house: &House, many: u32) -> String {
    let lobby = conversation(house).await;
    let of_lobby = bytes::<Conversation>(&lobby);
    let alice = post(house, &format!("{lobby}/Participants"), "Identity=alice").await;
    let pair = "MessagingBinding.Address=%2B15558675310&MessagingBinding.ProxyAddress=%2B15017122661";
    let phone = post(house, &format!("{lobby}/Participants"), pair).await;
    let key = || vec![("sid", Fill::Sid(of_lobby))];
    copy(house, of::<Conversation>(), (key(), 1..=many), by_date).await;
    let columns = format!("{}, active_second", Head::COLUMNS);
    copy(house, ("conversation_heads", &columns), (key(), 1..=many), |number| {
        vec![
            ("sid", Fill::Sid(sid(number))),
            ("state", Fill::Number(i64::from(number % 3))),
            ("last_activity", Fill::Number(date(number))),
            ("active_second", Fill::Number(date(number) / 1_000_000)),
        ]
    })
    .await;
    for participant in [&alice, &phone] {
        let key = vec![
            ("conversation_sid", Fill::Sid(of_lobby)),
            ("sid", Fill::Sid(bytes::<Participant>(&participant.sid()))),
        ];
        copy(house, of::<Participant>(), (key, 1..=many), |number| {
            vec![("conversation_sid", Fill::Sid(sid(number)))]
        })
        .await;
    }
    let user = house.get("/v1/Users/alice").await.sid();
    let key = vec![("user_sid", Fill::Sid(bytes::<User>(&user))), ("conversation_sid", Fill::Sid(of_lobby))];
    copy(house, of::<Membership>(), (key, 1..=many), |number| {
        vec![("conversation_sid", Fill::Sid(sid(number)))]
    })
    .await;
    write(house, (1..=many).filter(|number| is_deleted(*number)), |tx, number| {
        tx.put("DELETE FROM conversations WHERE sid = $1", &[&sid(number)])?;
        tx.put("DELETE FROM conversation_heads WHERE sid = $1", &[&sid(number)])
    })
    .await;
    lobby
}

/// Puts bob into as many conversations as anybody may be in; tells how many of them are there.
async fn bob(house: &House, lobby: &str) -> u32 {
    let user = bytes::<User>(&house.get("/v1/Users/bob").await.sid());
    let alice = bytes::<User>(&house.get("/v1/Users/alice").await.sid());
    let key =
        vec![("user_sid", Fill::Sid(alice)), ("conversation_sid", Fill::Sid(bytes::<Conversation>(lobby)))];
    copy(house, of::<Membership>(), (key, 1..=1_000), move |number| {
        vec![("user_sid", Fill::Sid(user)), ("conversation_sid", Fill::Sid(sid(number)))]
    })
    .await;
    900
}

/// Copies the first message of a conversation, each with the next index; the key of that first one.
pub async fn copy_messages(house: &House, template: [u8; 16], numbers: impl Iterator<Item = u32>) -> i64 {
    let key = move |tx: &mut Tx<'_>| {
        let sql = "SELECT key FROM messages WHERE sid = $1";
        tx.row(sql, &[&template], crate::conformance::one::<i64>)
    };
    let first = house.app.store().read::<_, StoreError>(key).await.expect("the store reads").expect("a key");
    copy(house, of::<Message>(), (vec![("sid", Fill::Sid(template))], numbers), move |number| {
        vec![("sid", Fill::Sid(sid(number))), ("key", Fill::Number(first + i64::from(number)))]
    })
    .await;
    first
}

/// Messages of the room; the sid of one of them.
async fn messages(house: &House, room: &str, many: u32) -> String {
    let message = post(house, &format!("{room}/Messages"), "Body=x").await.sid();
    let last = with_deleted(many - 1);
    let first = copy_messages(house, bytes::<Message>(&message), 1..=last).await;
    write(house, (1..=last).filter(|number| is_deleted(*number)), move |tx, number| {
        tx.put("DELETE FROM messages WHERE key = $1", &[&(first + i64::from(number))])
    })
    .await;
    message
}

/// What an account or a service has beside its conversations.
async fn others(house: &House, room: &str, some: u32) {
    let hook = "Target=webhook&Configuration.Url=https://example.com&Configuration.Filters=onMessageAdded";
    let hook = post(house, &format!("{room}/Webhooks"), hook).await.sid();
    let key = vec![
        ("conversation_sid", Fill::Sid(bytes::<Conversation>(room))),
        ("sid", Fill::Sid(bytes::<conversations::conversation_webhooks::Webhook>(&hook))),
    ];
    copy(house, of::<conversations::conversation_webhooks::Webhook>(), (key, 1..=59), |number| {
        vec![("sid", Fill::Sid(sid(number))), ("position_added", Fill::Number(i64::from(number) + 1_000))]
    })
    .await;
    // alice, bob, carol and dave
    let bob = house.get("/v1/Users/bob").await.sid();
    copy(house, of::<User>(), (key_of::<User>(&bob), 5..=some), |number| {
        let mut values = by_date(number);
        values.push(("identity", Fill::Text(format!("user-{number}"))));
        values
    })
    .await;
    let role = "FriendlyName=r&Type=conversation&Permission=sendMessage";
    let role = post(house, "/v1/Roles", role).await.sid();
    // Those that every service has, and this one.
    copy(
        house,
        of::<conversations::roles::Stored>(),
        (key_of::<conversations::Role>(&role), 6..=some),
        by_date,
    )
    .await;
    let credential = post(house, "/v1/Credentials", "Type=fcm&Secret=s").await.sid();
    let key = key_of::<conversations::push_credentials::PushCredential>(&credential);
    copy(house, of::<conversations::push_credentials::PushCredential>(), (key, 2..=some), by_date).await;
    let address = "Type=sms&Address=%2B15017122661";
    let address = post(house, "/v1/Configuration/Addresses", address).await.sid();
    let key = key_of::<conversations::address_configurations::AddressConfiguration>(&address);
    copy(
        house,
        of::<conversations::address_configurations::AddressConfiguration>(),
        (key, 2..=some),
        by_date,
    )
    .await;
    let keys = format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Keys.json");
    let made = post(house, &keys, "FriendlyName=k").await.sid();
    let key = key_of::<conversations::ApiKey>(&made);
    copy(house, of::<conversations::ApiKey>(), (key, 2..=some), by_date).await;
}

/// A service with devices, among many services; its sid.
async fn devices(house: &House, some: u32) -> String {
    let service = bindings::service_of(house, &["alice"]).await;
    let device = bindings::register(house, &service, "alice", (BindingType::Fcm, "a-device")).await;
    let key = key_of::<conversations::bindings::Binding>(&device);
    copy(house, of::<conversations::bindings::Binding>(), (key, 2..=some), |number| {
        let mut values = by_date(number);
        values.push(("endpoint", Fill::Text(format!("device-{number}"))));
        values
    })
    .await;
    // The default service is there already.
    let key = key_of::<conversations::Service>(&service);
    copy(house, of::<conversations::Service>(), (key, 3..=some), by_date).await;
    service
}
