//! What clients open: documents, lists and maps, and what is in them. Nobody writes to them here; they change with
//! what they show.

use std::sync::Arc;

use conversations::Failure;
use conversations::sync::{self, ItemsRequest, ObjectType, SyncObject};
use http::Method;
use wire::Problem;

use super::connected::Connected;
use super::exchange::{Reply, Request};
use crate::app::App;
use crate::web::path;

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    object_type: ObjectType,
    /// None where nothing of this type can be called so.
    object: Option<SyncObject>,
    /// What is in it, and not it itself.
    is_items: bool,
}

impl Asked {
    /// `/v3/Maps/{name}` and the like; none for other paths.
    fn parse(path: &str) -> Option<Self> {
        let mut segments = path.strip_prefix("/v3/")?.split('/');
        let object_type = match segments.next()? {
            "Documents" => ObjectType::Document,
            "Lists" => ObjectType::List,
            "Maps" => ObjectType::Map,
            _ => return None,
        };
        let name = segments.next()?;
        let is_items = match segments.next() {
            None => false,
            Some("Items") if object_type != ObjectType::Document => true,
            Some(_) => return None,
        };
        if segments.next().is_some() {
            return None;
        }
        let object = path::decode(name).and_then(|name| SyncObject::parse(&name));
        let object = object.filter(|object| object.object_type() == object_type);
        Some(Self { object_type, object, is_items })
    }
}

/// The template of a path of objects.
pub fn template(path: &str) -> Option<&'static str> {
    let Asked { object_type, is_items, .. } = Asked::parse(path)?;
    Some(match (object_type, is_items) {
        (ObjectType::Document, _) => "/v3/Documents/{Name}",
        (ObjectType::List, false) => "/v3/Lists/{Name}",
        (ObjectType::List, true) => "/v3/Lists/{Name}/Items",
        (ObjectType::Map, false) => "/v3/Maps/{Name}",
        (ObjectType::Map, true) => "/v3/Maps/{Name}/Items",
    })
}

/// Answers a request for an object or its items; none where the path is of something else.
pub async fn read(app: &App, connected: &Connected, request: &Request) -> Option<Reply> {
    let asked = Asked::parse(&request.path)?;
    if request.method != Method::GET {
        return Some(Reply::problem(&Problem::METHOD_NOT_ALLOWED));
    }
    let Some(object) = asked.object else {
        return Some(Reply::problem(&sync::not_found(asked.object_type)));
    };
    let call = Arc::new(connected.call(app, &request.path));
    let answer = if asked.is_items {
        let wanted = match ItemsRequest::from_query(|name| request.param(name)) {
            Ok(wanted) => wanted,
            Err(problem) => return Some(Reply::problem(&problem)),
        };
        let show = move |tx: &mut store::Tx<'_>| {
            Ok::<_, Failure>(Reply::json(200, &sync::items(tx, &call, &object, &wanted)?))
        };
        app.store.read(show).await
    } else {
        let with_items = request.param("Include") == Some("items");
        let show = move |tx: &mut store::Tx<'_>| {
            Ok::<_, Failure>(Reply::json(200, &sync::root(tx, &call, &object, with_items)?))
        };
        app.store.read(show).await
    };
    Some(answer.unwrap_or_else(Reply::failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_objects_of_their_type() {
        let name = "CH00112233445566778899aabbccddeeff";
        let parse = |path: &str| Asked::parse(&path.replace("CH", name));
        let object = |kind: &str| SyncObject::parse(&format!("{name}.{kind}"));
        let asked = |object_type, object, is_items| Some(Asked { object_type, object, is_items });
        let (document, list, map) = (ObjectType::Document, ObjectType::List, ObjectType::Map);
        assert_eq!(parse("/v3/Documents/CH.channel"), asked(document, object("channel"), false));
        assert_eq!(parse("/v3/Lists/CH%2Emessages"), asked(list, object("messages"), false));
        assert_eq!(parse("/v3/Maps/CH.roster/Items"), asked(map, object("roster"), true));
        for (path, object_type) in [
            ("/v3/Maps/CH.channel", map),
            ("/v3/Documents/CH.roster", document),
            ("/v3/Lists/%ff", list),
            ("/v3/Maps/", map),
        ] {
            assert_eq!(parse(path), asked(object_type, None, false), "{path}");
        }
        for path in [
            "/v3/Maps",
            "/v3/Streams/CH.roster",
            "/v4/Maps/CH.roster",
            "/v3/Documents/CH.channel/Items",
            "/v3/Maps/CH.roster/Items/MB1",
            "/v3/Maps/CH.roster/Permissions",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
