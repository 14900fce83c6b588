//! What a start prints: where the server is, as whom to sign in, and what to paste.

use std::io::Write;

use crate::first_account::{FirstAccount, Token};

/// Prints the banner. Nobody has to read it, so a closed standard output is no error.
pub fn print(url: &str, account: &FirstAccount) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text(url, account).as_bytes());
    let _ = out.flush();
}

fn text(url: &str, FirstAccount { sid, token }: &FirstAccount) -> String {
    let (shown, pasted) = match token {
        Token::Made(token) => (format!("{token}   (shown this once: keep it)"), token.as_str()),
        Token::Pinned => ("the one that is configured".to_owned(), "YOUR_AUTH_TOKEN"),
        Token::Shown => (
            format!("shown at the first start; `tertulia account rotate {sid}` makes a new one"),
            "YOUR_AUTH_TOKEN",
        ),
    };
    format!(
        r#"Tertulia {version} is ready.

URL          {url}
Account SID  {sid}
Auth Token   {shown}

Python       from twilio.rest import Client
             client = Client("{sid}", "{pasted}")
             client.conversations.base_url = "{url}"
             print(client.conversations.v1.conversations.create(friendly_name="Hello").sid)

Node.js      const client = require("twilio")("{sid}", "{pasted}");
             client.conversations.baseUrl = "{url}";
             client.conversations.v1.conversations.create({{ friendlyName: "Hello" }}).then((c) => console.log(c.sid));

curl         curl -u {sid}:{pasted} -d FriendlyName=Hello {url}/v1/Conversations

"#,
        version = env!("CARGO_PKG_VERSION"),
    )
}

#[cfg(test)]
mod tests {
    use wire::Sid;

    use super::*;

    fn banner(token: Token) -> String {
        text("http://127.0.0.1:8080", &FirstAccount { sid: Sid::from_bytes([1; 16]), token })
    }

    #[test]
    fn a_new_token_is_ready_to_paste() {
        let banner = banner(Token::Made("0123456789".to_owned()));
        assert!(banner.contains("URL          http://127.0.0.1:8080\n"));
        assert!(banner.contains("Account SID  AC01010101010101010101010101010101\n"));
        assert!(banner.contains("Auth Token   0123456789 "));
        assert!(banner.contains(r#"Client("AC01010101010101010101010101010101", "0123456789")"#));
        assert!(banner.contains("create({ friendlyName: \"Hello\" })"));
    }

    #[test]
    fn later_starts_show_no_secret() {
        assert!(banner(Token::Shown).contains("tertulia account rotate AC0101"));
        assert!(banner(Token::Pinned).contains("YOUR_AUTH_TOKEN"));
    }
}
