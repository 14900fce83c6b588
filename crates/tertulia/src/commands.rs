//! `tertulia account`, `tertulia key`, `tertulia token` and `tertulia template`.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Context;
use serde_json::{Value, json};

use crate::administration::Administration;
use crate::arguments::{AccountCommand, Common, KeyCommand, TemplateCommand, TokenArguments, Which};

const SHOWN: [&str; 6] = ["sid", "auth_token", "secret", "status", "date_created", "friendly_name"];

/// `tertulia account`.
pub fn account(command: &AccountCommand) -> anyhow::Result<()> {
    match command {
        AccountCommand::List { common } => {
            let answer = Administration::reach(&common.place)?.ask("GET", "/Accounts", &[])?;
            print(common, &answer);
        }
        AccountCommand::Create { friendly_name, common } => {
            let form = named(friendly_name.as_deref());
            print(common, &Administration::reach(&common.place)?.ask("POST", "/Accounts", &form)?);
        }
        AccountCommand::Rotate { sid, which, common } => {
            let which = match which {
                Which::Primary => "primary",
                Which::Secondary => "secondary",
            };
            let path = format!("/Accounts/{}/AuthTokens", plain(sid)?);
            print(common, &Administration::reach(&common.place)?.ask("POST", &path, &[("Which", which)])?);
        }
        AccountCommand::Promote { sid, common } => {
            let path = format!("/Accounts/{}/AuthTokens/Promote", plain(sid)?);
            print(common, &Administration::reach(&common.place)?.ask("POST", &path, &[])?);
        }
    }
    Ok(())
}

/// `tertulia key`.
pub fn key(command: &KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::List { account, common } => {
            let administration = Administration::reach(&common.place)?;
            let account_sid = of_account(&administration, account.account_sid.as_deref())?;
            print(common, &administration.ask("GET", &format!("/Keys?AccountSid={account_sid}"), &[])?);
        }
        KeyCommand::Create { friendly_name, account, common } => {
            let administration = Administration::reach(&common.place)?;
            let account_sid = of_account(&administration, account.account_sid.as_deref())?;
            let form = named(friendly_name.as_deref());
            print(common, &administration.ask("POST", &format!("/Keys?AccountSid={account_sid}"), &form)?);
        }
        KeyCommand::Delete { sid, account, common } => {
            let administration = Administration::reach(&common.place)?;
            let account_sid = of_account(&administration, account.account_sid.as_deref())?;
            let path = format!("/Keys/{}?AccountSid={account_sid}", plain(sid)?);
            print(common, &administration.ask("DELETE", &path, &[])?);
        }
    }
    Ok(())
}

/// `tertulia token`. The token stands alone, so that a shell can take it.
pub fn token(arguments: &TokenArguments) -> anyhow::Result<()> {
    let TokenArguments { identity, service, ttl, key, push_credential, account, common } = arguments;
    let administration = Administration::reach(&common.place)?;
    let account_sid = of_account(&administration, account.account_sid.as_deref())?;
    let ttl = ttl.to_string();
    let mut form = vec![("Identity", identity.as_str()), ("Ttl", &ttl)];
    let named = [("ChatServiceSid", service), ("KeySid", key), ("PushCredentialSid", push_credential)];
    form.extend(named.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))));
    let answer = administration.ask("POST", &format!("/Tokens?AccountSid={account_sid}"), &form)?;
    if common.json {
        print(common, &answer);
    } else {
        let token = answer["token"].as_str().context("the answer has no token")?;
        let _ = writeln!(std::io::stdout().lock(), "{token}");
    }
    Ok(())
}

/// `tertulia template`.
pub fn template(command: &TemplateCommand) -> anyhow::Result<()> {
    match command {
        TemplateCommand::List { account, common } => {
            let administration = Administration::reach(&common.place)?;
            let account_sid = of_account(&administration, account.account_sid.as_deref())?;
            print(common, &templates(&administration, &account_sid)?);
        }
        TemplateCommand::Create { text, friendly_name, sid, account, common } => {
            let administration = Administration::reach(&common.place)?;
            let account_sid = of_account(&administration, account.account_sid.as_deref())?;
            let types = json!({"twilio/text": {"body": text}}).to_string();
            let mut form = named(friendly_name.as_deref());
            form.push(("Types", &types));
            form.extend(sid.as_deref().map(|sid| ("Sid", sid)));
            let path = format!("/ContentTemplates?AccountSid={account_sid}");
            print(common, &administration.ask("POST", &path, &form)?);
        }
        TemplateCommand::Delete { sid, account, common } => {
            let administration = Administration::reach(&common.place)?;
            let account_sid = of_account(&administration, account.account_sid.as_deref())?;
            let path = format!("/ContentTemplates/{}?AccountSid={account_sid}", plain(sid)?);
            print(common, &administration.ask("DELETE", &path, &[])?);
        }
    }
    Ok(())
}

/// All of an account's templates, from as many pages as there are.
fn templates(administration: &Administration, account_sid: &str) -> anyhow::Result<Value> {
    let mut path = format!("/ContentTemplates?AccountSid={account_sid}&PageSize=1000");
    let mut found = Vec::new();
    loop {
        let page = administration.ask("GET", &path, &[])?;
        found.extend(page["contents"].as_array().into_iter().flatten().cloned());
        let next = page["meta"]["next_page_url"].as_str().and_then(|url| url.split_once("/tertulia/v1"));
        match next {
            Some((_, next)) => next.clone_into(&mut path),
            None => return Ok(json!({"contents": found})),
        }
    }
}

fn named(friendly_name: Option<&str>) -> Vec<(&'static str, &str)> {
    friendly_name.map(|name| ("FriendlyName", name)).into_iter().collect()
}

/// The account that was named, or the oldest one.
pub fn of_account(administration: &Administration, given: Option<&str>) -> anyhow::Result<String> {
    if let Some(sid) = given {
        return Ok(plain(sid)?.to_owned());
    }
    let accounts = administration.ask("GET", "/Accounts", &[])?;
    let oldest = accounts["accounts"][0]["sid"].as_str();
    Ok(oldest.context("there is no account yet; `tertulia account create` makes one")?.to_owned())
}

/// What goes into a path must be a sid's letters and digits.
pub fn plain(sid: &str) -> anyhow::Result<&str> {
    let is_plain = !sid.is_empty() && sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain.then_some(sid).with_context(|| format!("`{sid}` is not a sid"))
}

fn print(common: &Common, answer: &Value) {
    let text = if common.json { format!("{answer:#}\n") } else { shown(answer) };
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// A line for each item of a list, or for each member of a single thing.
fn shown(answer: &Value) -> String {
    let Some(members) = answer.as_object() else { return "done\n".to_owned() };
    let mut lines = String::new();
    if let [Value::Array(items)] = members.values().collect::<Vec<_>>()[..] {
        for item in items {
            let cells: Vec<_> = cells(item).map(|(_, cell)| cell).collect();
            lines.push_str(&cells.join("  "));
            lines.push('\n');
        }
        return lines;
    }
    for (name, cell) in cells(answer) {
        let _ = writeln!(lines, "{name:15}{cell}");
    }
    lines
}

/// What people want to see of a thing, in their order.
fn cells(thing: &Value) -> impl Iterator<Item = (&'static str, &str)> {
    SHOWN.into_iter().filter_map(|name| Some((name, thing.get(name)?.as_str()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_lines_and_single_things_have_members() {
        let list = json!({"keys": [{"sid": "SK1", "friendly_name": "a", "date_created": "now"}]});
        assert_eq!(shown(&list), "SK1  now  a\n");
        assert_eq!(shown(&json!({"keys": []})), "");
        let account = json!({"status": "active", "sid": "AC1", "auth_token": "t", "version": null});
        assert_eq!(shown(&account), "sid            AC1\nauth_token     t\nstatus         active\n");
        assert_eq!(shown(&Value::Null), "done\n");
    }

    #[test]
    fn a_path_takes_nothing_but_letters_and_digits() {
        assert!(plain("AC00112233445566778899aabbccddeeff").is_ok());
        for wrong in ["", "../x", "a?b", "a b"] {
            assert!(plain(wrong).is_err(), "{wrong}");
        }
    }
}
