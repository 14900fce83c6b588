//! Every statement is understood by both databases: all that stand as text in the product's source, so
//! that none can be forgotten.

use std::path::Path;

use conversations::heads::Head;
use conversations::{Visitor, each_record};
use store::Record;
use testkit::on_both;

use super::product;

/// The texts of `const NAME: &str = "...";` in a source file, continued lines joined as the compiler does.
fn constants(source: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(": &str =") {
        rest = &rest[at + ": &str =".len()..];
        let Some(text) = rest.trim_start().strip_prefix('"') else { continue };
        let Some((text, after)) = text.split_once("\";") else { continue };
        let mut lines = text.split("\\\n");
        let first = lines.next().unwrap_or_default().to_owned();
        texts.push(lines.fold(first, |joined, line| joined + line.trim_start()));
        rest = after;
    }
    texts
}

/// The tables and columns of every record.
#[derive(Default)]
struct Tables(Vec<(&'static str, &'static str)>);

impl Visitor for Tables {
    fn visit<R: Record>(&mut self) {
        self.0.push((R::TABLE, R::COLUMNS));
    }
}

/// A whole statement of what stands in `file`: conditions follow the SELECT of the file's record.
fn statement(text: &str, (file, source): (&Path, &str), tables: &[(&str, &str)]) -> Option<String> {
    let is_whole = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|word| text.starts_with(word));
    if is_whole {
        return Some(text.replace("{columns}", Head::COLUMNS));
    }
    if !text.starts_with("WHERE ") && !text.starts_with("ORDER BY ") {
        return None;
    }
    let name = file.strip_prefix(product().join("src")).expect("it is below").to_string_lossy();
    let own = |table: &str| source.contains(&format!("const TABLE: &'static str = \"{table}\""));
    let found = tables.iter().find(|(table, _)| own(table));
    let found = found.or_else(|| tables.iter().find(|(table, _)| name.starts_with(table)));
    let (table, columns) = match found {
        _ if text.contains("h.") => {
            return Some(format!("SELECT h.sid FROM conversation_heads h {text}"));
        }
        Some(found) => *found,
        None => tables.iter().copied().find(|(table, _)| *table == "users").expect("users are a record"),
    };
    Some(format!("SELECT {columns} FROM {table} {text}"))
}

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the source is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[tokio::test]
async fn every_statement_prepares() {
    let mut tables = Tables::default();
    each_record(&mut tables);
    let mut files = Vec::new();
    sources(&product().join("src"), &mut files);
    let mut statements = Vec::new();
    for file in files {
        let source = std::fs::read_to_string(&file).expect("it is text");
        statements.extend(
            constants(&source).iter().filter_map(|text| statement(text, (&file, &source), &tables.0)),
        );
    }
    assert!(statements.len() > 50, "only {} statements were found", statements.len());
    on_both(async |house| {
        for sql in &statements {
            let prepared = house.app.store().prepare(sql.as_str()).await;
            assert!(prepared.is_ok(), "{:?} does not understand {sql}: {prepared:?}", house.engine);
        }
    })
    .await;
}

/// Pages are sought, not counted: [`crate::lists`] looks at what really runs.
#[test]
fn nothing_is_skipped_by_counting() {
    let mut files = Vec::new();
    sources(&product().join("src"), &mut files);
    for file in files {
        let source = std::fs::read_to_string(&file).expect("it is text");
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            assert!(!line.to_ascii_uppercase().contains("OFFSET"), "{}: {line}", file.display());
        }
    }
}
