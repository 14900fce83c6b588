//! What is gathered is what would have been written.

use std::path::Path;

use rusqlite::{Connection, ErrorCode};
use tertulia_gather::gather;

/// Rows fill a page each.
const WIDE: usize = 3000;

fn open(path: &Path, spills: bool) -> Connection {
    let connection = Connection::open(path).expect("it opens");
    let spill = if spills { "ON" } else { "OFF" };
    let pragmas = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; \
         PRAGMA cache_spill = {spill}; PRAGMA cache_size = 20; CREATE TABLE IF NOT EXISTS rows (n INTEGER PRIMARY KEY, text TEXT)"
    );
    connection.execute_batch(&pragmas).expect("the pragmas are known");
    connection
}

fn insert(connection: &Connection, numbers: std::ops::Range<i64>) {
    for number in numbers {
        let text = number.to_string().repeat(WIDE)[..WIDE].to_owned();
        connection.execute("INSERT INTO rows VALUES (?1, ?2)", (number, text)).expect("it is a new row");
    }
}

fn count(connection: &Connection) -> i64 {
    let well: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("it runs");
    assert_eq!(well, "ok");
    connection.query_row("SELECT COUNT(*) FROM rows", [], |row| row.get(0)).expect("the table is there")
}

fn run(connection: &Connection, sql: &str) {
    connection.execute_batch(sql).expect(sql);
}

/// How often this thread has written to anything.
#[cfg(target_os = "linux")]
fn writes() -> u64 {
    let counters = std::fs::read_to_string("/proc/thread-self/io").expect("Linux counts");
    let line = counters.lines().find_map(|line| line.strip_prefix("syscw: "));
    line.and_then(|number| number.parse().ok()).expect("a number of writes")
}

#[test]
fn others_see_each_commit_and_nothing_of_what_was_undone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("gathered.db");
    let (writer, other) = (open(&path, false), open(&path, false));
    assert!(gather(&writer));
    let mut expected = 0;
    for round in 0..40 {
        run(&writer, "BEGIN IMMEDIATE");
        insert(&writer, expected..expected + round);
        assert_eq!(count(&other), expected);
        if round % 4 == 3 {
            run(&writer, "ROLLBACK");
        } else {
            run(&writer, "COMMIT");
            expected += round;
        }
        assert_eq!(count(&other), expected);
        if round % 7 == 6 {
            run(if round % 2 == 0 { &writer } else { &other }, "PRAGMA wal_checkpoint(RESTART)");
        }
        if round % 5 == 4 {
            insert(&other, expected..expected + 1);
            expected += 1;
        }
    }
    drop((writer, other));
    assert_eq!(count(&open(&path, false)), expected);
}

#[test]
fn a_transaction_larger_than_the_cache_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("gathered.db");
    let (writer, other) = (open(&path, true), open(&path, true));
    assert!(gather(&writer));
    run(&writer, "BEGIN");
    insert(&writer, 0..500);
    run(&writer, "UPDATE rows SET text = text || 'x'");
    assert_eq!((count(&writer), count(&other)), (500, 0));
    run(&writer, "COMMIT");
    assert_eq!(count(&other), 500);
    run(&writer, "BEGIN; UPDATE rows SET text = 'short'; ROLLBACK");
    assert_eq!(count(&other), 500);
    // As if the power had gone: the log as it lies there is all that the next start has.
    let copy = folder.path().join("copy.db");
    for end in ["", "-wal"] {
        let name = |path: &Path| format!("{}{end}", path.display());
        std::fs::copy(name(&path), name(&copy)).expect("a copy");
    }
    assert_eq!(count(&open(&copy, true)), 500);
}

#[cfg(target_os = "linux")]
#[test]
fn a_commit_of_many_pages_is_a_few_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("gathered.db");
    let connection = open(&path, false);
    let cost = |numbers| {
        run(&connection, "BEGIN");
        insert(&connection, numbers);
        let before = writes();
        run(&connection, "COMMIT");
        writes() - before
    };
    let before = cost(0..100);
    assert!(before > 200, "{before}");
    assert!(gather(&connection));
    let after = cost(100..200);
    assert!(after <= 5, "{after}");
}

#[test]
fn only_a_log_is_gathered_and_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = Connection::open(folder.path().join("plain.db")).expect("it opens");
    assert!(!gather(&connection));
    let logged = open(&folder.path().join("logged.db"), false);
    assert!(gather(&logged) && !gather(&logged));
    insert(&logged, 0..10);
    assert_eq!(count(&logged), 10);
    run(&logged, "PRAGMA journal_mode = DELETE");
    insert(&logged, 10..20);
    assert_eq!(count(&logged), 20);
}

/// Where the second process of the test below works.
const CHILD: &str = "TERTULIA_GATHER_CHILD";

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_grow_fails_the_commit_and_harms_nothing() {
    if let Some(path) = std::env::var_os(CHILD) {
        let writer = open(Path::new(&path), false);
        assert!(gather(&writer));
        let mut committed = 0;
        let failure = loop {
            run(&writer, "BEGIN IMMEDIATE");
            insert(&writer, committed..committed + 7);
            match writer.execute_batch("COMMIT") {
                Ok(()) => committed += 7,
                Err(error) => break error,
            }
        };
        let code = failure.sqlite_error_code();
        assert!(matches!(code, Some(ErrorCode::SystemIoFailure | ErrorCode::DiskFull)), "{failure}");
        if !writer.is_autocommit() {
            run(&writer, "ROLLBACK");
        }
        assert_eq!(count(&writer), committed);
        println!("committed {committed}");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("gathered.db");
    drop(open(&path, false));
    // No file becomes longer than 512 KiB (or 1 MiB, as some shells count); a write beyond it fails, and no signal
    // comes.
    let name = "a_log_that_cannot_grow_fails_the_commit_and_harms_nothing";
    let child = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(std::env::current_exe().expect("the test's own program"))
        .arg(name)
        .env(CHILD, &path)
        .output()
        .expect("there is a shell");
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    let committed = said.lines().find_map(|line| line.split_once("committed ")).map(|(_, number)| number);
    let committed: i64 = committed.and_then(|number| number.trim().parse().ok()).expect("it said how many");
    assert!(committed > 50, "{committed}");
    assert_eq!(count(&open(&path, false)), committed);
}
