//! Messages, dozens of a conversation at a time: the rows that a create writes, under one head that has counted
//! them all.

use std::sync::Arc;

use anyhow::Context;
use conversations::heads::{self, Head, State};
use conversations::messages::MessageKey;
use conversations::{Call, Conversation, Failure, Message, Participant};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::{Roots, StoreError, Tx};
use wire::{Attributes, Key, Problem, Sid};

use super::{Filler, Town, told};

/// How many a conversation gets before the next one has its turn, so that they lie in the database as they would
/// have come: all over it, not one conversation after the other.
const IN_TURN: u64 = 50;
/// How many share a job at most: it is one piece of a transaction.
const IN_JOB: u64 = 500;
/// How many jobs wait for the store at once.
const AT_ONCE: usize = 128;

/// What is said, as long as the load's own messages.
pub(super) const BODY: &str = "The parcel has left our house this morning and should be with you by Thursday";
pub(super) const ATTRIBUTES: &str = r#"{"order": 4711, "urgent": false}"#;

/// Whoever speaks: identity, sid of the participant.
pub(super) type Speakers = Arc<[(String, Sid<Participant>)]>;

impl Filler {
    /// Lets everybody talk until there are so many messages in all, and tells how many that took. The first
    /// conversation has at least `deepest` then, the others have as many as one another, but none has fewer than it
    /// had: whoever is ahead, because a server has made messages meanwhile, waits for the rest.
    pub async fn grow(&self, town: &mut Town, messages: u64, deepest: u64) -> anyhow::Result<u64> {
        self.count(town).await?;
        let there: Vec<_> = town.conversations.iter().map(|place| place.messages).collect();
        let mut missing = Vec::new();
        for (place, share) in town.conversations.iter_mut().zip(shares(&there, messages, deepest)) {
            let speakers: Speakers = place.speakers.clone().into();
            missing.push((place.sid, speakers, share));
            place.messages += share;
        }
        let jobs = jobs(missing.iter().map(|(_, _, count)| *count).collect());
        let say = |(place, count): (usize, u64)| {
            let (conversation, speakers, _) = &missing[place];
            let (conversation, speakers, call) =
                (*conversation, Arc::clone(speakers), Arc::clone(&self.call));
            let roots = Roots::one(Conversation::root(conversation));
            self.store.write(roots, move |tx| say(tx, &call, conversation, (&speakers, count)))
        };
        let said = stream::iter(jobs).map(say).buffer_unordered(AT_ONCE);
        said.try_for_each(|()| async { Ok(()) }).await.map_err(|failure| told(&failure))?;
        Ok(missing.iter().map(|(_, _, count)| count).sum())
    }
}

impl Filler {
    /// Notes how many messages there are by now: a server may have made some meanwhile.
    async fn count(&self, town: &mut Town) -> anyhow::Result<()> {
        let service = self.call.service_sid;
        let sids: Vec<_> = town.conversations.iter().map(|place| place.sid).collect();
        let count = move |tx: &mut Tx<'_>| {
            let count = |sid| heads::find(tx, service, &Key::Sid(sid));
            sids.into_iter().map(count).collect::<Result<Vec<_>, StoreError>>()
        };
        for (place, head) in town.conversations.iter_mut().zip(self.store.read(count).await?) {
            let head = head.context("a conversation is gone")?;
            place.messages = u64::try_from(head.messages)?;
        }
        Ok(())
    }
}

/// How many messages each conversation gets, so that there are so many in all. Nothing where there are already.
fn shares(there: &[u64], messages: u64, deepest: u64) -> Vec<u64> {
    let missing = messages.saturating_sub(there.iter().sum());
    match there {
        [first, others @ ..] if deepest > 0 && !others.is_empty() => {
            let share = deepest.saturating_sub(*first).min(missing);
            [vec![share], leveled(others, missing - share)].concat()
        }
        _ => leveled(there, missing),
    }
}

/// What each gets of `messages`, as water fills a vessel whose floor is uneven.
fn leveled(there: &[u64], messages: u64) -> Vec<u64> {
    let under = |level: u64| there.iter().map(|had| level.saturating_sub(*had)).sum::<u64>();
    // The highest level for which there is enough: between none at all and one that takes more.
    let (mut level, mut above) = (0, there.iter().max().map_or(0, |most| most + messages + 1));
    while above - level > 1 {
        let middle = u64::midpoint(level, above);
        *(if under(middle) <= messages { &mut level } else { &mut above }) = middle;
    }
    let mut left = messages - under(level);
    let share = |had: &u64| {
        let one = u64::from(left > 0 && *had <= level);
        left -= one;
        level.saturating_sub(*had) + one
    };
    there.iter().map(share).collect()
}

/// Which conversation is to get how many next, until nothing is missing. A conversation that lacks more than others
/// gets more in its turn, so that all end together.
fn jobs(missing: Vec<u64>) -> impl Iterator<Item = (usize, u64)> {
    let mut sorted = missing.clone();
    sorted.sort_unstable();
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    let turns = usual.div_ceil(IN_TURN).max(1);
    (0..turns).flat_map(move |turn| {
        let missing = missing.clone();
        let until = move |count: u64, turn: u64| count * turn / turns;
        (0..missing.len()).flat_map(move |place| {
            let count = until(missing[place], turn + 1) - until(missing[place], turn);
            (0..count.div_ceil(IN_JOB)).map(move |job| (place, IN_JOB.min(count - job * IN_JOB)))
        })
    })
}

/// Lets the participants of a conversation speak in turn.
pub(super) fn say(
    tx: &mut Tx<'_>,
    call: &Call,
    conversation: Sid<Conversation>,
    (speakers, count): (&Speakers, u64),
) -> Result<(), Failure> {
    let head = heads::find(tx, call.service_sid, &Key::Sid(conversation))?;
    let mut head = head.ok_or(Problem::CONVERSATION_NOT_FOUND)?;
    head.require_open()?;
    for (author, participant_sid) in speakers.iter().cycle().take(usize::try_from(count).unwrap_or(0)) {
        let message = next(tx, call, &mut head, (author, *participant_sid));
        tx.append(&message)?;
    }
    heads::replace(tx, &head)?;
    Ok(())
}

/// The next message of a head, which counts it. No `..` here: what a message has more one day is to be thought of.
fn next(
    tx: &Tx<'_>,
    call: &Call,
    head: &mut Head,
    (author, participant_sid): (&str, Sid<Participant>),
) -> Message {
    let (now, index) = (tx.now(), head.next_index);
    let position = head.advance();
    head.state = State::Active;
    head.document_position = position;
    head.next_index += 1;
    head.last_message_index = Some(index);
    head.last_message_at = Some(now);
    head.last_activity = now;
    head.messages += 1;
    head.arm(now);
    Message {
        key: MessageKey::new(head.number, index),
        sid: call.new_sid(now),
        conversation_sid: head.sid,
        author: author.to_owned(),
        participant_sid: Some(participant_sid),
        body: Some(BODY.to_owned()),
        subject: None,
        attributes: Attributes::parse(ATTRIBUTES, usize::MAX).unwrap_or_default(),
        media: None,
        content_sid: None,
        delivery: None,
        last_updated_by: None,
        date_created: now,
        date_updated: now,
        position_added: position,
        position_changed: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_whole() {
        assert_eq!(shares(&[0, 0, 0, 0], 10, 0), [3, 3, 2, 2]);
        assert_eq!(shares(&[0, 0, 0, 0], 10, 5), [5, 2, 2, 1]);
        assert_eq!(shares(&[0, 0, 0], 2, 9), [2, 0, 0]);
        assert_eq!(shares(&[], 2, 9), [0; 0]);
    }

    #[test]
    fn whoever_is_ahead_gets_nothing_and_the_others_share_the_rest() {
        assert_eq!(shares(&[7, 2, 2], 15, 0), [0, 2, 2]);
        assert_eq!(shares(&[7, 2, 4], 14, 0), [0, 1, 0]);
        assert_eq!(shares(&[9, 2, 2], 18, 8), [0, 3, 2]);
        assert_eq!(shares(&[1, 5, 2], 18, 8), [7, 0, 3]);
        assert_eq!(shares(&[9, 2, 2], 12, 8), [0, 0, 0]);
    }

    #[test]
    fn every_message_has_its_job_and_turns_go_round() {
        let missing = [1201, 120, 121, 0];
        let jobs: Vec<_> = jobs(missing.to_vec()).collect();
        for (place, count) in missing.iter().enumerate() {
            let given: u64 = jobs.iter().filter(|(of, _)| *of == place).map(|(_, count)| count).sum();
            assert_eq!(given, *count);
        }
        assert!(jobs.iter().all(|(_, count)| (1..=IN_JOB).contains(count)));
        let second: Vec<_> = jobs.iter().filter(|(of, _)| *of == 1).map(|(_, count)| *count).collect();
        assert_eq!(second, [40, 40, 40]);
    }
}
