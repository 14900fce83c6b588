//! Events as they are streamed: `CloudEvents` 1.0, with typed JSON where webhooks have text. Pure.

use serde::Serialize;
use serde_json::{Map, Value, json};
use wire::{Sid, Timestamp};

use super::Sink;
use super::types;
use crate::events::{Event, EventType, Payload};

/// Field order is the order of the JSON.
#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'static str,
    #[serde(rename = "type")]
    event_type: &'a str,
    source: String,
    id: String,
    dataschema: String,
    datacontenttype: &'static str,
    time: wire::Milliseconds,
    data: Map<String, Value>,
}

/// An event as it was committed, as JSON text. None of a type that is not streamed.
pub fn of_event(event: &Event, payload: &Payload, schema_version: i64) -> Option<String> {
    let pair = |name| payload.pairs().find(|(there, _)| *there == name).map(|(_, value)| value);
    let source = match (pair("ConversationSid"), pair("UserSid")) {
        (Some(sid), _) => format!("/v1/Conversations/{sid}"),
        (None, Some(sid)) => format!("/v1/Users/{sid}"),
        (None, None) => String::new(),
    };
    let envelope = Envelope {
        specversion: "1.0",
        event_type: types::name(event.event_type)?,
        source,
        id: event.sid.to_string(),
        dataschema: schema(&types::schema_id(event.event_type), schema_version),
        datacontenttype: "application/json",
        time: event.date_created.milliseconds(),
        data: data(event.event_type, payload),
    };
    Some(serde_json::to_string(&envelope).expect("it has only text keys"))
}

/// What tries a sink out.
pub fn of_test(id: String, sink: Sid<Sink>, now: Timestamp) -> String {
    let envelope = Envelope {
        specversion: "1.0",
        event_type: "com.twilio.eventstreams.test-event",
        source: format!("/v1/Sinks/{sink}"),
        dataschema: schema("EventStreams.TestSinkEvent", 1),
        datacontenttype: "application/json",
        time: now.milliseconds(),
        data: Map::from_iter([("test_id".to_owned(), json!(id))]),
        id,
    };
    serde_json::to_string(&envelope).expect("it has only text keys")
}

fn schema(id: &str, version: i64) -> String {
    format!("https://events-schemas.twilio.com/{id}/{version}")
}

/// The names of webhooks, but for a few: numbers are numbers, what belongs to a binding stands in it, and
/// what only concerns webhooks is left out.
// Twilio: its samples of what is added and of states are followed; of what is updated and removed there are none.
fn data(event_type: EventType, payload: &Payload) -> Map<String, Value> {
    let mut data = Map::new();
    for (name, value) in payload.pairs() {
        match name {
            "EventType" | "Source" | "ClientIdentity" | "ChatServiceSid" | "Attributes" => {}
            "Index" | "LastReadMessageIndex" => {
                data.insert(name.to_owned(), value.parse::<i64>().map_or_else(|_| json!(value), Value::from));
            }
            "isOnline" => drop(data.insert("IsOnline".to_owned(), json!(value == "true"))),
            "isNotifiable" => drop(data.insert("IsNotifiable".to_owned(), json!(value == "true"))),
            "Body" => drop(data.insert("MessageBody".to_owned(), json!(value))),
            "Media" => drop(data.insert(name.to_owned(), media(value))),
            // Twilio: in upper case in its samples.
            "MessagingBinding.Type" => bind(&mut data, "Type", &value.to_ascii_uppercase()),
            _ => match name.strip_prefix("MessagingBinding.") {
                Some(part) => bind(&mut data, part, value),
                None => drop(data.insert(name.to_owned(), json!(value))),
            },
        }
    }
    debug_assert!(types::name(event_type).is_some(), "it is streamed");
    data
}

fn bind(data: &mut Map<String, Value>, part: &str, value: &str) {
    let binding = data.entry("MessagingBinding").or_insert_with(|| json!({}));
    if let Value::Object(binding) = binding {
        binding.insert(part.to_owned(), json!(value));
    }
}

/// What webhooks have as text, with another name for the sid.
fn media(text: &str) -> Value {
    let Ok(Value::Array(mut items)) = serde_json::from_str(text) else { return json!([]) };
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        if let Some(sid) = item.remove("Sid") {
            item.insert("MediaSid".to_owned(), sid);
        }
        item.retain(|_, value| !value.is_null());
    }
    Value::Array(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Cause;
    use crate::ids::RandomIds;

    const EVERYTHING: &[(&str, &str)] = &[
        ("ConversationSid", "CH1"),
        ("UserSid", "US1"),
        ("Index", "7"),
        ("LastReadMessageIndex", "6"),
        ("Body", "it's \"me\""),
        ("Attributes", "{}"),
        ("Media", r#"[{"Sid":"ME1","ContentType":"image/png","Filename":null,"Size":12}]"#),
        ("MessagingBinding.Type", "sms"),
        ("MessagingBinding.Address", "+15550001"),
        ("DateCreated", "2026-01-01T00:00:00.000Z"),
        ("isOnline", "true"),
        ("isNotifiable", "false"),
    ];

    fn rendered(event_type: EventType) -> Option<Value> {
        let (account_sid, chat_service_sid) = (Sid::from_bytes([1; 16]), Sid::from_bytes([2; 16]));
        let ids = RandomIds::default();
        let cause = Cause::of_server(account_sid, chat_service_sid, &ids);
        let mut payload = Payload::new(&cause, event_type);
        for (name, value) in EVERYTHING {
            payload.put(name, *value);
        }
        let event = Event {
            sid: Sid::from_bytes([3; 16]),
            account_sid,
            chat_service_sid,
            conversation_sid: None,
            event_type,
            payload: String::new(),
            date_created: Timestamp::from_micros(1_767_225_600_123_456),
        };
        let text = of_event(&event, &payload, 2)?;
        Some(serde_json::from_str(&text).expect("it is JSON"))
    }

    #[test]
    fn every_type_has_the_envelope_of_its_own() {
        for event_type in EventType::ALL {
            let Some(event) = rendered(event_type) else {
                assert_eq!(event_type, EventType::DeliveryUpdated, "only this is not streamed");
                continue;
            };
            let schema =
                format!("https://events-schemas.twilio.com/Conversations.{}/2", &event_type.name()[2..]);
            assert_eq!(event["specversion"], "1.0");
            assert_eq!(event["type"].as_str(), types::name(event_type));
            assert_eq!(event["source"], "/v1/Conversations/CH1");
            assert_eq!(event["id"], "EV03030303030303030303030303030303");
            assert_eq!(event["dataschema"].as_str(), Some(schema.as_str()));
            assert_eq!(event["datacontenttype"], "application/json");
            assert_eq!(event["time"], "2026-01-01T00:00:00.123Z");
            assert_eq!(event.as_object().map(Map::len), Some(8));
            assert_eq!(event["data"]["AccountSid"], "AC01010101010101010101010101010101");
        }
    }

    #[test]
    fn data_is_typed_and_named_as_in_the_published_samples() {
        let event = rendered(EventType::MessageAdded).expect("it is streamed");
        assert_eq!(
            event["data"],
            json!({
                "AccountSid": "AC01010101010101010101010101010101",
                "ConversationSid": "CH1",
                "UserSid": "US1",
                "Index": 7,
                "LastReadMessageIndex": 6,
                "MessageBody": "it's \"me\"",
                "Media": [{"MediaSid": "ME1", "ContentType": "image/png", "Size": 12}],
                "MessagingBinding": {"Type": "SMS", "Address": "+15550001"},
                "DateCreated": "2026-01-01T00:00:00.000Z",
                "IsOnline": true,
                "IsNotifiable": false,
            })
        );
    }

    #[test]
    fn a_test_says_that_it_is_one() {
        let text = of_test("EV1".to_owned(), Sid::from_bytes([1; 16]), Timestamp::from_micros(0));
        let event: Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(event["type"], "com.twilio.eventstreams.test-event");
        assert_eq!((&event["id"], &event["data"]["test_id"]), (&json!("EV1"), &json!("EV1")));
    }
}
