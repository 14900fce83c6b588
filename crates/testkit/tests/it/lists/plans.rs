//! How the databases run what a request reads.

use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use store::{Examined, Observer};
use testkit::Engine;

/// Gathers the statements between two calls, each examined by its database.
#[derive(Default)]
pub struct Plans {
    is_on: AtomicBool,
    gathered: Mutex<Vec<Examined>>,
}

impl Observer for Plans {
    fn committed(&self, _: usize, _: Duration) {}

    fn examines(&self) -> bool {
        self.is_on.load(Ordering::SeqCst)
    }

    fn examined(&self, statement: Examined) {
        self.gathered.lock().expect("nothing panics while it is held").push(statement);
    }
}

impl Plans {
    pub fn begin(&self) {
        self.is_on.store(true, Ordering::SeqCst);
    }

    pub fn end(&self, engine: Engine) -> Work {
        self.is_on.store(false, Ordering::SeqCst);
        let gathered = std::mem::take(&mut *self.gathered.lock().expect("nothing panics while it is held"));
        assert!(!gathered.is_empty(), "the request reads something");
        let mut work = Work::default();
        for statement in &gathered {
            let Examined { sql, plan, counters } = statement;
            let _ = writeln!(work.told, "{sql}\n{plan}\n{counters:?}");
            match engine {
                Engine::Sqlite => work.add_sqlite(statement),
                Engine::Postgres => work.add_postgres(statement),
            }
            assert!(!statement.sql.to_ascii_uppercase().contains("OFFSET"), "{}", statement.sql);
        }
        work
    }
}

/// What the statements of a request do together.
#[derive(Default)]
pub struct Work {
    /// On PostgreSQL the rows that its scans look at, those that a filter drops among them; on SQLite the
    /// steps of its machine, some for each column of each row.
    pub rows: usize,
    /// Scans of a table without an index.
    scans: Vec<String>,
    /// Sorts, each with the rows that it sorts where that is known.
    sorts: Vec<Option<usize>>,
    /// Statements and plans, for whoever must find out why.
    pub told: String,
}

impl Work {
    /// What that many rows of a list may take, with the look-ups that come before them. A list of
    /// conversations reads a page for each of the four states, of two tables.
    pub fn of_rows(engine: Engine, rows: usize) -> usize {
        match engine {
            Engine::Sqlite => 2_000 + rows * 400,
            Engine::Postgres => 50 + rows * 12,
        }
    }

    /// Refuses scans, and sorts of anything but a page.
    pub fn check(&self, name: &str, is_sorted: bool) {
        let is_own = |scan: &&String| is_sorted && *scan == "SCAN all_of_user";
        let scans: Vec<_> = self.scans.iter().filter(|scan| !is_own(scan)).collect();
        assert!(scans.is_empty(), "{name} scans {scans:?}:\n{}", self.told);
        let is_small = |sort: &&Option<usize>| sort.is_some_and(|rows| rows <= 101);
        let sorts = self.sorts.iter().filter(|sort| !is_small(sort)).count();
        assert!(sorts <= usize::from(is_sorted), "{name} sorts:\n{}", self.told);
    }

    fn add_sqlite(&mut self, statement: &Examined) {
        let counters = statement.counters.expect("SQLite counts");
        self.rows += usize::try_from(counters.steps).expect("a count");
        for step in statement.plan.lines() {
            // `k` is the page that more is joined to.
            if step.starts_with("SCAN ") && step != "SCAN k" {
                self.scans.push(step.to_owned());
            }
            // Within what an index has ordered already it sorts a few at a time, however many there are.
            let is_partial = step.contains("TEMP B-TREE FOR LAST");
            if step.contains("TEMP B-TREE") && !is_partial || step.contains("AUTOMATIC") {
                self.sorts.push(None);
            }
        }
    }

    fn add_postgres(&mut self, statement: &Examined) {
        let plan: Value = serde_json::from_str(&statement.plan).expect("the plan is JSON");
        self.node(&plan[0]["Plan"]);
    }

    fn node(&mut self, node: &Value) {
        let children = node["Plans"].as_array().map_or(&[][..], Vec::as_slice);
        let kind = node["Node Type"].as_str().expect("a kind");
        if kind.contains("Scan") && kind != "Subquery Scan" {
            let seen = looked_at(node);
            self.rows += seen;
            if kind == "Seq Scan" && seen > 101 {
                self.scans.push(node["Relation Name"].to_string());
            }
        }
        if kind.contains("Sort") {
            self.sorts.push(children.first().map(looked_at));
        }
        for child in children {
            self.node(child);
        }
    }
}

/// The rows that a node of a PostgreSQL plan gives and drops.
fn looked_at(node: &Value) -> usize {
    let count = |name: &str| node[name].as_f64().unwrap_or(0.0);
    let dropped = count("Rows Removed by Filter") + count("Rows Removed by Index Recheck");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a count of rows")]
    let rows = ((count("Actual Rows") + dropped) * count("Actual Loops")).round() as usize;
    rows
}
