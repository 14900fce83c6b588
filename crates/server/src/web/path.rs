//! Values in a path: percent-decoded strictly, because what is not text names nothing.

use memchr::memchr;
use percent_encoding::percent_decode_str;

/// The decoded text of one segment. A plus is a plus. None for what is not UTF-8 and for the NUL
/// character, which no sid and no name contains.
pub fn decode(segment: &str) -> Option<String> {
    // Most are sids, and nothing in them is encoded. No request has the character itself in its path.
    if memchr(b'%', segment.as_bytes()).is_none() {
        return Some(segment.to_owned());
    }
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    (!decoded.contains('\0')).then(|| decoded.into_owned())
}

/// The names and values of what stands in braces in `prefix` and, behind it, in `template`. `path` fits
/// the two. None where a value cannot be decoded.
pub fn values(
    prefix: &'static str,
    template: &'static str,
    path: &str,
) -> Option<Vec<(&'static str, String)>> {
    let segments = prefix.split('/').chain(template.split('/').skip(1)).zip(path.split('/'));
    let named = segments.filter_map(|(segment, value)| Some((name(segment)?, value)));
    named.map(|(name, value)| Some((name, decode(value)?))).collect()
}

/// The names that stand in braces in a template.
pub fn names(template: &'static str) -> impl Iterator<Item = &'static str> {
    template.split('/').filter_map(name)
}

fn name(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// The path as a 404 prints it: as asked, but without the version.
pub fn shown(path: &str) -> &str {
    path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_strictly() {
        assert_eq!(decode("alice%40example.org").as_deref(), Some("alice@example.org"));
        assert_eq!(decode("+15551234567").as_deref(), Some("+15551234567"));
        assert_eq!(decode("whatsapp%3A%2B1555").as_deref(), Some("whatsapp:+1555"));
        assert_eq!(decode("caf%C3%A9").as_deref(), Some("caf\u{e9}"));
        assert_eq!(decode("a%2Fb").as_deref(), Some("a/b"));
        for refused in ["%ff", "%C3", "%ED%A0%80", "a%00b"] {
            assert_eq!(decode(refused), None, "{refused}");
        }
    }

    #[test]
    fn values_are_named_by_the_template() {
        let (prefix, template) = ("/v1/Services/{ChatServiceSid}", "/Users/{UserSid}");
        assert_eq!(
            values(prefix, template, "/v1/Services/IS1/Users/a%20b"),
            Some(vec![("ChatServiceSid", "IS1".to_owned()), ("UserSid", "a b".to_owned())])
        );
        assert_eq!(values(prefix, template, "/v1/Services/IS1/Users/%ff"), None);
        assert_eq!(values("/v1", "/Users", "/v1/Users"), Some(vec![]));
    }

    #[test]
    fn only_the_version_is_left_out() {
        assert_eq!(shown("/v1/Conversations/CH1"), "/Conversations/CH1");
        assert_eq!(shown("/v1"), "/v1");
        assert_eq!(shown("/v10/x"), "/v10/x");
        assert_eq!(shown("/v2/Conversations"), "/v2/Conversations");
    }
}
