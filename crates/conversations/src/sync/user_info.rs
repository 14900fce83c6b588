//! A user's profile: a map of three items, which change together.

use super::entry::{Entry, Name, raw};
use crate::prelude::*;

#[derive(Serialize)]
struct Text<'a> {
    value: Option<&'a str>,
}

#[derive(Serialize)]
struct Reachability {
    online: Option<bool>,
    notifiable: Option<bool>,
}

/// The items in the order of their keys. Where the service keeps no reachability, it is unknown: who was told of it while
/// it did has to learn that.
pub(super) fn entries(user: User, service: &Service, profile_position: i64) -> Vec<Entry> {
    let user = user.seen_from(service);
    let all = [
        ("attributes", raw(&Text { value: Some(user.attributes.as_str()) })),
        ("friendlyName", raw(&Text { value: user.friendly_name.as_deref() })),
        ("reachability", raw(&Reachability { online: user.is_online, notifiable: user.is_notifiable })),
    ];
    let entry = |(place, (key, data)): (u128, (&str, _))| Entry {
        name: Name::Key(key.to_owned()),
        place,
        // They are there as long as the user is.
        position_added: 1,
        position_changed: profile_position,
        date_created: user.date_created,
        date_updated: user.date_updated,
        data,
        conversation: None,
    };
    (0..).zip(all).map(entry).collect()
}
