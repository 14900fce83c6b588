//! What is measured rather than asserted, for whoever reads the soak's end.

use std::fs::OpenOptions;
use std::io::Write;

/// Whether to run at full size: in the soak, and in a release build, which alone is worth measuring.
pub fn is_full() -> bool {
    std::env::var_os("TERTULIA_TEST_SOAK").is_some() && !cfg!(debug_assertions)
}

/// Tells a line, and keeps it in the file that `TERTULIA_TEST_FIGURES` names.
pub fn figure(line: &str) {
    println!("{line}");
    let Some(path) = std::env::var_os("TERTULIA_TEST_FIGURES") else { return };
    let file = OpenOptions::new().create(true).append(true).open(path);
    let written = file.and_then(|mut file| writeln!(file, "{line}"));
    written.expect("TERTULIA_TEST_FIGURES names a file that can be written");
}
