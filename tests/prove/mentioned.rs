//! The code and the probes know each other: what rests on something unproved names its probe, and the other way round.

use std::fs;
use std::path::{Path, PathBuf};

use durin_prove::probes;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a repository")
}

#[test]
fn each_file_that_rests_on_a_probe_names_it() {
    let mut missing = Vec::new();
    for probe in probes::all() {
        for rests in probe.rests_on {
            let text = fs::read_to_string(root().join(rests.file)).unwrap_or_default();
            if !text.contains(probe.name) {
                missing.push(format!("{}: Probe: {}.", rests.file, probe.name));
            }
        }
    }
    assert!(missing.is_empty(), "these files do not exist, or do not name the probe:\n{}", missing.join("\n"));
}

#[test]
fn each_probe_that_a_comment_names_exists() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let one = text.split("Probe: ").skip(1).map(|named| named.split(['.', '\n', ';', ')']).next());
        let several = text.split("Probes: ").skip(1).map(|named| named.split(['.', '\n', ';', ')']).next());
        for name in one.chain(several).flatten().flat_map(|names| names.split(", ")) {
            if probes::named(name.trim()).is_none() {
                wrong.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "there are no such probes:\n{}", wrong.join("\n"));
}

/// Rust and the templates, but for the probes themselves and these tests.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["functions", "harness", "infra", "shared"].map(|name| root().join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("infra/prove") && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|it| ["rs", "yaml", "sh"].iter().any(|known| it == *known)) {
                found.push((path.clone(), fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    assert!(found.len() > 300, "{} files", found.len());
    found
}

/// Whatever the code only supposes of AWS says which probe asks, or why none does.
#[test]
fn each_unproved_statement_has_its_probe_beside_it() {
    const SIGNS: [&str; 7] = [
        "Estimate",
        "an estimate",
        "AWS does not say whether",
        "AWS does not say and",
        "AWS does not document",
        "as far as we know",
        "from memory",
    ];
    let (mut bare, mut found) = (Vec::new(), 0);
    for (path, text) in sources() {
        for comment in comments(&text) {
            if SIGNS.iter().any(|sign| comment.contains(sign)) {
                found += 1;
                let is_asked = ["Probe: ", "Probes: ", "No probe: "].iter().any(|it| comment.contains(it));
                if !is_asked && !comment.contains("*estimate*") {
                    bare.push(format!("{}: {comment}", path.display()));
                }
            }
        }
    }
    assert!(bare.is_empty(), "nobody asks AWS whether these are so:\n{}", bare.join("\n"));
    assert!(found > 40, "{found} statements");
}

/// Lines of comment that follow one another, without their signs.
fn comments(text: &str) -> Vec<String> {
    let mut comments = vec![String::new()];
    for line in text.lines().map(str::trim) {
        let said = ["///", "//!", "//", "#"].iter().find_map(|sign| line.strip_prefix(sign));
        match (said.filter(|said| !said.starts_with('[') && !said.starts_with('!')), comments.last_mut()) {
            (Some(said), Some(last)) => last.push_str(said),
            _ => comments.push(String::new()),
        }
    }
    comments.retain(|comment| !comment.is_empty());
    comments
}
