//! The tools side by side.

use super::{Cost, OldImages, Remover};
use crate::print::say;

pub(super) fn print(jobs: &[(Remover, OldImages)], costs: &[Cost]) {
    let mut title = String::new();
    for ((remover, images), cost) in jobs.iter().zip(costs) {
        let of_this = heading(images);
        if of_this != title {
            say!("{}{of_this}:\n", if title.is_empty() { "" } else { "\n" });
            say!(
                "{:<22} {:>24} {:>18} {:>9} {:>8} {:>8} {:>9} {:>5}",
                "",
                "calls an image",
                "throttled",
                "time",
                "floor",
                "of it",
                "of own",
                "runs"
            );
            say!("{:<22} {:>8} {:>7} {:>7}", "", "writes", "reads", "all");
            title = of_this;
        }
        say!("{}", line(*remover, cost));
    }
}

fn heading(images: &OldImages) -> String {
    let snapshots = if images.snapshots_each == 1 { "one snapshot" } else { "two snapshots" };
    let what = if images.soaked { "Removing" } else { "Before that, the first stage: disabling" };
    format!("{what} {} images, {snapshots} each", images.images)
}

fn line(remover: Remover, cost: &Cost) -> String {
    format!(
        "{:<22} {:>8.3} {:>7.3} {:>7.3} {:>9} {:>6.2} % {:>7.0} s {:>6.0} s {:>8.3} {:>9.3} {:>5}{}",
        remover.name(),
        cost.each(cost.writes),
        cost.each(cost.reads),
        cost.each(cost.writes + cost.reads),
        cost.throttled,
        100.0 * cost.throttled_share(),
        cost.took.as_secs_f64(),
        cost.floor.as_secs_f64(),
        cost.times_floor(),
        cost.times_own_floor(),
        cost.runs,
        if cost.left == 0 { String::new() } else { format!("  {} LEFT", cost.left) },
    )
}
