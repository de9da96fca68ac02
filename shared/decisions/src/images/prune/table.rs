//! A prune plan as a table that a person reviews.

use std::time::Duration;

use super::{ImageVerdict, Keep, Plan, SnapshotVerdict};
use crate::tags::FAMILY;

/// Dollars a GiB and month for snapshots in the standard tier. (EBS pricing, us-east-1, 2025; other regions differ a
/// little.) Snapshots are incremental, so the saving is less than their volumes' sizes say.
const DOLLARS_A_GIB: f64 = 0.05;

struct Row {
    id: String,
    family: String,
    name: String,
    age: String,
    gib: u64,
    goes: bool,
    verdict: String,
}

/// The plan, line by line: our images family by family, then the snapshots that have lost theirs.
pub fn lines(plan: &Plan) -> Vec<String> {
    let images =
        plan.images.iter().filter(|entry| entry.verdict != ImageVerdict::Keep(Keep::NotOurs)).map(|entry| Row {
            id: entry.image.id.to_string(),
            family: entry.family.as_ref().map(ToString::to_string).unwrap_or_default(),
            name: entry.image.name.clone(),
            age: age(entry.age),
            gib: entry.image.gib,
            goes: matches!(entry.verdict, ImageVerdict::Disable | ImageVerdict::Deregister),
            verdict: entry.verdict.to_string(),
        });
    let of_images =
        |verdict: &SnapshotVerdict| matches!(verdict, SnapshotVerdict::Keep(Keep::NotOurs | Keep::OfImage(_)));
    let snapshots = plan.snapshots.iter().filter(|entry| !of_images(&entry.verdict)).map(|entry| Row {
        id: entry.snapshot.id.to_string(),
        family: entry.snapshot.tags.get(FAMILY).cloned().unwrap_or_default(),
        name: String::new(),
        age: age(entry.age),
        gib: entry.snapshot.gib,
        goes: matches!(entry.verdict, SnapshotVerdict::Mark | SnapshotVerdict::Delete),
        verdict: entry.verdict.to_string(),
    });
    let rows: Vec<Row> = images.chain(snapshots).collect();
    let mut lines = printed(&rows);
    lines.push(String::new());
    lines.extend(summary(plan, &rows));
    lines
}

fn printed(rows: &[Row]) -> Vec<String> {
    let width = |title: &str, of: fn(&Row) -> &str| {
        rows.iter().map(|row| of(row).chars().count()).chain([title.len()]).max().unwrap_or_default()
    };
    let (id, family, name) =
        (width("ID", |row| &row.id), width("FAMILY", |row| &row.family), width("NAME", |row| &row.name));
    let heading = format!("{:id$}  {:family$}  {:name$}  {:>6}  {:>5}  VERDICT", "ID", "FAMILY", "NAME", "AGE", "GiB");
    let row = |row: &Row| {
        let Row { id: this, family: of, name: called, age, gib, verdict, .. } = row;
        format!("{this:id$}  {of:family$}  {called:name$}  {age:>6}  {gib:>5}  {verdict}")
    };
    std::iter::once(heading).chain(rows.iter().map(row)).collect()
}

fn summary(plan: &Plan, rows: &[Row]) -> Vec<String> {
    let going: Vec<&Row> = rows.iter().filter(|row| row.goes).collect();
    let gib: u64 = going.iter().map(|row| row.gib).sum();
    let not_ours = plan.images.iter().filter(|entry| entry.verdict == ImageVerdict::Keep(Keep::NotOurs)).count();
    let mut lines = Vec::new();
    if !plan.unread.is_empty() {
        lines.push("Nothing would be removed, because this could not be read and may refer to anything:".to_owned());
        lines.extend(plan.unread.iter().map(|source| format!("  {source}")));
    } else {
        lines.push(format!(
            "{} of {} would go: {gib} GiB, at most ${:.2} a month.",
            going.len(),
            rows.len(),
            gib as f64 * DOLLARS_A_GIB
        ));
    }
    if not_ours > 0 {
        lines.push(format!("{not_ours} more images belong to no family and are not Durin's to judge."));
    }
    lines
}

fn age(age: Option<Duration>) -> String {
    age.map_or("?".to_owned(), |age| format!("{} d", age.as_secs() / 86_400))
}
