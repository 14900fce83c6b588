//! The clustered key of a message.

use crate::prelude::*;

/// The conversation's number and the message's index in one integer, so that the messages of one
/// conversation lie beside one another in their order, on both databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageKey(i64);

impl MessageKey {
    /// The largest index that a key holds.
    pub const LAST_INDEX: i64 = 0xFFFF_FFFF;

    /// An index beyond those that exist stands for the last one.
    pub fn new(number: i64, index: i64) -> Self {
        Self(number << 32 | index.clamp(0, Self::LAST_INDEX))
    }

    /// From the first possible key of a conversation up to, and without, the first of the next.
    pub fn range(number: i64) -> (Self, Self) {
        (Self::new(number, 0), Self::new(number + 1, 0))
    }

    /// What a page is sought by: an index, or the place before the first one.
    pub fn seek(number: i64, index: i64) -> i64 {
        if index < 0 { Self::new(number, 0).0 - 1 } else { Self::new(number, index).0 }
    }

    pub fn index(self) -> i64 {
        self.0 & Self::LAST_INDEX
    }
}

impl Value for MessageKey {
    fn cell(&self) -> Cell<'_> {
        Cell::Int(self.0)
    }
}

impl Column for MessageKey {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(packed) => Some(Self(packed)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_conversation_and_then_by_index() {
        let keys = [(1, 0), (1, 7), (1, MessageKey::LAST_INDEX), (2, 0), (9, 3)];
        let packed: Vec<_> = keys.iter().map(|&(number, index)| MessageKey::new(number, index)).collect();
        assert!(packed.is_sorted());
        assert_eq!(packed[1].index(), 7);
        let (first, end) = MessageKey::range(1);
        assert!(first <= packed[0] && packed[2] < end && end <= packed[3]);
    }
}
