use std::fs;
use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;

use super::pictures::assert_drawn;
use super::run;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

/// What README shows first is what the demo prints, shortened.
#[test]
fn the_readme_shows_what_the_demo_prints() {
    let readme = fs::read_to_string(README).expect("a README");
    let parts: Vec<_> = readme.splitn(3, "```\n").collect();
    let [_, shown, _] = parts[..] else { panic!("README has no first block") };
    let told = shortened(&String::from_utf8(run(&["demo"]).stdout).expect("UTF-8"));
    assert_shown(shown, &told);
}

/// The figures of the outage are what their command prints, down to what README leaves out.
#[test]
fn the_readme_shows_what_the_outage_prints() {
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("picture-outage.svg");
    let drawing = ["--picture", &picture.display().to_string()];
    let (shown, told) = measured("## The outage, measured\n", "outage", &drawing);
    assert_drawn("outage.svg", &fs::read_to_string(&picture).expect("a picture"));
    let (told, _) = told.split_once("\nMinutes of workload outage").expect("what README leaves out");
    assert_shown(&shown, told);
}

#[test]
fn the_readme_shows_the_calls_that_are_counted() {
    let (shown, told) = measured("A hand-off starts up to three runs", "bench-calls", &[]);
    assert_shown(&shown, &told);
}

/// The first block after some text of README, and what the command prints that stands before it.
fn measured(after: &str, command: &str, more: &[&str]) -> (String, String) {
    let readme = fs::read_to_string(README).expect("a README");
    let (_, section) = readme.split_once(after).expect("a section");
    let (_, runs) = section.split_once(&format!("`just {command} --runs ")).expect("a command");
    let (runs, _) = runs.split_once('`').expect("a number");
    let parts: Vec<_> = section.splitn(3, "```\n").collect();
    let [_, shown, _] = parts[..] else { panic!("the section has no block") };
    let told = String::from_utf8(run(&[&[command, "--runs", runs], more].concat()).stdout).expect("UTF-8");
    (shown.to_owned(), told)
}

/// `DURIN_UPDATE=1 cargo test --test binary readme` writes into README what is printed.
fn assert_shown(shown: &str, told: &str) {
    static WRITING: Mutex<()> = Mutex::new(());
    if std::env::var_os("DURIN_UPDATE").is_some() {
        let _guard = WRITING.lock();
        let readme = fs::read_to_string(README).expect("a README");
        assert_eq!(readme.matches(shown).count(), 1, "README has this once: {shown}");
        fs::write(README, readme.replace(shown, told)).expect("written");
    } else {
        assert_eq!(shown, told, "DURIN_UPDATE=1 cargo test --test binary readme");
    }
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
fn the_demo_fits_into_a_hundred_columns_whatever_the_dice() {
    for seed in ["1", "2", "3"] {
        let told = String::from_utf8(run(&["demo", "--seed", seed]).stdout).expect("UTF-8");
        let too_long: Vec<_> = told.lines().filter(|line| line.chars().count() > 100).collect();
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
