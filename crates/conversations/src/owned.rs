//! Which addresses and messaging services are an account's own.
//!
//! Where nobody has said so, every address is, and every messaging service. An account that has a list of
//! either is refused the others. The account's row has the lists; they travel with the call.

use std::collections::BTreeSet;

use wire::{Channel, proxy_channel_of};

use crate::participants::Binding;
use crate::prelude::*;
use crate::webhooks::Texts;

/// What a call may use of addresses and messaging services.
#[derive(Clone, Debug, Default)]
pub struct Owned {
    senders: Option<BTreeSet<String>>,
    messaging_services: Option<BTreeSet<Sid<MessagingService>>>,
}

// Form parameters ────────────────────────────────────────────────────────────

const SENDERS: &str = "Senders";
const MESSAGING_SERVICES: &str = "MessagingServiceSids";

/// The addresses that a form lists; one empty value is the empty list.
pub fn senders_of_form(form: &Form) -> Result<Option<Texts>, Problem> {
    list(form, SENDERS, parse_senders)
}

/// The messaging services that a form lists; one empty value is the empty list.
pub fn messaging_services_of_form(form: &Form) -> Result<Option<Texts>, Problem> {
    list(form, MESSAGING_SERVICES, parse_messaging_services)
}

fn list(
    form: &Form,
    name: &str,
    parse: impl Fn(&[&str]) -> Result<Texts, String>,
) -> Result<Option<Texts>, Problem> {
    let given: Vec<&str> = form.all(name).collect();
    if given.is_empty() {
        return Ok(None);
    }
    let given: Vec<&str> = given.into_iter().filter(|text| !text.is_empty()).collect();
    let wrong = |wrong| Problem::parameter(format!("Invalid value for parameter {name}: {wrong}"));
    parse(&given).map(Some).map_err(wrong)
}

/// Addresses of any channel, short codes among them; otherwise the one that is none.
pub fn parse_senders(given: &[&str]) -> Result<Texts, String> {
    match given.iter().find(|address| proxy_channel_of(address).is_none()) {
        Some(wrong) => Err((*wrong).to_owned()),
        None => Ok(Texts::new(given.iter().map(|address| (*address).to_owned()).collect())),
    }
}

/// Sids of messaging services; otherwise the one that is none.
pub fn parse_messaging_services(given: &[&str]) -> Result<Texts, String> {
    let parse = |text: &&str| match Sid::<MessagingService>::parse(text) {
        Some(sid) => Ok(sid.to_string()),
        None => Err((*text).to_owned()),
    };
    given.iter().map(parse).collect::<Result<_, _>>().map(Texts::new)
}

// Rules: pure ────────────────────────────────────────────────────────────────

impl Owned {
    /// What the account may use. Its default messaging service is always its own.
    pub fn of(account: &Account) -> Self {
        let senders = account.senders.as_ref().map(|list| list.iter().map(str::to_owned).collect());
        let default = account.default_messaging_service_sid;
        let messaging_services = account
            .messaging_service_sids
            .as_ref()
            .map(|list| list.iter().filter_map(Sid::parse).chain(default).collect());
        Self { senders, messaging_services }
    }

    /// Refuses a binding to an address on our side that is not the account's.
    pub fn require_binding(&self, binding: Option<&Binding>) -> Result<(), Problem> {
        let Some(binding) = binding else { return Ok(()) };
        if let Some(proxy) = &binding.proxy_address {
            self.require_sender(proxy)?;
        }
        match &binding.projected_address {
            Some(projected) if !self.has(projected) => Err(Problem::PROJECTED_ADDRESS_NOT_OURS),
            _ => Ok(()),
        }
    }

    /// Refuses an address that is not the account's to send from.
    pub fn require_sender(&self, address: &str) -> Result<(), Problem> {
        if self.has(address) {
            return Ok(());
        }
        Err(match proxy_channel_of(address) {
            Some(Channel::Whatsapp) => Problem::PROXY_ADDRESS_NOT_WHATSAPP_SENDER,
            _ => Problem::PROXY_ADDRESS_NOT_OURS,
        })
    }

    /// Refuses a messaging service that is not the account's.
    pub fn require_messaging_service(&self, sid: Option<Sid<MessagingService>>) -> Result<(), Problem> {
        match (&self.messaging_services, sid) {
            (Some(own), Some(sid)) if !own.contains(&sid) => Err(Problem::MESSAGING_SERVICE_NOT_OURS),
            _ => Ok(()),
        }
    }

    fn has(&self, address: &str) -> bool {
        self.senders.as_ref().is_none_or(|own| own.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(senders: &[&str]) -> Owned {
        Owned {
            senders: Some(senders.iter().map(|sender| (*sender).to_owned()).collect()),
            ..Owned::default()
        }
    }

    #[test]
    fn without_a_list_everything_is_ours() {
        let owned = Owned::default();
        assert_eq!(owned.require_sender("+15017122661"), Ok(()));
        assert_eq!(owned.require_messaging_service(Some(Sid::from_bytes([1; 16]))), Ok(()));
    }

    #[test]
    fn a_number_is_a_sender_of_the_channels_that_it_is_listed_for() {
        let owned = owned(&["+15017122661", "whatsapp:+15017122662", "12345"]);
        for (address, expected) in [
            ("+15017122661", Ok(())),
            ("12345", Ok(())),
            ("whatsapp:+15017122662", Ok(())),
            ("+15017122662", Err(Problem::PROXY_ADDRESS_NOT_OURS)),
            ("whatsapp:+15017122661", Err(Problem::PROXY_ADDRESS_NOT_WHATSAPP_SENDER)),
            ("messenger:1", Err(Problem::PROXY_ADDRESS_NOT_OURS)),
        ] {
            assert_eq!(owned.require_sender(address), expected, "{address}");
        }
        let projected = |address| Binding::projected(address).expect("a number");
        assert_eq!(owned.require_binding(Some(&projected("+15017122661"))), Ok(()));
        assert_eq!(
            owned.require_binding(Some(&projected("+15017122662"))),
            Err(Problem::PROJECTED_ADDRESS_NOT_OURS)
        );
        assert_eq!(owned.require_binding(None), Ok(()));
    }

    #[test]
    fn lists_are_read_from_forms() {
        let read = |text: &str| {
            let form = Form::parse(text.as_bytes()).expect("a form");
            senders_of_form(&form).map(|list| list.map(|list| list.iter().collect::<Vec<_>>().join(" ")))
        };
        assert_eq!(read("FriendlyName=x"), Ok(None));
        assert_eq!(read("Senders="), Ok(Some(String::new())));
        assert_eq!(read("Senders=12345&Senders=%2B15017122661"), Ok(Some("12345 +15017122661".to_owned())));
        let problem = read("Senders=12345&Senders=nobody").expect_err("no address");
        assert_eq!(problem.message, "Invalid value for parameter Senders: nobody");
        let form = Form::parse(b"MessagingServiceSids=MG00112233445566778899AABBCCDDEEFF").expect("a form");
        let list = messaging_services_of_form(&form).expect("a sid").expect("a list");
        assert_eq!(list.iter().collect::<Vec<_>>(), ["MG00112233445566778899aabbccddeeff"]);
    }
}
