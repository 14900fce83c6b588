//! That the description is right: every operation is in it, and its forms take what it says.

use std::collections::BTreeSet;
use std::sync::Arc;

use conversations::{
    Actor, Call, Guess, Limits, Operation, Path, RandomIds, Scope, Source, Vault, Verb, operations,
};
use serde_json::Value;
use wire::{Form, Sid};

use super::document::document;
use super::kind::{Kind, Member};
use super::{resource, resources};
use crate::rest;

/// Whether the operation's form takes this, as far as it can tell without the store.
fn takes(operation: &Operation, form: &Form) -> bool {
    let call = Call {
        account_sid: Sid::from_bytes([1; 16]),
        service_sid: Sid::from_bytes([2; 16]),
        scope: Scope::Account,
        actor: Actor::Account,
        source: Source::Api,
        hooks: false,
        is_streamed: false,
        limits: Limits::Strict,
        owned: Arc::default(),
        base_url: "http://tertulia.test".into(),
        path: String::new(),
        ids: Arc::new(RandomIds::default()),
        vault: Arc::new(Vault::new(&[7; 32])),
        guess: Guess::default(),
        rehearsal: None,
    };
    operation.prepare(&Arc::new(call), &Arc::new(Path::new(Vec::new())), form).is_ok()
}

fn form(text: &str) -> Form {
    Form::parse(text.as_bytes()).expect("a form")
}

/// Forms that are whole; each parameter is tried in all of them.
fn whole(described: &resource::Form) -> Vec<Form> {
    match described.examples {
        [] => vec![Form::empty()],
        examples => examples.iter().map(|example| form(example)).collect(),
    }
}

fn with(form: &Form, name: &str, value: &str) -> Form {
    let mut form = form.clone();
    form.set(name, value).expect("a parameter");
    form
}

/// Every operation with its name and what it is said to take.
fn forms() -> Vec<(String, Operation, &'static resource::Form)> {
    let described = |operation: Operation| {
        let resource = resources::of(&operation).expect("it is described");
        let form = resource.form(operation.verb);
        (format!("{:?} {}", operation.verb, operation.template), operation, form)
    };
    operations().into_iter().map(described).collect()
}

#[test]
fn every_operation_is_described_and_nothing_else() {
    for operation in operations() {
        let (verb, template) = (operation.verb, operation.template);
        assert!(resources::of(&operation).is_some(), "nobody has described {verb:?} {template}");
    }
    let served: Vec<_> = operations().iter().map(|operation| (operation.template, operation.mount)).collect();
    for resource in resources::all() {
        for path in resource.paths {
            assert!(served.contains(&(*path, resource.mount)), "{path} is described and not served");
        }
        let verbs = [(Verb::Create, &resource.create), (Verb::Update, &resource.update)];
        for (verb, form) in verbs {
            let is_served = operations().iter().any(|operation| {
                operation.verb == verb && resources::of(operation).is_some_and(|of| of.name == resource.name)
            });
            let is_described = form.members().next().is_some();
            assert_eq!(is_served, is_described, "{verb:?} {}", resource.name);
        }
    }
}

#[test]
fn every_route_is_in_the_document_under_a_name_of_its_own() {
    let document = document(Limits::Strict);
    let mut names = BTreeSet::new();
    let mut count = 0;
    for route in rest::table() {
        for (method, _) in route.operations() {
            let described = &document["paths"][&*route.shown][method.as_str().to_ascii_lowercase()];
            let name = described["operationId"].as_str().unwrap_or_default().to_owned();
            assert!(!name.is_empty() && names.insert(name), "{method} {}", route.shown);
            count += 1;
        }
        let in_braces = route.shown.matches('{').count();
        let parameters = &document["paths"][&*route.shown]["parameters"];
        assert_eq!(parameters.as_array().map(Vec::len), Some(in_braces), "{}", route.shown);
    }
    // Those of the public description, and an older path of two of them.
    assert_eq!(count, 103 + 2);
}

#[test]
fn every_reference_leads_somewhere() {
    fn look(node: &Value, document: &Value) {
        match node {
            Value::Object(members) => {
                if let Some(Value::String(to)) = members.get("$ref") {
                    let pointer = to.strip_prefix('#').expect("references stay in the document");
                    assert!(document.pointer(pointer).is_some(), "{to}");
                }
                members.values().for_each(|member| look(member, document));
            }
            Value::Array(items) => items.iter().for_each(|item| look(item, document)),
            _ => {}
        }
    }
    let document = document(Limits::Strict);
    look(&document, &document);
}

#[test]
fn forms_ask_for_what_is_described_and_for_nothing_else() {
    for (operation_name, operation, described) in forms() {
        let mut asked = BTreeSet::new();
        for form in whole(described) {
            let (form, names) = form.heard();
            assert!(takes(&operation, &form), "{operation_name} refuses {form:?}");
            asked.extend(names.names());
        }
        let mut expected: BTreeSet<_> = described.members().map(|(name, _)| (*name).to_owned()).collect();
        if operation.paged.is_some() {
            expected.extend(["Page", "PageSize", "PageToken"].map(str::to_owned));
        }
        assert_eq!(asked, expected, "{operation_name}");
    }
}

/// What is of no use alone, and what is known only where it was put before: that is not a form's to tell.
const NEED_OTHERS: [&str; 3] = ["MediaSid", "ContentSid", "ContentVariables"];

/// Which permissions are known depends on the role that they are for.
const NEEDS_ROLE: (&str, &str) = ("Update /Roles/{RoleSid}", "Permission");

#[test]
fn forms_take_what_is_allowed_and_refuse_what_lies_beyond() {
    for (operation_name, operation, described) in forms() {
        for &(name, kind) in described.members() {
            let is_taken = |value: &String| {
                whole(described).iter().any(|form| takes(&operation, &with(form, name, value)))
            };
            for value in kind.taken().into_iter().filter(|_| !NEED_OTHERS.contains(&name)) {
                assert!(is_taken(&value), "{operation_name} refuses {name}={value:.100}");
            }
            for value in kind.refused().into_iter().filter(|_| NEEDS_ROLE != (&operation_name, name)) {
                assert!(!is_taken(&value), "{operation_name} takes {name}={value:.100}");
            }
        }
    }
}

#[test]
fn forms_refuse_what_lacks_a_required_parameter() {
    for (operation_name, operation, described) in forms() {
        for required in described.required {
            let described_as: Vec<&Member> =
                described.members().filter(|(name, _)| name == required).collect();
            assert_eq!(described_as.len(), 1, "{operation_name} {required}");
            for form in whole(described) {
                let rest = form.pairs().filter(|(name, _)| name != required);
                let rest = rest.map(|(name, value)| (name.to_owned(), value.to_owned()));
                let lacking = Form::from_pairs(rest).expect("a form");
                assert!(!takes(&operation, &lacking), "{operation_name} does without {required}");
            }
        }
    }
}

#[test]
fn lenient_servers_promise_no_lengths() {
    let length = |limits| Kind::Text(256).schema(limits)["maxLength"].clone();
    assert_eq!((length(Limits::Strict), length(Limits::Lenient)), (256.into(), Value::Null));
}
