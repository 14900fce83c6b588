//! The status of a receipt, and what the receipts of a message say together. Pure.

use crate::prelude::*;

/// How far a message has come with one recipient. Only the latest is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Sent,
    Delivered,
    Read,
    /// The channel took it and could not bring it.
    Undelivered,
    /// It never left.
    Failed,
}

impl Status {
    pub const ALL: [Self; 5] = [Self::Sent, Self::Delivered, Self::Read, Self::Undelivered, Self::Failed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// What a channel's word for a message's state says of its receipt, in any case. Words for what has
    /// not left yet say nothing, and so does a word that nobody knows.
    pub fn of_channel(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "canceled" => Some(Self::Failed),
            word => Self::from_name(word),
        }
    }

    /// Whether it is the end of a message that did not arrive: such a status has an error code.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Undelivered | Self::Failed)
    }

    /// Whether a receipt with the status `from` takes this one. Channels tell late, twice and out of
    /// order: a receipt only moves forward. What has arrived has not failed, whatever is told later, and
    /// what has failed stays so.
    pub fn follows(self, from: Option<Self>) -> bool {
        match (from, self) {
            (None, _) => true,
            (Some(Self::Sent), to) => to != Self::Sent,
            (Some(Self::Delivered), to) => to == Self::Read,
            (Some(Self::Read | Self::Undelivered | Self::Failed), _) => false,
        }
    }

    /// Whether a receipt with this status counts for `other` too: what was read had been delivered, and
    /// what was delivered had been sent.
    fn implies(self, other: Self) -> bool {
        match other {
            Self::Sent => !self.is_failure(),
            Self::Delivered => matches!(self, Self::Delivered | Self::Read),
            Self::Read | Self::Undelivered | Self::Failed => self == other,
        }
    }
}

impl Value for Status {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.name())
    }
}

impl Column for Status {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(name) => Self::from_name(name),
            _ => None,
        }
    }
}

/// How many of the receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Share {
    All,
    Some,
    None,
}

/// The summary that a message shows. Field order is the order of the JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    pub total: usize,
    pub sent: Share,
    pub delivered: Share,
    pub read: Share,
    pub failed: Share,
    pub undelivered: Share,
}

impl Delivery {
    /// The summary of all receipts of a message; none while none of them has a status.
    pub fn of(statuses: &[Option<Status>]) -> Option<Self> {
        if statuses.iter().all(Option::is_none) {
            return None;
        }
        let share = |wanted| {
            let counts = |status: &&Option<Status>| status.is_some_and(|status| status.implies(wanted));
            match statuses.iter().filter(counts).count() {
                0 => Share::None,
                count if count == statuses.len() => Share::All,
                _ => Share::Some,
            }
        };
        Some(Self {
            total: statuses.len(),
            sent: share(Status::Sent),
            delivered: share(Status::Delivered),
            read: share(Status::Read),
            failed: share(Status::Failed),
            undelivered: share(Status::Undelivered),
        })
    }

    /// As a message keeps it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a summary has only text keys")
    }
}

#[cfg(test)]
mod tests {
    use super::Status::{Delivered, Failed, Read, Sent, Undelivered};
    use super::*;

    const EVERY: [Option<Status>; 6] =
        [None, Some(Sent), Some(Delivered), Some(Read), Some(Undelivered), Some(Failed)];

    #[test]
    fn a_receipt_only_moves_forward() {
        // A row for each status that a receipt has, a column for each that is told.
        #[rustfmt::skip]
        let table = [
            //                    sent   delivered  read   undelivered  failed
            (None,              [true,  true,      true,  true,        true]),
            (Some(Sent),        [false, true,      true,  true,        true]),
            (Some(Delivered),   [false, false,     true,  false,       false]),
            (Some(Read),        [false, false,     false, false,       false]),
            (Some(Undelivered), [false, false,     false, false,       false]),
            (Some(Failed),      [false, false,     false, false,       false]),
        ];
        for (from, row) in table {
            let got = Status::ALL.map(|to| to.follows(from));
            assert_eq!(got, row, "{from:?}");
        }
    }

    #[test]
    fn whatever_order_a_channel_tells_in_the_end_is_the_same_as_in_its_own_order() {
        // All that one message of a channel with read receipts tells, each told once or twice.
        let told = [Sent, Delivered, Read, Sent, Delivered, Read];
        let mut order = [0, 1, 2, 3, 4, 5];
        permutations(&mut order, 0, &mut |order| {
            let end = order.iter().fold(None, |status, place| {
                let to = told[*place];
                if to.follows(status) { Some(to) } else { status }
            });
            assert_eq!(end, Some(Read), "{order:?}");
        });
    }

    fn permutations(order: &mut [usize; 6], from: usize, see: &mut impl FnMut(&[usize; 6])) {
        if from == order.len() {
            return see(order);
        }
        for place in from..order.len() {
            order.swap(from, place);
            permutations(order, from + 1, see);
            order.swap(from, place);
        }
    }

    #[test]
    fn channels_words_are_understood() {
        #[rustfmt::skip]
        let table = [
            ("accepted", None), ("scheduled", None), ("queued", None), ("sending", None),
            ("sent", Some(Sent)), ("SENT", Some(Sent)), ("delivered", Some(Delivered)), ("read", Some(Read)),
            ("undelivered", Some(Undelivered)), ("failed", Some(Failed)), ("canceled", Some(Failed)),
            ("receiving", None), ("", None), ("partially_delivered", None),
        ];
        for (word, expected) in table {
            assert_eq!(Status::of_channel(word), expected, "{word}");
        }
    }

    #[test]
    fn a_status_is_stored_and_shown_by_its_name() {
        for status in Status::ALL {
            assert_eq!(Status::from_cell(status.cell()), Some(status));
            let shown = serde_json::to_string(&status).expect("a name is text");
            assert_eq!(shown, format!("\"{}\"", status.name()));
        }
    }

    fn shown(statuses: &[Option<Status>]) -> String {
        Delivery::of(statuses).map_or_else(|| "null".to_owned(), |delivery| delivery.to_json())
    }

    #[test]
    fn the_summary_of_one_receipt() {
        let names = ["sent", "delivered", "read", "failed", "undelivered"];
        #[rustfmt::skip]
        let table = [
            (Some(Sent),        ["all",  "none", "none", "none", "none"]),
            (Some(Delivered),   ["all",  "all",  "none", "none", "none"]),
            (Some(Read),        ["all",  "all",  "all",  "none", "none"]),
            (Some(Failed),      ["none", "none", "none", "all",  "none"]),
            (Some(Undelivered), ["none", "none", "none", "none", "all"]),
        ];
        for (status, row) in table {
            let members: Vec<String> =
                names.iter().zip(row).map(|(name, share)| format!("\"{name}\":\"{share}\"")).collect();
            assert_eq!(shown(&[status]), format!("{{\"total\":1,{}}}", members.join(",")), "{status:?}");
        }
        assert_eq!(shown(&[None]), "null");
        assert_eq!(shown(&[]), "null");
    }

    #[test]
    fn the_example_of_the_documentation() {
        let statuses = [Some(Sent), Some(Delivered), Some(Delivered), Some(Read), Some(Sent)];
        let expected = "{\"total\":5,\"sent\":\"all\",\"delivered\":\"some\",\"read\":\"some\",\
             \"failed\":\"none\",\"undelivered\":\"none\"}";
        assert_eq!(shown(&statuses), expected);
    }

    /// The rules in other words, over counts.
    fn expected(statuses: &[Option<Status>]) -> Option<[Share; 5]> {
        let count = |status| statuses.iter().filter(|other| **other == Some(status)).count();
        let (read, failed, undelivered) = (count(Read), count(Failed), count(Undelivered));
        let delivered = read + count(Delivered);
        let sent = delivered + count(Sent);
        let share = |count| match count {
            0 => Share::None,
            _ if count == statuses.len() => Share::All,
            _ => Share::Some,
        };
        let shares = [sent, delivered, read, failed, undelivered].map(share);
        (sent + failed + undelivered > 0).then_some(shares)
    }

    #[test]
    fn the_summary_of_every_combination_of_four_receipts() {
        for number in 0..6_usize.pow(4) {
            for length in 1..=4 {
                let statuses: Vec<_> =
                    (0..length).map(|place| EVERY[number / 6_usize.pow(place) % 6]).collect();
                let got = Delivery::of(&statuses);
                let shares = got.as_ref().map(|d| [d.sent, d.delivered, d.read, d.failed, d.undelivered]);
                assert_eq!(shares, expected(&statuses), "{statuses:?}");
                assert!(got.is_none_or(|delivery| delivery.total == statuses.len()));
            }
        }
    }
}
