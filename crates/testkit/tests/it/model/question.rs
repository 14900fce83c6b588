//! An operation as a request to the server, and its answer in the model's words.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Request;
use serde_json::Value;
use testkit::{House, Reply};

use super::operations::{NAMES, Of, Operation, PAIRS, PEOPLE, Rename, STATES};
use super::world::World;

/// Where, how, which path, which form.
pub type Question = (usize, &'static str, String, String);

/// Puts a question and tells the answer as the model would; and the sid of what was made.
pub async fn ask(
    house: &House,
    (credentials, prefix): (&str, &str),
    (_, method, path, form): &Question,
    operation: &Operation,
) -> (String, Option<String>) {
    let request = Request::builder()
        .method(*method)
        .uri(format!("{prefix}{path}"))
        .header("authorization", format!("Basic {}", BASE64_STANDARD.encode(credentials)))
        .header("content-type", "application/x-www-form-urlencoded");
    let reply = house.send_as_is(request, form).await;
    if !reply.status.is_success() {
        return (reply.code(), None);
    }
    let sid = reply.json().get("sid").and_then(Value::as_str).map(str::to_owned);
    (told(operation, &reply), sid)
}

fn told(operation: &Operation, reply: &Reply) -> String {
    let body = reply.json();
    let (key, shown): (&str, fn(&Value) -> String) = match operation {
        Operation::CreateConversation { .. }
        | Operation::UpdateConversation { .. }
        | Operation::FetchConversation { .. } => ("", conversation),
        Operation::ListConversations { .. } => ("conversations", conversation),
        Operation::ReadUpTo { .. } => ("", participant),
        Operation::ListParticipants { .. } => ("participants", participant),
        Operation::Say { .. } => ("", message),
        Operation::ListMessages { .. } => ("messages", message),
        Operation::FetchUserConversation { .. } => ("", user_conversation),
        Operation::ListUserConversations { .. } => ("conversations", user_conversation),
        _ => return reply.code(),
    };
    let told = match body.get(key).and_then(Value::as_array) {
        Some(list) => list.iter().map(shown).collect::<Vec<_>>().join(","),
        None => shown(&body),
    };
    format!("{} {told}", reply.code())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or("-")
}

fn conversation(value: &Value) -> String {
    format!("{}:{}", text(value, "state"), text(value, "unique_name"))
}

fn user_conversation(value: &Value) -> String {
    let (read, unread) = (&value["last_read_message_index"], &value["unread_messages_count"]);
    format!("{}:{}:{read}:{unread}", text(value, "conversation_state"), text(value, "unique_name"))
}

fn participant(value: &Value) -> String {
    let who = value["identity"].as_str().or(value["messaging_binding"]["address"].as_str()).unwrap_or("-");
    format!("{who}:{}", value["last_read_message_index"])
}

fn message(value: &Value) -> String {
    format!("{}:{}", value["index"], text(value, "author"))
}

impl World {
    fn conversation_path(&self, of: Of) -> String {
        format!("/Conversations/{}", self.conversation(of))
    }

    /// What is put to the server for an operation, before the model has changed.
    pub fn question(&self, operation: &Operation) -> Question {
        let state = |state: &Option<usize>| state.map_or(String::new(), |n| format!("State={}&", STATES[n]));
        match operation {
            Operation::CreateConversation { at, name, state: to } => {
                let name = name.map_or(String::new(), |n| format!("UniqueName={}", NAMES[n]));
                (*at, "POST", "/Conversations".to_owned(), format!("{}{name}", state(to)))
            }
            Operation::UpdateConversation { of, name, state: to } => {
                let name = match name {
                    Rename::Keep => String::new(),
                    Rename::Clear => "UniqueName=".to_owned(),
                    Rename::To(name) => format!("UniqueName={}", NAMES[*name]),
                };
                (of.asked_at, "POST", self.conversation_path(*of), format!("{}{name}", state(to)))
            }
            Operation::DeleteConversation { of } => {
                (of.asked_at, "DELETE", self.conversation_path(*of), String::new())
            }
            Operation::FetchConversation { of } => {
                (of.asked_at, "GET", self.conversation_path(*of), String::new())
            }
            Operation::ListConversations { at, state: only } => {
                (*at, "GET", format!("/Conversations?{}", state(only)), String::new())
            }
            Operation::AddPerson { of, who } => {
                self.below(*of, "POST", "/Participants", format!("Identity={}", PEOPLE[*who]))
            }
            Operation::AddPhone { of, pair } => {
                let (address, proxy) = PAIRS[*pair];
                let form =
                    format!("MessagingBinding.Address={address}&MessagingBinding.ProxyAddress={proxy}");
                self.below(*of, "POST", "/Participants", form.replace('+', "%2B"))
            }
            Operation::RemovePerson { of, who } => {
                self.below(*of, "DELETE", &format!("/Participants/{}", PEOPLE[*who]), String::new())
            }
            Operation::ReadUpTo { of, who, index } => {
                let index = index.map_or("null".to_owned(), |index| index.to_string());
                let form = format!("LastReadMessageIndex={index}");
                self.below(*of, "POST", &format!("/Participants/{}", PEOPLE[*who]), form)
            }
            Operation::ListParticipants { of } => self.below(*of, "GET", "/Participants", String::new()),
            Operation::Say { of, author } => {
                let author = author.map_or(String::new(), |who| format!("&Author={}", PEOPLE[who]));
                self.below(*of, "POST", "/Messages", format!("Body=said{author}"))
            }
            Operation::Unsay { of, number } => {
                let sid = self.message(*of, *number).unwrap_or("IM00000000000000000000000000009999");
                self.below(*of, "DELETE", &format!("/Messages/{sid}"), String::new())
            }
            Operation::ListMessages { of, newest_first } => {
                let order = if *newest_first { "/Messages?Order=desc" } else { "/Messages" };
                self.below(*of, "GET", order, String::new())
            }
            Operation::CreateUser { at, who } => {
                (*at, "POST", "/Users".to_owned(), format!("Identity={}", PEOPLE[*who]))
            }
            Operation::DeleteUser { at, who } => {
                (*at, "DELETE", format!("/Users/{}", PEOPLE[*who]), String::new())
            }
            Operation::FetchUserConversation { of, who } => self.of_user(*of, *who, "GET"),
            Operation::LeaveConversation { of, who } => self.of_user(*of, *who, "DELETE"),
            Operation::ListUserConversations { at, who } => {
                (*at, "GET", format!("/Users/{}/Conversations", PEOPLE[*who]), String::new())
            }
        }
    }

    fn below(&self, of: Of, method: &'static str, path: &str, form: String) -> Question {
        (of.asked_at, method, format!("{}{path}", self.conversation_path(of)), form)
    }

    fn of_user(&self, of: Of, who: usize, method: &'static str) -> Question {
        let path = format!("/Users/{}{}", PEOPLE[who], self.conversation_path(of));
        (of.asked_at, method, path, String::new())
    }
}
