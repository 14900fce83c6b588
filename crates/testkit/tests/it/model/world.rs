//! The model: what the server should answer, kept in plain memory.

use std::collections::BTreeSet;

use conversations::Failure;
use conversations::accounts::{self, CreateAccount};
use testkit::{ACCOUNT_SID, AUTH_TOKEN, House};

use super::operations::{NAMES, Of, Operation, PAIRS, PEOPLE, PLACES, Rename, STATES};
use super::question::ask;

/// A service of an account, with all that was ever made in it.
struct Place {
    account: usize,
    credentials: String,
    /// `/v1` or `/v1/Services/IS...`.
    path: String,
    users: BTreeSet<usize>,
    conversations: Vec<Conversation>,
}

struct Conversation {
    sid: String,
    is_there: bool,
    state: usize,
    name: Option<usize>,
    participants: Vec<Participant>,
    messages: Vec<Message>,
    next_index: i64,
    /// When it was last active, in operations.
    activity: usize,
}

struct Participant {
    who: Who,
    read: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Person(usize),
    Phone(usize),
}

struct Message {
    sid: String,
    index: i64,
    author: Option<usize>,
}

pub struct World {
    places: Vec<Place>,
    now: usize,
}

impl World {
    /// The house's own account with its default service and another one, and a second account.
    pub async fn new(house: &House) -> Self {
        let ids = house.ids.clone();
        let other = house.app.store().write::<_, Failure>(store::Roots::none(), move |tx| {
            let vault = conversations::Vault::new(&[7; 32]);
            accounts::create(tx, &*ids, &vault, &CreateAccount::default())
        });
        let other = other.await.expect("the account is made");
        let service = house.post("/v1/Services", "FriendlyName=other").await.sid();
        let own = format!("{ACCOUNT_SID}:{AUTH_TOKEN}");
        let theirs = format!("{}:{}", other.account.sid, other.auth_token);
        let place = |account, credentials: &str, path: String| Place {
            account,
            credentials: credentials.to_owned(),
            path,
            users: BTreeSet::new(),
            conversations: Vec::new(),
        };
        let places = vec![
            place(0, &own, "/v1".to_owned()),
            place(0, &own, format!("/v1/Services/{service}")),
            place(1, &theirs, "/v1".to_owned()),
        ];
        assert_eq!(places.len(), PLACES);
        let mut world = Self { places, now: 0 };
        // Somewhere to meet from the beginning.
        for at in (0..PLACES).chain(0..PLACES) {
            house.clock.advance_seconds(1);
            let operation = Operation::CreateConversation { at, name: None, state: None };
            let question = world.question(&operation);
            world.expect(&operation);
            let (_, sid) = ask(house, world.door(at), &question, &operation).await;
            world.learn(&operation, sid.expect("it is made"));
        }
        world
    }

    /// The n-th conversation that was made at a place; past the last it begins anew.
    fn place_of(&self, of: Of) -> usize {
        of.number % self.places[of.made_at].conversations.len()
    }

    /// What the answer should be. Changes the model.
    pub fn expect(&mut self, operation: &Operation) -> String {
        self.now += 1;
        match operation {
            Operation::CreateConversation { at, name, state } => self.create(*at, *name, *state),
            Operation::UpdateConversation { of, name, state } => self.update(*of, *name, *state),
            Operation::DeleteConversation { of } => self.with(*of, |conversation| {
                conversation.is_there = false;
                "204".to_owned()
            }),
            Operation::FetchConversation { of } => {
                self.with(*of, |conversation| format!("200 {}", conversation.shown()))
            }
            Operation::ListConversations { at, state } => self.list(*at, *state),
            Operation::AddPerson { of, who } => self.add_person(*of, *who),
            Operation::AddPhone { of, pair } => self.add_phone(*of, *pair),
            Operation::RemovePerson { of, who } => self.with(*of, |conversation| conversation.remove(*who)),
            Operation::ReadUpTo { of, who, index } => {
                self.with(*of, |conversation| conversation.read_up_to(*who, *index))
            }
            Operation::ListParticipants { of } => self.with(*of, |conversation| {
                let listed = conversation.participants.iter().map(Participant::shown).collect::<Vec<_>>();
                format!("200 {}", listed.join(","))
            }),
            Operation::Say { of, author } => {
                let now = self.now;
                self.with(*of, |conversation| conversation.say(*author, now))
            }
            Operation::Unsay { of, number } => self.with(*of, |conversation| conversation.unsay(*number)),
            Operation::ListMessages { of, newest_first } => self.with(*of, |conversation| {
                let mut listed: Vec<_> = conversation.messages.iter().map(Message::shown).collect();
                if *newest_first {
                    listed.reverse();
                }
                format!("200 {}", listed.join(","))
            }),
            Operation::CreateUser { at, who } => {
                let is_new = self.places[*at].users.insert(*who);
                if is_new { "201" } else { "409 50201" }.to_owned()
            }
            Operation::DeleteUser { at, who } => self.delete_user(*at, *who),
            Operation::FetchUserConversation { of, who } => {
                let who = *who;
                self.with_member(*of, who, move |conversation| format!("200 {}", conversation.seen_by(who)))
            }
            Operation::ListUserConversations { at, who } => self.list_of_user(*at, *who),
            Operation::LeaveConversation { of, who } => {
                let who = *who;
                self.with_member(*of, who, move |conversation| conversation.remove(who))
            }
        }
    }

    fn with(&mut self, of: Of, act: impl FnOnce(&mut Conversation) -> String) -> String {
        let number = self.place_of(of);
        let conversation = &mut self.places[of.made_at].conversations[number];
        if of.asked_at == of.made_at && conversation.is_there {
            act(conversation)
        } else {
            "404 20404".to_owned()
        }
    }

    fn with_member(&mut self, of: Of, who: usize, act: impl FnOnce(&mut Conversation) -> String) -> String {
        self.with(of, |conversation| match conversation.find(who) {
            Some(_) => act(conversation),
            None => "404 20404".to_owned(),
        })
    }

    fn name_is_taken(&self, at: usize, name: usize) -> bool {
        self.places[at].conversations.iter().any(|one| one.is_there && one.name == Some(name))
    }

    fn create(&mut self, at: usize, name: Option<usize>, state: Option<usize>) -> String {
        if state == Some(2) {
            return "400 50384".to_owned();
        }
        if name.is_some_and(|name| self.name_is_taken(at, name)) {
            return "409 50353".to_owned();
        }
        let conversation = Conversation {
            sid: String::new(),
            is_there: true,
            state: state.unwrap_or(0),
            name,
            participants: Vec::new(),
            messages: Vec::new(),
            next_index: 0,
            activity: self.now,
        };
        let shown = format!("201 {}", conversation.shown());
        self.places[at].conversations.push(conversation);
        shown
    }

    fn update(&mut self, of: Of, rename: Rename, state: Option<usize>) -> String {
        let is_taken = matches!(rename, Rename::To(name) if self.name_is_taken(of.made_at, name));
        self.with(of, |conversation| {
            if conversation.state == 2 {
                return "400 50377".to_owned();
            }
            conversation.name = match rename {
                Rename::Keep => conversation.name,
                Rename::Clear => None,
                Rename::To(name) if is_taken && conversation.name != Some(name) => {
                    return "409 50353".to_owned();
                }
                Rename::To(name) => Some(name),
            };
            conversation.state = state.unwrap_or(conversation.state);
            format!("200 {}", conversation.shown())
        })
    }

    fn list(&self, at: usize, state: Option<usize>) -> String {
        let mut listed: Vec<_> = self.places[at].conversations.iter().filter(|one| one.is_there).collect();
        listed.retain(|one| state.is_none_or(|state| one.state == state));
        listed.sort_by_key(|one| std::cmp::Reverse(one.activity));
        format!("200 {}", listed.iter().map(|one| one.shown()).collect::<Vec<_>>().join(","))
    }

    fn list_of_user(&self, at: usize, who: usize) -> String {
        if !self.places[at].users.contains(&who) {
            return "404 20404".to_owned();
        }
        let mut listed: Vec<_> = self.places[at].conversations.iter().filter(|one| one.is_there).collect();
        listed.retain(|one| one.find(who).is_some());
        listed.sort_by_key(|one| std::cmp::Reverse(one.activity));
        format!("200 {}", listed.iter().map(|one| one.seen_by(who)).collect::<Vec<_>>().join(","))
    }

    fn add_person(&mut self, of: Of, who: usize) -> String {
        let told = self.with(of, |conversation| {
            if conversation.state == 2 {
                return "400 50377".to_owned();
            }
            if conversation.find(who).is_some() {
                return "409 50433".to_owned();
            }
            conversation.participants.push(Participant { who: Who::Person(who), read: None });
            "201".to_owned()
        });
        if told == "201" {
            self.places[of.made_at].users.insert(who);
        }
        told
    }

    fn add_phone(&mut self, of: Of, pair: usize) -> String {
        let account = self.places[of.made_at].account;
        let has_it = |one: &Conversation| {
            one.is_there && one.state != 2 && one.participants.iter().any(|p| p.who == Who::Phone(pair))
        };
        let of_account = self.places.iter().filter(|place| place.account == account);
        let is_taken = of_account.flat_map(|place| &place.conversations).any(has_it);
        self.with(of, |conversation| {
            if conversation.state == 2 {
                return "400 50377".to_owned();
            }
            if is_taken {
                return "409 50416".to_owned();
            }
            conversation.participants.push(Participant { who: Who::Phone(pair), read: None });
            "201".to_owned()
        })
    }

    fn delete_user(&mut self, at: usize, who: usize) -> String {
        if !self.places[at].users.remove(&who) {
            return "404 20404".to_owned();
        }
        for conversation in &mut self.places[at].conversations {
            conversation.remove(who);
        }
        "204".to_owned()
    }

    /// Remembers the sid that the server has given to what was made last.
    pub fn learn(&mut self, operation: &Operation, sid: String) {
        match operation {
            Operation::CreateConversation { at, .. } => {
                if let Some(last) = self.places[*at].conversations.last_mut() {
                    last.sid = sid;
                }
            }
            Operation::Say { of, .. } => {
                let number = self.place_of(*of);
                if let Some(last) = self.places[of.made_at].conversations[number].messages.last_mut() {
                    last.sid = sid;
                }
            }
            _ => {}
        }
    }

    /// A conversation's sid.
    pub fn conversation(&self, of: Of) -> &str {
        &self.places[of.made_at].conversations[self.place_of(of)].sid
    }

    /// The sid of the n-th message that is there.
    pub fn message(&self, of: Of, number: usize) -> Option<&str> {
        let conversation = &self.places[of.made_at].conversations[self.place_of(of)];
        conversation.messages.get(number).map(|message| message.sid.as_str())
    }

    /// Whose credentials, and below which path.
    pub fn door(&self, at: usize) -> (&str, &str) {
        (&self.places[at].credentials, &self.places[at].path)
    }
}

impl Conversation {
    fn find(&self, who: usize) -> Option<&Participant> {
        self.participants.iter().find(|one| one.who == Who::Person(who))
    }

    fn remove(&mut self, who: usize) -> String {
        let before = self.participants.len();
        self.participants.retain(|one| one.who != Who::Person(who));
        if self.participants.len() < before { "204" } else { "404 20404" }.to_owned()
    }

    fn read_up_to(&mut self, who: usize, index: Option<i64>) -> String {
        let is_closed = self.state == 2;
        let Some(one) = self.participants.iter_mut().find(|one| one.who == Who::Person(who)) else {
            return "404 20404".to_owned();
        };
        match index {
            Some(index) if index < 0 => "400 50421".to_owned(),
            _ if is_closed => "400 50377".to_owned(),
            _ => {
                one.read = index;
                format!("200 {}", one.shown())
            }
        }
    }

    fn say(&mut self, author: Option<usize>, now: usize) -> String {
        if self.state == 2 {
            return "400 50377".to_owned();
        }
        self.state = 0;
        self.activity = now;
        let message = Message { sid: String::new(), index: self.next_index, author };
        self.next_index += 1;
        let shown = format!("201 {}", message.shown());
        self.messages.push(message);
        shown
    }

    fn unsay(&mut self, number: usize) -> String {
        if number >= self.messages.len() {
            return "404 20404".to_owned();
        }
        if self.state == 2 {
            return "400 50377".to_owned();
        }
        self.messages.remove(number);
        "204".to_owned()
    }

    fn shown(&self) -> String {
        format!("{}:{}", STATES[self.state], self.name.map_or("-", |name| NAMES[name]))
    }

    fn seen_by(&self, who: usize) -> String {
        let read = self.find(who).and_then(|one| one.read);
        let unread = read.map(|read| self.messages.iter().filter(|message| message.index > read).count());
        format!("{}:{}:{}", self.shown(), number(read), number(unread))
    }
}

impl Participant {
    fn shown(&self) -> String {
        let who = match self.who {
            Who::Person(who) => PEOPLE[who],
            Who::Phone(pair) => PAIRS[pair].0,
        };
        format!("{who}:{}", number(self.read))
    }
}

impl Message {
    fn shown(&self) -> String {
        format!("{}:{}", self.index, self.author.map_or("system", |who| PEOPLE[who]))
    }
}

/// As JSON has it.
fn number(number: Option<impl std::fmt::Display>) -> String {
    number.map_or("null".to_owned(), |number| number.to_string())
}
