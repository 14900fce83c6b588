//! Addresses of messaging bindings: their syntax tells the channel.
//!
//! The form is exact, prefixes in lower case included, since an address is a key: two spellings of one number
//! would be two participants. How long an address may be, and whose it is, is for the caller to check.

/// A way to reach somebody outside the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Text messages: `+15551234567`, and as a sender also a short code.
    Sms,
    /// `whatsapp:+15551234567`.
    Whatsapp,
    /// `messenger:` and the id of a page or a user.
    Messenger,
    /// `rcs:` and a number or the name of a sender.
    Rcs,
    /// A plain e-mail address.
    Email,
    /// Google Business Messages, which is no more: `gbm:` and an id.
    Gbm,
    /// Apple Messages for Business: `urn:mbid:` and an id.
    Apple,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Sms, Self::Whatsapp, Self::Messenger, Self::Rcs, Self::Email, Self::Gbm, Self::Apple];

    /// The `type` of a messaging binding.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Whatsapp => "whatsapp",
            Self::Messenger => "messenger",
            Self::Rcs => "rcs",
            Self::Email => "email",
            Self::Gbm => "gbm",
            Self::Apple => "apple",
        }
    }

    /// The channel of this name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name().eq_ignore_ascii_case(name))
    }
}

/// What must hold of the rest of an address, behind its prefix.
type Rule = fn(&str) -> bool;

/// The channel of a participant's address. None if it is no address.
pub fn channel_of(address: &str) -> Option<Channel> {
    // An e-mail address is tried last: what begins with a prefix of ours is of that channel or of none.
    let prefixed: [(&str, Channel, Rule); 5] = [
        ("whatsapp:", Channel::Whatsapp, is_e164),
        ("messenger:", Channel::Messenger, is_id),
        ("rcs:", Channel::Rcs, is_id),
        ("gbm:", Channel::Gbm, is_id),
        ("urn:mbid:", Channel::Apple, is_id),
    ];
    for (prefix, channel, holds) in prefixed {
        if let Some(rest) = address.strip_prefix(prefix) {
            return holds(rest).then_some(channel);
        }
    }
    if is_e164(address) {
        Some(Channel::Sms)
    } else if is_email(address) {
        Some(Channel::Email)
    } else {
        None
    }
}

/// The channel of an address of ours, where a short code is one too.
pub fn proxy_channel_of(address: &str) -> Option<Channel> {
    if is_short_code(address) { Some(Channel::Sms) } else { channel_of(address) }
}

/// A plus sign, then 2 to 15 digits, the first of which is not zero.
fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Short codes have 3 to 8 digits, by country.
fn is_short_code(text: &str) -> bool {
    (3..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Anything printable without a space.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What may stand bare in a header of a mail: a name without quoting, one `@`, and the labels of a host.
fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let plain =
        |letter: char| !letter.is_whitespace() && !letter.is_control() && !"\"(),:;<>[\\]".contains(letter);
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
    };
    (1..=64).contains(&name.len())
        && name.split('.').all(|part| !part.is_empty() && part.chars().all(plain))
        && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_form_tells_the_channel() {
        for (address, channel) in [
            ("+15551234567", Channel::Sms),
            ("+12", Channel::Sms),
            ("+123456789012345", Channel::Sms),
            ("whatsapp:+15551234567", Channel::Whatsapp),
            ("messenger:1234567890", Channel::Messenger),
            ("rcs:+15551234567", Channel::Rcs),
            ("rcs:brand_agent", Channel::Rcs),
            ("gbm:conversation-1", Channel::Gbm),
            ("urn:mbid:AQAAY", Channel::Apple),
            ("ann.o'neill+tag@mail.example.com", Channel::Email),
            ("j\u{f6}rg@b\u{fc}ro.example", Channel::Email),
            ("root@localhost", Channel::Email),
        ] {
            assert_eq!(channel_of(address), Some(channel), "{address}");
            assert_eq!(proxy_channel_of(address), Some(channel), "{address}");
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for address in [
            "",
            "+",
            "+1",
            "+0123456",
            "+1234567890123456",
            "15551234567",
            "+1 555 123 4567",
            "+1555\u{661}234",
            " +15551234567",
            "+15551234567\n",
            "whatsapp:15551234567",
            "WhatsApp:+15551234567",
            "whatsapp:",
            "whatsapp:a@b.example",
            "messenger:",
            "messenger:a b",
            "urn:mbid:",
            "alice",
            "@example.com",
            "a@",
            "a@b@c",
            "a..b@example.com",
            "a@-b.example",
            "a@b..example",
            "a b@example.com",
            "a@example.com\r\nBcc: b@example.com",
            "\"a\"@example.com",
            "<a@example.com>",
        ] {
            assert_eq!(channel_of(address), None, "{address}");
            assert_eq!(proxy_channel_of(address), None, "{address}");
        }
    }

    #[test]
    fn a_short_code_is_a_sender_only() {
        for code in ["123", "12345", "12345678"] {
            assert_eq!(channel_of(code), None);
            assert_eq!(proxy_channel_of(code), Some(Channel::Sms));
        }
        for code in ["12", "123456789", "1234a"] {
            assert_eq!(proxy_channel_of(code), None);
        }
    }

    #[test]
    fn names_lead_back() {
        for channel in Channel::ALL {
            assert_eq!(Channel::from_name(channel.name()), Some(channel));
            assert_eq!(Channel::from_name(&channel.name().to_uppercase()), Some(channel));
        }
        assert_eq!(Channel::from_name("chat"), None);
    }

    proptest! {
        #[test]
        fn every_number_is_an_address(digits in "[1-9][0-9]{1,14}") {
            let number = format!("+{digits}");
            prop_assert_eq!(channel_of(&number), Some(Channel::Sms));
            prop_assert_eq!(channel_of(&format!("whatsapp:{number}")), Some(Channel::Whatsapp));
        }

        #[test]
        fn reads_anything_without_panic(text: String, almost in "(whatsapp:|rcs:|urn:mbid:)?.{0,12}@?.{0,12}") {
            for text in [text, almost] {
                // Whoever may send may be written to.
                if let Some(channel) = channel_of(&text) {
                    prop_assert_eq!(Channel::from_name(channel.name()), Some(channel));
                    prop_assert!(!text.contains(char::is_control));
                }
                let _ = proxy_channel_of(&text);
            }
        }
    }
}
