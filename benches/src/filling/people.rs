//! Conversations, users and who is where: by the operations of the product.

use std::sync::Arc;

use anyhow::Context;
use conversations::{Participant, Path, User, Verb, Work, users};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use wire::{Form, Key, Sid};

use super::{Filler, Place, Town, told};

/// How many of them wait for the store at once.
const AT_ONCE: usize = 64;

/// The user who is in every conversation; Twilio allows a thousand.
pub const EVERYWHERE: &str = "everywhere";
/// Who is in as many as a page shows.
pub const OFTEN: &str = "often";
pub const OFTEN_IN: usize = 50;
/// Who is in one.
pub const ONCE: &str = "once";

/// The user who is in the conversation of this place and the one after it.
pub fn member(place: usize) -> String {
    format!("member-{place}")
}

/// Who is in the conversation of this place.
fn crowd(place: usize, conversations: usize) -> Vec<String> {
    let mut crowd = vec![member(place)];
    if conversations > 1 {
        crowd.push(member((place + conversations - 1) % conversations));
    }
    crowd.push(EVERYWHERE.to_owned());
    crowd.extend((place < OFTEN_IN).then(|| OFTEN.to_owned()));
    crowd.extend((place == 0).then(|| ONCE.to_owned()));
    crowd
}

impl Filler {
    /// Makes the conversations, and in each of them three to five chat participants.
    pub async fn settle_people(&self, town: &mut Town, conversations: usize) -> anyhow::Result<()> {
        let make = |place: usize| async move {
            let form = [("FriendlyName", "Support")];
            let made = self.perform("/Conversations", Vec::new(), &form).await?;
            let sid = made["sid"].as_str().context("it has a sid")?.to_owned();
            let mut speakers = Vec::new();
            for identity in crowd(place, conversations) {
                let participant = self.join(&sid, &identity).await?;
                speakers.push((identity, participant));
            }
            let sid = Sid::parse(&sid).context("it is a sid")?;
            anyhow::Ok(Place { sid, speakers, messages: 0 })
        };
        let places: Vec<_> = stream::iter(0..conversations).map(make).buffered(AT_ONCE).try_collect().await?;
        town.conversations.extend(places);
        Ok(())
    }

    async fn join(&self, conversation: &str, identity: &str) -> anyhow::Result<Sid<Participant>> {
        const TEMPLATE: &str = "/Conversations/{ConversationSid}/Participants";
        let values = vec![("ConversationSid", conversation.to_owned())];
        let made = self.perform(TEMPLATE, values, &[("Identity", identity)]).await?;
        made["sid"].as_str().and_then(Sid::parse).context("it has a sid")
    }

    /// The sids of users, for paths.
    pub async fn users(&self, identities: &[String]) -> anyhow::Result<Vec<String>> {
        let service = self.call.service_sid;
        let find = |identity: &String| {
            let key: Key<User> = Key::Name(identity.clone());
            async move {
                let found = self.store.read(move |tx| users::find(tx, service, &key)).await?;
                anyhow::Ok(found.context("the user is there")?.sid.to_string())
            }
        };
        stream::iter(identities).map(find).buffered(AT_ONCE).try_collect().await
    }

    /// What a POST to a list does.
    pub(super) async fn perform(
        &self,
        template: &str,
        values: Vec<(&'static str, String)>,
        form: &[(&str, &str)],
    ) -> anyhow::Result<Value> {
        let wanted = |verb, known| verb == Verb::Create && known == template;
        let operation = self.operations.iter().find(|one| wanted(one.verb, one.template));
        let operation = operation.with_context(|| format!("nothing is made at {template}"))?;
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let form = Form::parse(body.as_bytes()).map_err(|problem| anyhow::anyhow!("{problem}"))?;
        let work = operation.prepare(&self.call, &Arc::new(Path::new(values)), &form);
        let work = work.map_err(|problem| anyhow::anyhow!("{problem}"))?;
        let Work::Write(roots, work) = work else { anyhow::bail!("{template} only reads") };
        let answer = self.store.write(roots, work.run).await.map_err(|failure| told(&failure))?;
        Ok(serde_json::from_slice(&answer.body(&self.call))?)
    }
}
