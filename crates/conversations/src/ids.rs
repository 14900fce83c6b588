//! New sids and secrets: the only source of chance in this crate, so that tests can hold it still.

use std::sync::Mutex;

use wire::Timestamp;

/// Where new sids and secrets come from.
pub trait Ids: Send + Sync + 'static {
    /// The 16 bytes of a new sid. Sids made later sort later.
    fn sid(&self, now: Timestamp) -> [u8; 16];

    /// 32 bytes that nobody can guess.
    fn secret(&self) -> [u8; 32];

    /// The 16 bytes of a request's id.
    fn request_id(&self, now: Timestamp, _: Asker) -> [u8; 16] {
        self.sid(now)
    }
}

/// Whose request it is. Nobody knows how often a probe comes by, so it takes no id from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    Client,
    Probe,
}

/// UUIDv7: time-ordered, so that new rows lie beside one another, and unguessable in its last 62 bits.
#[derive(Default)]
pub struct RandomIds {
    last: Mutex<(u64, u16)>,
    /// Random bytes that are fetched ahead, because the operating system wants a call for each fetch.
    ahead: Mutex<Ahead>,
}

/// Random bytes that nobody has seen, and how many of them are used up. Used ones are wiped.
struct Ahead {
    bytes: [u8; 1024],
    used: usize,
}

impl RandomIds {
    /// The millisecond and the counter within it of the next sid: never behind those of the sid before.
    fn tick(&self, now: Timestamp) -> (u64, u16) {
        let milliseconds = u64::try_from(now.micros() / 1000).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
        let mut last = self.last.lock().expect("nothing panics while it is held");
        *last = match *last {
            (at, counter) if milliseconds <= at && counter < 0xFFF => (at, counter + 1),
            (at, _) if milliseconds <= at => (at + 1, 0),
            _ => (milliseconds, 0),
        };
        *last
    }

    /// Eight bytes that nobody can guess.
    fn tail(&self) -> [u8; 8] {
        self.ahead.lock().expect("nothing panics while it is held").take()
    }
}

impl Ahead {
    fn take(&mut self) -> [u8; 8] {
        if self.used >= self.bytes.len() {
            fill(&mut self.bytes);
            self.used = 0;
        }
        let mut taken = [0; 8];
        taken.swap_with_slice(&mut self.bytes[self.used..self.used + 8]);
        self.used += 8;
        taken
    }
}

impl Default for Ahead {
    fn default() -> Self {
        let bytes = [0; 1024];
        Self { used: bytes.len(), bytes }
    }
}

impl Ids for RandomIds {
    fn sid(&self, now: Timestamp) -> [u8; 16] {
        let (milliseconds, counter) = self.tick(now);
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&self.tail());
        bytes[..6].copy_from_slice(&milliseconds.to_be_bytes()[2..]);
        bytes[6..8].copy_from_slice(&(0x7000 | counter).to_be_bytes());
        bytes[8] = 0x80 | (bytes[8] & 0x3F);
        bytes
    }

    fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        fill(&mut bytes);
        bytes
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one source of chance")]
fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)].into());
        text.push(DIGITS[usize::from(byte & 15)].into());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sids_sort_in_the_order_they_were_made_even_when_the_clock_stands_still_or_goes_back() {
        let ids = RandomIds::default();
        let mut made = Vec::new();
        for step in 0..20_000_i64 {
            let now = Timestamp::from_micros(1_700_000_000_000_000 - step % 3 * 1_000_000);
            made.push(ids.sid(now));
        }
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn no_two_sids_end_alike() {
        let (ids, now) = (RandomIds::default(), Timestamp::from_micros(1_700_000_000_000_000));
        let ends: std::collections::HashSet<_> = (0..1000).map(|_| ids.sid(now)[8..].to_vec()).collect();
        assert_eq!(ends.len(), 1000);
    }

    #[test]
    fn a_sid_is_a_version_7_uuid() {
        let sid = RandomIds::default().sid(Timestamp::from_micros(1_700_000_000_123_456));
        assert_eq!(hex(&sid[..6]), format!("{:012x}", 1_700_000_000_123_u64));
        assert_eq!(sid[6] >> 4, 7);
        assert_eq!(sid[8] >> 6, 2);
    }
}
