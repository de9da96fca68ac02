//! The blocks and figures of the documents: that they are what their commands print.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;

use super::pictures::assert_drawn;
use super::run;

/// README the hand-off alone.
#[test]
fn the_documents_show_what_the_demo_prints() {
    let told = printed(&["demo"]);
    assert_shown("README.md", "## Try it\n", &hand_off(&told));
    assert_shown("docs/local.md", "## The demo\n", &shortened(&told));
}

/// The figures of the outage are what their command prints, down to what the document leaves out.
#[test]
fn the_documents_show_what_the_outage_prints() {
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("picture-outage.svg");
    let (document, after) = ("docs/measured.md", "## The outage\n");
    let told = told(document, after, "outage", &["--picture", &picture.display().to_string()]);
    assert_drawn("outage.svg", &fs::read_to_string(&picture).expect("a picture"));
    let (told, _) = told.split_once("\nMinutes of workload outage").expect("what the document leaves out");
    assert_shown(document, after, told);
}

#[test]
fn the_documents_show_the_calls_that_are_counted() {
    let (document, after) = ("docs/functions.md", "## A whole hand-off\n");
    let told = told(document, after, "bench-calls", &[]);
    assert!(!told.contains("nobody has said"), "LEAST lacks an operation:\n{told}");
    assert_shown(document, after, &told);
}

#[test]
#[ignore = "takes three minutes on two idle cores"]
fn the_documents_show_what_the_prune_prints() {
    assert_shown("docs/measured.md", "## The prune\n", &printed(&["prune-bench"]));
}

/// What a command prints, played as often as a document says after some text of it.
fn told(document: &str, after: &str, command: &str, more: &[&str]) -> String {
    let text = read(document);
    let (_, section) = text.split_once(after).expect("a section");
    let (_, runs) = section.split_once(&format!("`just {command} --runs ")).expect("a command");
    let (runs, _) = runs.split_once('`').expect("a number");
    printed(&[&[command, "--runs", runs], more].concat())
}

/// What it prints, if it ends well: nothing else may get into a document.
fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn read(document: &str) -> String {
    fs::read_to_string(path(document)).expect("a document")
}

fn path(document: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(document)
}

/// That the first block without a language after some text of a document is what was printed.
/// `DURIN_UPDATE=1 cargo test --test binary documents` writes it there.
fn assert_shown(document: &str, after: &str, told: &str) {
    static WRITING: Mutex<()> = Mutex::new(());
    const BEGINS: &str = "\n\n```\n";
    let _guard = WRITING.lock();
    let text = read(document);
    let (before, section) = text.split_once(after).expect("a section");
    let (section, _) = section.split_once("\n## ").unwrap_or((section, ""));
    let begin = before.len() + after.len() + section.find(BEGINS).expect("a block") + BEGINS.len();
    let end = begin + text[begin..].find("```\n").expect("the end of the block");
    if std::env::var_os("DURIN_UPDATE").is_some() {
        fs::write(path(document), [&text[..begin], told, &text[end..]].concat()).expect("written");
    } else {
        assert_eq!(&text[begin..end], told, "{document}: DURIN_UPDATE=1 cargo test --test binary documents");
    }
}

/// The first act as README has it: what happens inside the instances, Durin's calls while nobody answers, and the sums.
fn hand_off(told: &str) -> String {
    let (_, act) = told.split_once("\n\n").expect("the heading of the first act");
    let (act, _) = act.split_once("\n\n2. ").expect("a second act");
    let mut lines: Vec<&str> = Vec::new();
    let (mut is_away, mut is_shown) = (false, true);
    for line in act.lines() {
        // The rest of a row that is too long for one line goes with it.
        if !line.starts_with(&" ".repeat(20)) {
            is_shown = match kind(line) {
                None => true,
                Some("====") => {
                    is_away = line.contains("the outage begins") || (is_away && !line.contains("the outage ends"));
                    true
                }
                Some(kind) => kind == "guest" || (is_away && kind == "call"),
            };
        }
        if is_shown {
            lines.push(line);
        }
    }
    lines.join("\n") + "\n"
}

/// Whose a row of the story is, such as `guest`, unless the line is none of its rows.
fn kind(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let is_time = words.next()?.split_once(':')?.0.bytes().all(|byte| byte.is_ascii_digit());
    words.next().filter(|_| is_time && line.starts_with(' '))
}

/// Without the rows of the second interruption, and of those about old images.
fn shortened(told: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut is_again = false;
    for line in told.lines() {
        let is_heading = line.starts_with(|first: char| first.is_ascii_uppercase() || first.is_ascii_digit());
        let of_image = line.contains("d 00:00  aws");
        if is_heading && !of_image {
            is_again = line.starts_with("EC2 wants the capacity back once more");
        }
        let is_left_out = of_image || (is_again && line.starts_with(' '));
        if !is_left_out {
            lines.push(line);
        } else if lines.last() != Some(&"  [...]") {
            lines.push("  [...]");
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn the_demo_fits_into_eighty_columns_whatever_the_dice() {
    for seed in ["1", "2", "3"] {
        let told = String::from_utf8(run(&["demo", "--seed", seed]).stdout).expect("UTF-8");
        let too_long: Vec<_> = told.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(too_long.is_empty() && told.ends_with("All hold.\n"), "seed {seed}: {too_long:#?}");
    }
}

/// For programs: the same rows, an object on each line.
#[test]
fn the_demo_for_programs_tells_the_same() {
    let text = String::from_utf8(run(&["demo"]).stdout).expect("UTF-8");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = String::from_utf8(run(&["demo", "--json"]).stdout).expect("UTF-8");
    let objects: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let (rows, numbers): (Vec<_>, Vec<_>) = objects.iter().partition(|object| object["kind"].is_string());
    assert!(rows.len() > 80, "{}", rows.len());
    for row in rows {
        let words = format!("{} {}", row["kind"].as_str().expect("a kind"), row["text"].as_str().expect("words"));
        assert!(row["after_s"].is_number() && text.contains(&words), "the text has no row {words:?}");
    }
    let [measured, checked] = numbers[..] else { panic!("{numbers:#?}") };
    let api = measured["outage"]["durin"]["api_s"].as_f64().expect("a number");
    assert!(text.contains(&format!(" {api:.1} s ")), "{measured}");
    assert_eq!(checked["broken"], serde_json::json!([]));
}
