//! Which threads stand back from the others where processors are scarce.

use std::fs::read_to_string;

use store::{Roots, StoreError};

use crate::bed::{Engine, on_both};

/// The niceness of a thread, by its `stat`: the 19th field, of which the second may hold anything up to a parenthesis.
fn niceness(stat: &str) -> i32 {
    let text = read_to_string(stat).unwrap();
    text.rsplit(") ").next().unwrap().split(' ').nth(16).unwrap().parse().unwrap()
}

#[test]
fn only_the_writer_of_sqlite_does() {
    on_both(async |bed| {
        let of_process = niceness("/proc/self/stat");
        let of_writer =
            bed.store.write(Roots::none(), |_| Ok::<_, StoreError>(niceness("/proc/thread-self/stat")));
        let of_reader = bed.store.read(|_| Ok::<_, StoreError>(niceness("/proc/thread-self/stat")));
        let back = if bed.engine == Engine::Sqlite { 10 } else { 0 };
        assert_eq!(of_writer.await.unwrap(), (of_process + back).min(19), "{:?}", bed.engine);
        assert_eq!(of_reader.await.unwrap(), of_process, "{:?}", bed.engine);
    });
}
