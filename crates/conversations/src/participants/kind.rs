//! What kind of participant a request describes: by identity, by an address over a channel, or, in a
//! group MMS, by an address alone, a projected address, or both an identity and a projected address.
//! Pure: forms in, bindings or a problem out.

use wire::{Channel, channel_of, proxy_channel_of};

use crate::prelude::*;

/// How a participant is reached other than by chat. Members that it lacks are not printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Binding {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projected_address: Option<String>,
}

/// What a request to create says: each as given, an empty text included.
#[derive(Clone, Debug, Default)]
pub struct Described<'a> {
    pub identity: Option<&'a str>,
    pub address: Option<&'a str>,
    pub proxy_address: Option<&'a str>,
    pub projected_address: Option<&'a str>,
}

const ADDRESS_LENGTH: usize = 256;

impl Described<'_> {
    /// The binding of the participant that is described, none for a chat participant.
    pub fn binding(&self) -> Result<Option<Binding>, Problem> {
        let identity = self.identity.filter(|identity| !identity.is_empty());
        if self.address.is_some() || self.proxy_address.is_some() {
            if identity.is_some() {
                return Err(Problem::IDENTITY_NOT_ACCEPTABLE);
            }
            return self.addressed().map(Some);
        }
        match self.projected_address {
            Some("") => Err(Problem::PROJECTED_ADDRESS_NOT_PROVIDED),
            Some(projected) => Binding::projected(projected).map(Some),
            None if identity.is_none() => Err(Problem::IDENTITY_NOT_PROVIDED),
            None => Ok(None),
        }
    }

    fn addressed(&self) -> Result<Binding, Problem> {
        let address = self.address.filter(|address| !address.is_empty()).ok_or(Problem::ADDRESS_EMPTY)?;
        if self.proxy_address == Some("") {
            return Err(Problem::PROXY_ADDRESS_EMPTY);
        }
        let channel = parse_address(address)?;
        if self.projected_address.is_some() {
            return Err(Problem::BINDING_PARAMETERS_NOT_SUPPORTED);
        }
        let binding = Binding {
            kind: channel.name().to_owned(),
            address: Some(address.to_owned()),
            proxy_address: None,
            projected_address: None,
        };
        match self.proxy_address {
            Some(proxy) => binding.with_proxy(proxy),
            // A phone without a proxy is a member of a group MMS; an e-mail address needs none.
            None if matches!(channel, Channel::Sms | Channel::Email) => Ok(binding),
            None => Err(Problem::PROXY_ADDRESS_EMPTY),
        }
    }
}

impl Binding {
    /// Of a number that stands in for somebody in a group MMS.
    pub fn projected(address: &str) -> Result<Self, Problem> {
        if parse_address(address)? != Channel::Sms {
            return Err(Problem::INVALID_ADDRESS);
        }
        Ok(Self {
            kind: Channel::Sms.name().to_owned(),
            address: None,
            proxy_address: None,
            projected_address: Some(address.to_owned()),
        })
    }

    /// With the address on our side that talks to this one.
    pub fn with_proxy(self, proxy: &str) -> Result<Self, Problem> {
        if proxy.chars().count() > ADDRESS_LENGTH {
            return Err(Problem::INVALID_PROXY_ADDRESS);
        }
        let channel = proxy_channel_of(proxy).ok_or(Problem::INVALID_PROXY_ADDRESS)?;
        if self.kind == Channel::Email.name() {
            return Err(Problem::PROXY_ADDRESS_NOT_SUPPORTED);
        }
        if self.kind != channel.name() {
            return Err(Problem::ADDRESS_TYPES_DIFFER);
        }
        if self.address.as_deref() == Some(proxy) {
            return Err(Problem::ADDRESS_EQUALS_PROXY_ADDRESS);
        }
        Ok(Self { proxy_address: Some(proxy.to_owned()), ..self })
    }

    /// Whether its address can do without a proxy: a phone is of a group MMS then.
    pub fn may_lack_proxy(&self) -> bool {
        self.kind == Channel::Sms.name()
    }

    /// Whether it makes its conversation a group MMS.
    pub fn is_of_group(&self) -> bool {
        let is_phone_alone = self.address.is_some() && self.proxy_address.is_none();
        self.kind == Channel::Sms.name() && (is_phone_alone || self.projected_address.is_some())
    }
}

fn parse_address(address: &str) -> Result<Channel, Problem> {
    if address.chars().count() > ADDRESS_LENGTH {
        return Err(Problem::INVALID_ADDRESS);
    }
    channel_of(address).ok_or(Problem::INVALID_ADDRESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(
        identity: Option<&str>,
        address: Option<&str>,
        proxy_address: Option<&str>,
        projected_address: Option<&str>,
    ) -> Result<Option<Binding>, Problem> {
        Described { identity, address, proxy_address, projected_address }.binding()
    }

    fn kind_of(address: &str, proxy: &str) -> String {
        binding(None, Some(address), Some(proxy), None)
            .expect("both are addresses")
            .expect("it is bound")
            .kind
    }

    #[test]
    fn an_identity_alone_is_a_chat_participant() {
        assert_eq!(binding(Some("alice"), None, None, None), Ok(None));
    }

    #[test]
    fn the_channel_follows_from_the_address() {
        assert_eq!(kind_of("+15558675310", "+15017122661"), "sms");
        assert_eq!(kind_of("+15558675310", "12345"), "sms");
        assert_eq!(kind_of("whatsapp:+15558675310", "whatsapp:+15017122661"), "whatsapp");
        assert_eq!(kind_of("rcs:+15558675310", "rcs:brand_agent"), "rcs");
        assert_eq!(kind_of("messenger:1234", "messenger:5678"), "messenger");
    }

    #[test]
    fn the_kinds_of_a_group_need_no_proxy() {
        let phone = binding(None, Some("+15558675310"), None, None).expect("valid").expect("bound");
        assert!(phone.is_of_group() && phone.proxy_address.is_none());
        let avatar = binding(Some("alice"), None, None, Some("+15017122661")).expect("valid").expect("bound");
        assert!(avatar.is_of_group());
        let gateway = binding(None, None, None, Some("+15017122661")).expect("valid").expect("bound");
        assert_eq!(gateway, avatar);
        let pair = binding(None, Some("+15558675310"), Some("+15017122661"), None).expect("valid");
        assert!(!pair.expect("bound").is_of_group());
    }

    #[test]
    fn every_other_description_is_refused_with_its_own_code() {
        let phone = Some("+15558675310");
        let cases = [
            (binding(None, None, None, None), Problem::IDENTITY_NOT_PROVIDED),
            (binding(Some(""), None, None, None), Problem::IDENTITY_NOT_PROVIDED),
            (binding(Some("alice"), phone, None, None), Problem::IDENTITY_NOT_ACCEPTABLE),
            (binding(Some("alice"), None, phone, None), Problem::IDENTITY_NOT_ACCEPTABLE),
            (binding(None, None, phone, None), Problem::ADDRESS_EMPTY),
            (binding(None, Some(""), phone, None), Problem::ADDRESS_EMPTY),
            (binding(None, phone, Some(""), None), Problem::PROXY_ADDRESS_EMPTY),
            (binding(None, Some("5551234"), phone, None), Problem::INVALID_ADDRESS),
            (binding(None, phone, Some("nobody"), None), Problem::INVALID_PROXY_ADDRESS),
            (binding(None, phone, Some("whatsapp:+15017122661"), None), Problem::ADDRESS_TYPES_DIFFER),
            (binding(None, phone, phone, None), Problem::ADDRESS_EQUALS_PROXY_ADDRESS),
            (binding(None, Some("whatsapp:+15558675310"), None, None), Problem::PROXY_ADDRESS_EMPTY),
            (binding(None, phone, None, phone), Problem::BINDING_PARAMETERS_NOT_SUPPORTED),
            (binding(Some("alice"), None, None, Some("alice")), Problem::INVALID_ADDRESS),
        ];
        for (place, (got, expected)) in cases.into_iter().enumerate() {
            assert_eq!(got, Err(expected), "case {place}");
        }
    }
}
