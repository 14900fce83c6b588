//! What is filled in is what the product would have made.

use std::sync::Arc;

use conversations::accounts::{self, CreateAccount};
use conversations::heads::{self, Head};
use conversations::messages::MessageKey;
use conversations::{Failure, MIGRATIONS, Message, RandomIds, Vault};
use server::SystemClock;
use store::{Options, Record, Roots, Store, StoreError, Tx, Value};
use wire::{Key, Sid};

use super::messages::{ATTRIBUTES, BODY};
use super::people::{EVERYWHERE, member};
use super::{Filler, Place, Town};
use crate::server::ACCOUNT_SID;

async fn filler(store: &Store) -> Filler {
    let make = |tx: &mut Tx<'_>| {
        let form = CreateAccount { sid: Sid::parse(ACCOUNT_SID), ..CreateAccount::default() };
        let (ids, vault) = (RandomIds::default(), Vault::new(&[0; 32]));
        accounts::create_first(tx, &ids, &vault, &form).map(|_| ())
    };
    store.write::<_, Failure>(Roots::none(), make).await.expect("an account");
    Filler::of(store.clone(), None).await.expect("a filler")
}

/// All of a head but what differs between any two conversations.
fn counted(head: &Head) -> String {
    let Head { chat_service_sid, state, position, document_position, next_index, .. } = head;
    let Head { last_message_index, messages, participants, non_chat_participants, .. } = head;
    let Head { bound_participants, inactive_after, closed_after, date_inactive, date_closed, .. } = head;
    assert_eq!(head.last_message_at, Some(head.last_activity));
    format!(
        "{chat_service_sid} {state:?} {position} {document_position} {next_index} {last_message_index:?} \
         {messages} {participants} {non_chat_participants} {bound_participants} {inactive_after:?} \
         {closed_after:?} {date_inactive:?} {date_closed:?}"
    )
}

/// The rows of a conversation, without what differs between any two.
async fn rows(filler: &Filler, place: &Place) -> (String, Vec<String>) {
    let (service, sid) = (filler.call.service_sid, place.sid);
    let read = move |tx: &mut Tx<'_>| {
        let head = heads::find(tx, service, &Key::Sid(sid))?.expect("a head");
        let (first, end) = MessageKey::range(head.number);
        let messages = tx.list::<Message>("WHERE key >= $1 AND key < $2 ORDER BY key", &[&first, &end])?;
        Ok::<_, StoreError>((head, messages))
    };
    let (head, messages) = filler.store.read(read).await.expect("a read");
    let row = |message: Message| {
        assert_eq!((message.conversation_sid, message.date_updated), (head.sid, message.date_created));
        let speaker = place.speakers.iter().find(|(identity, _)| *identity == message.author);
        assert_eq!(message.participant_sid, speaker.map(|(_, participant)| *participant));
        let masked = Message {
            key: MessageKey::new(0, message.key.index()),
            sid: Sid::from_bytes([0; 16]),
            conversation_sid: Sid::from_bytes([0; 16]),
            author: String::new(),
            participant_sid: None,
            date_created: head.created_at,
            date_updated: head.created_at,
            ..message
        };
        let created_at = format!("{:?}", head.created_at.cell());
        let cells = masked.values().into_iter().map(|value| format!("{:?}", value.cell()));
        cells.filter(|cell| *cell != created_at).collect::<Vec<_>>().join(" ")
    };
    (counted(&head), messages.into_iter().map(row).collect())
}

/// Runs this on a filler of its own.
fn with_filler(work: impl AsyncFnOnce(&Filler)) {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options::new(Arc::new(SystemClock));
    let store = Store::open_sqlite(&folder.path().join("test.db"), MIGRATIONS, options).expect("a store");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { work(&filler(&store).await).await });
    store.close();
}

/// Creates messages in a conversation as REST does.
async fn create(filler: &Filler, place: &Place, count: usize) {
    for (author, _) in place.speakers.iter().cycle().take(count) {
        let values = vec![("ConversationSid", place.sid.to_string())];
        let form = [("Author", author.as_str()), ("Body", BODY), ("Attributes", ATTRIBUTES)];
        let template = "/Conversations/{ConversationSid}/Messages";
        filler.perform(template, values, &form).await.expect("a message");
    }
}

#[test]
fn a_message_that_was_filled_in_is_like_one_that_was_created() {
    const COUNT: usize = 7;
    with_filler(async |filler| {
        let mut town = Town::default();
        filler.settle_people(&mut town, 3).await.expect("people");
        // The first has one user more than the others: the second and the third are compared.
        create(filler, &town.conversations[1], COUNT).await;
        let made = filler.grow(&mut town, 3 * COUNT as u64, 0).await.expect("messages");
        filler.check().await.expect("counts agree");
        assert_eq!((made, town.messages()), (2 * COUNT as u64, 3 * COUNT as u64));
        let [created, made] = [&town.conversations[1], &town.conversations[2]];
        let (created, made) = (rows(filler, created).await, rows(filler, made).await);
        assert_eq!(created.1.len(), COUNT);
        assert_eq!(created, made);
        let users = filler.users(&[member(2), EVERYWHERE.to_owned()]).await.expect("users");
        assert!(users.iter().all(|sid| sid.starts_with("US")), "{users:?}");
    });
}

#[test]
fn what_a_server_has_made_meanwhile_is_counted_in() {
    with_filler(async |filler| {
        let mut town = Town::default();
        filler.settle_people(&mut town, 3).await.expect("people");
        filler.grow(&mut town, 6, 0).await.expect("messages");
        create(filler, &town.conversations[0], 5).await;
        create(filler, &town.conversations[1], 1).await;
        // The first has more by now than a third of these, and the second time more than it has to have.
        for (messages, deepest, expected) in [(15, 0, [7, 4, 4]), (19, 6, [7, 6, 6]), (12, 6, [7, 6, 6])] {
            filler.grow(&mut town, messages, deepest).await.expect("messages");
            filler.check().await.expect("counts agree");
            let counts: Vec<_> = town.conversations.iter().map(|place| place.messages).collect();
            assert_eq!(counts, expected);
        }
    });
}
