//! A page that tells what was measured: each table between two marks, with the machine and the day; prose is left
//! alone.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::table::Table;
use crate::tunnel::now;

/// A file with tables.
pub struct Report {
    file: PathBuf,
    /// What everything was measured on.
    machine: String,
}

impl Report {
    /// Of a file that is there.
    pub fn open(file: &Path, machine: String) -> anyhow::Result<Self> {
        ensure!(file.is_file(), "{} is missing, into which is to be written", file.display());
        Ok(Self { file: file.to_owned(), machine })
    }

    /// Puts a table where the last one of its scenario and database stands, or at the end.
    pub fn put(&self, scenario: &str, database: &str, table: &Table) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(&self.file).context("the report cannot be read")?;
        let day = now().to_string();
        let day = day.split_once('T').map_or(&*day, |(day, _)| day);
        let told = format!("{}, on {day}.\n\n{table}", self.machine);
        let text = placed(&text, &format!("{scenario} on {database}"), &told)?;
        std::fs::write(&self.file, text).context("the report cannot be written")
    }
}

fn placed(text: &str, name: &str, told: &str) -> anyhow::Result<String> {
    let (begin, end) = (format!("<!-- measured: {name} -->\n"), format!("<!-- end: {name} -->\n"));
    let Some((before, rest)) = text.split_once(&begin) else {
        let mut text = text.trim_end().to_owned();
        write!(text, "\n\n### {name}\n\n{begin}{told}{end}")?;
        return Ok(text);
    };
    let (_, after) =
        rest.split_once(&end).with_context(|| format!("what was measured of {name} has no end"))?;
    Ok(format!("{before}{begin}{told}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str =
        "# Page\n\nProse.\n\n<!-- measured: a on b -->\nold\n<!-- end: a on b -->\n\nMore prose.\n";

    #[test]
    fn a_table_takes_the_place_of_the_last_one_and_nothing_else() {
        let text = placed(PAGE, "a on b", "new\n").expect("it has a place");
        assert_eq!(text, PAGE.replace("old", "new"));
        assert_eq!(placed(&text, "a on b", "new\n").expect("it has a place"), text);
    }

    #[test]
    fn a_table_without_a_place_is_put_at_the_end_and_finds_it_again() {
        let text = placed(PAGE, "c on b", "first\n").expect("there is an end");
        let expected = "\n\n### c on b\n\n<!-- measured: c on b -->\nfirst\n<!-- end: c on b -->\n";
        assert_eq!(text, format!("{}{expected}", PAGE.trim_end()));
        let again = placed(&text, "c on b", "second\n").expect("it has a place");
        assert_eq!(again, text.replace("first", "second"));
    }

    #[test]
    fn a_place_without_an_end_is_left_alone() {
        let broken = PAGE.replace("<!-- end", "<!-- and");
        assert!(placed(&broken, "a on b", "new\n").is_err());
    }

    #[test]
    fn a_report_is_of_a_file_that_is_there() {
        let folder = tempfile::tempdir().expect("there is a folder");
        let file = folder.path().join("page.md");
        assert!(Report::open(&file, String::new()).is_err());
        std::fs::write(&file, PAGE).expect("it can be written");
        let report = Report::open(&file, "2 cores".to_owned()).expect("it is there");
        let mut table = Table::default();
        table.note_against("requests/s", "5", 7.0);
        report.put("a", "b", &table).expect("it can be written");
        let text = std::fs::read_to_string(&file).expect("it is there");
        assert!(text.contains("-->\n2 cores, on 20"), "{text}");
        assert!(
            text.contains("| requests/s | 7.00 | 7.00 | 5 |\n<!-- end: a on b -->\n\nMore prose.\n"),
            "{text}"
        );
    }
}
