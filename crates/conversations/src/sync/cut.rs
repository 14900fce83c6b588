//! Cuts: places between the elements of a list or a map, from which a page goes up or down.
//!
//! Every element has a number: a message its index, what is called by a sid the 128 bits of its digits. A cut lies
//! below the element of its number and above all lower ones, whether or not there is such an element.

use crate::prelude::*;

/// Numbers from the first to the last, both included.
pub(super) type Range = (u128, u128);

/// Just below the element of this number; none is above all elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut(pub Option<u128>);

impl Cut {
    pub fn below(place: u128) -> Self {
        Self(Some(place))
    }

    pub fn above(place: u128) -> Self {
        Self(place.checked_add(1))
    }

    /// What lies above it, or below it.
    pub fn side(self, is_up: bool) -> Option<Range> {
        match (self.0, is_up) {
            (Some(place), true) => Some((place, u128::MAX)),
            (Some(place), false) => place.checked_sub(1).map(|last| (0, last)),
            (None, true) => None,
            (None, false) => Some((0, u128::MAX)),
        }
    }
}

/// A page that is asked for: which way it is shown, how long it is, and where it begins. It is its own token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub is_descending: bool,
    pub size: i64,
    /// From where, and whether up or down from there; none from the first one shown.
    pub start: Option<(Cut, bool)>,
}

/// Answered at once.
pub(super) const LARGEST: i64 = 100;

impl Asked {
    pub fn token(&self) -> String {
        let order = if self.is_descending { "desc" } else { "asc" };
        match self.start {
            None => format!("{order}-{}", self.size),
            Some((cut, is_up)) => {
                let way = if is_up { "up" } else { "down" };
                let place = cut.0.map_or_else(|| "end".to_owned(), |place| format!("{place:x}"));
                format!("{order}-{}-{way}-{place}", self.size)
            }
        }
    }

    pub fn parse(token: &str) -> Option<Self> {
        let mut parts = token.split('-');
        let is_descending = match parts.next()? {
            "asc" => false,
            "desc" => true,
            _ => return None,
        };
        let size = parts.next()?.parse().ok().filter(|size| (1..=LARGEST).contains(size))?;
        let start = match parts.next() {
            None => None,
            Some(way @ ("up" | "down")) => {
                let place = match parts.next()? {
                    "end" => None,
                    digits => Some(u128::from_str_radix(digits, 16).ok()?),
                };
                Some((Cut(place), way == "up"))
            }
            Some(_) => return None,
        };
        parts.next().is_none().then_some(Self { is_descending, size, start })
    }
}

/// The number of the first sid whose text is not below `text`, none where all are; and whether it is that text.
pub(super) fn first_sid<R: Prefix>(text: &str) -> (Cut, bool) {
    let (mut low, mut high) = (0_u128, u128::MAX);
    let name = |place: u128| Sid::<R>::from_bytes(place.to_be_bytes()).to_string();
    while low < high {
        let middle = low + (high - low) / 2;
        if *name(middle) < *text {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let found = name(low);
    if *found < *text { (Cut(None), false) } else { (Cut::below(low), found == text) }
}
