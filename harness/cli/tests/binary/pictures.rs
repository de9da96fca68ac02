//! The pictures: that they are what their commands draw, and that they tell the same story as the text.

use std::fs;
use std::path::{Path, PathBuf};

use super::{refused, run};

/// `DURIN_UPDATE=1 cargo test --test binary pictures` draws it anew.
#[test]
fn the_picture_in_the_readme_is_the_one_that_the_demo_draws() {
    let (drawn, _) = drawn("shown", &["demo"]);
    assert_drawn("hand-off.svg", &drawn);
}

/// Whether a picture of the documents is the one that is drawn now; with DURIN_UPDATE it becomes that.
pub(crate) fn assert_drawn(name: &str, drawn: &str) {
    let shown = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("DURIN_UPDATE").is_some() {
        fs::write(&shown, drawn).expect("written");
    }
    let is_same = fs::read_to_string(&shown).expect("a picture") == drawn;
    assert!(is_same, "docs/{name} is stale: DURIN_UPDATE=1 cargo test --test binary");
}

#[test]
fn each_part_of_a_picture_is_a_row_of_the_text() {
    for seed in ["1", "2", "3"] {
        let (svg, text) = drawn(&format!("told-{seed}"), &["demo", "--all", "--seed", seed]);
        let (first_act, _) = text.split_once("\nOutage ").expect("a first act");
        let words: Vec<_> = first_act.split_whitespace().collect();
        let first_act = words.join(" ");
        let titles = svg.split("<rect").filter_map(|bar| bar.split_once("<title>")?.1.split_once("</title>"));
        let is_outage = |title: &&str| title.contains(" answers") || title.contains(" not answer: ");
        let (answers, rows): (Vec<_>, Vec<_>) = titles.map(|(title, _)| title).partition(is_outage);
        assert!(answers.len() == 6 && rows.len() > 20, "seed {seed}: {answers:#?} {rows:#?}");
        for row in rows {
            assert!(first_act.contains(row), "seed {seed}: the text has no row {row:?}");
        }
        let seconds = |span: &str| span.split_once("not answer: ").map(|(_, seconds)| seconds.to_owned());
        for outage in answers.iter().filter_map(|it| seconds(it)) {
            assert!(text.contains(&format!(" {outage} ")), "seed {seed}: the text has no outage of {outage}");
        }
    }
}

#[test]
fn a_picture_that_cannot_be_written_is_a_no() {
    let output = run(&["demo", "--picture", "/nowhere/hand-off.svg"]);
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1));
    assert!(text.starts_with("error: the picture cannot be written to /nowhere/hand-off.svg: "), "{text}");
    assert!(refused(&["demo", "--picture"], 2).contains("--picture <FILE>"));
}

/// The picture that a command draws, and what it prints.
fn drawn(name: &str, arguments: &[&str]) -> (String, String) {
    let file: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("picture-{name}.svg"));
    let output = run(&[arguments, &["--picture", &file.display().to_string()]].concat());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{text}");
    (fs::read_to_string(&file).expect("a picture"), text)
}
