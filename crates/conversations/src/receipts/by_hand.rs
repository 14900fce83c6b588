//! A receipt moved on by hand: whoever tests without a channel tells what one would.

use super::{OF_PARTICIPANT, Progress, Receipt, Shown, Status, move_status};
use crate::Message;
use crate::events::Cause;
use crate::ids::Ids;
use crate::prelude::*;
use crate::{heads, messages, participants, services};

/// The largest code of an error that is taken.
const LARGEST_ERROR_CODE: i64 = 99_999;

/// The message that is spoken of.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub account_sid: Sid<Account>,
    pub chat_service_sid: Sid<Service>,
    pub conversation_sid: Sid<Conversation>,
    pub message_sid: Sid<Message>,
}

/// What became of it with one participant.
#[derive(Clone, Debug)]
pub struct TellReceipt {
    participant_sid: Sid<Participant>,
    status: Status,
    error_code: Option<i64>,
}

impl TellReceipt {
    /// Status and participant must be there, and a code only where something has failed.
    pub fn from_form(form: &Form) -> Result<Self, Problem> {
        let participant_sid: Option<Sid<Participant>> =
            form.sid("ParticipantSid", Problem::invalid_parameter("ParticipantSid"))?;
        let missing = || Problem::parameter("Missing parameter Status");
        let status = form.required("Status", missing())?.to_ascii_lowercase();
        let status = Status::from_name(&status).ok_or_else(|| Problem::invalid_parameter("Status"))?;
        let invalid = || Problem::invalid_parameter("ErrorCode");
        let error_code = match form.get("ErrorCode") {
            None | Some("") => None,
            Some(code) => Some(code.parse::<i64>().map_err(|_| invalid())?),
        };
        if error_code.is_some_and(|code| !(1..=LARGEST_ERROR_CODE).contains(&code)) {
            return Err(invalid());
        }
        if error_code.is_some() && !status.is_failure() {
            return Err(Problem::parameter("Only what is failed or undelivered has an ErrorCode"));
        }
        let participant_sid =
            participant_sid.ok_or_else(|| Problem::parameter("Missing parameter ParticipantSid"))?;
        Ok(Self { participant_sid, status, error_code })
    }
}

/// Moves the receipt of a participant on, as a channel does with [`move_status`]. None where the message is not
/// there, which is looked for before the form is judged. What a channel would tell in vain is refused.
pub fn tell(
    tx: &mut Tx<'_>,
    ids: &dyn Ids,
    place: &Place,
    told: &Result<TellReceipt, Problem>,
) -> Result<Option<Shown>, Failure> {
    let Place { account_sid, chat_service_sid, conversation_sid, message_sid } = *place;
    if services::find(tx, account_sid, chat_service_sid)?.is_none() {
        return Ok(None);
    }
    tx.lock(&Roots::one(Conversation::root(conversation_sid)))?;
    let Some(head) = heads::find(tx, chat_service_sid, &Key::Sid(conversation_sid))? else { return Ok(None) };
    let Some(message) = messages::find(tx, &head, message_sid)? else { return Ok(None) };
    let TellReceipt { participant_sid, status, error_code } = told.clone()?;
    let found: Option<Receipt> = tx.find(OF_PARTICIPANT, &[&message.key, &participant_sid])?;
    let Some(receipt) = found else {
        return match participants::find(tx, head.sid, &Key::Sid(participant_sid))? {
            Some(_) => Err(Problem::conflict("The message goes to this participant by no channel").into()),
            None => Err(Problem::PARTICIPANT_NOT_FOUND.into()),
        };
    };
    if let Some(before) = receipt.status.filter(|_| !status.follows(receipt.status)) {
        let (from, to) = (before.name(), status.name());
        return Err(Problem::conflict(format!("A receipt that is {from} does not become {to}")).into());
    }
    let cause = Cause::of_server(account_sid, chat_service_sid, ids);
    let progress = Progress { status: Some(status), error_code, channel_message_sid: None };
    let moved = move_status(tx, &cause, head.sid, receipt.sid, &progress)?;
    Ok(moved.map(|receipt| Shown { receipt, account_sid }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Result<(Status, Option<i64>), String> {
        let form = Form::parse(form.as_bytes()).expect("a form");
        match TellReceipt::from_form(&form) {
            Ok(told) => Ok((told.status, told.error_code)),
            Err(problem) => Err(problem.message.into_owned()),
        }
    }

    #[test]
    fn a_status_and_a_participant_are_needed_and_only_a_failure_has_a_code() {
        let said = |form: &str| read(&format!("ParticipantSid=MB00000000000000000000000000000001&{form}"));
        assert_eq!(said("Status=sent"), Ok((Status::Sent, None)));
        assert_eq!(said("Status=READ&ErrorCode="), Ok((Status::Read, None)));
        assert_eq!(said("Status=failed&ErrorCode=30003"), Ok((Status::Failed, Some(30003))));
        assert_eq!(said("Status=undelivered"), Ok((Status::Undelivered, None)));
        for form in
            ["", "Status=", "Status=queued", "Status=sent&ErrorCode=30003", "Status=failed&ErrorCode=0"]
        {
            assert!(said(form).is_err(), "{form}");
        }
        for code in ["-1", "100000", "x", "99999999999999999999"] {
            assert!(said(&format!("Status=failed&ErrorCode={code}")).is_err(), "{code}");
        }
        assert_eq!(read("Status=sent"), Err("Missing parameter ParticipantSid".to_owned()));
        assert!(read("Status=sent&ParticipantSid=alice").is_err());
    }
}
