//! How long each set-up's outages are, as distributions side by side on one scale.

use std::time::Duration;

use super::svg::{Anchor, Area, Canvas};
use crate::outage::report::Spread;
use crate::outage::{Outage, SetUp};

const WIDTH: f64 = 830.0;
const MARGIN: f64 = 22.0;
const LEFT: f64 = 330.0;
const RIGHT: f64 = WIDTH - 70.0;
/// Of a histogram.
const HEIGHT: f64 = 20.0;
const LANE: f64 = 27.0;
const BINS: usize = 72;
/// Shorter and longer ones are counted at the ends.
const SHORTEST_S: f64 = 10.0;
const LONGEST_S: f64 = 10_800.0;
const STEPS: [(f64, &str); 9] = [
    (10.0, "10 s"),
    (30.0, "30 s"),
    (60.0, "1 min"),
    (120.0, "2 min"),
    (300.0, "5 min"),
    (600.0, "10 min"),
    (1800.0, "30 min"),
    (3600.0, "1 h"),
    (7200.0, "2 h"),
];

type Measure = fn(&Outage) -> Duration;
const MEASURES: [(&str, Measure); 2] = [("API", |it| it.api), ("workload", |it| it.workload)];

/// The picture of a measurement.
pub fn of_outages(results: &[(SetUp, Vec<Outage>)]) -> String {
    let runs = results.first().map_or(0, |(_, outages)| outages.len());
    let title = format!("The outage of {runs} interruptions");
    let said = results.iter().map(|(set_up, outages)| {
        let (api, workload) = (Spread::of(outages, |it| it.api), Spread::of(outages, |it| it.workload));
        format!("{}: API {:.1} s, workload {:.1} s", set_up.name(), api.median, workload.median)
    });
    let description = format!("Medians: {}.", said.collect::<Vec<_>>().join("; "));
    let mut canvas = Canvas::new(&title, &description);
    canvas.words("title", Anchor::Start, MARGIN, 36.0, &title);
    let subtitle = "The same interruptions for each set-up. A mark is the median; the scale is logarithmic.";
    canvas.words("dim", Anchor::Start, MARGIN, 57.0, subtitle);
    let top = 96.0;
    let bottom = top + results.len() as f64 * (2.0 * LANE + 10.0);
    for (seconds, text) in STEPS {
        canvas.upright("grid", x(seconds), top - 6.0, bottom - 6.0);
        canvas.words("dim", Anchor::Middle, x(seconds), top - 12.0, text);
    }
    let mut y = top;
    for (set_up, outages) in results {
        canvas.words("strong", Anchor::Start, MARGIN, y + 14.0, set_up.name());
        for (name, measure) in MEASURES {
            let whose = if set_up.is_durin() { "has1" } else { "has0" };
            canvas.words("dim", Anchor::End, LEFT - 10.0, y + 14.0, name);
            histogram(&mut canvas, y, whose, outages, measure);
            y += LANE;
        }
        y += 10.0;
    }
    canvas.finish(WIDTH, y + 8.0)
}

fn histogram(canvas: &mut Canvas, y: f64, class: &str, outages: &[Outage], measure: Measure) {
    let mut counts = [0_usize; BINS];
    let width = (RIGHT - LEFT) / BINS as f64;
    for outage in outages {
        let bin = ((x(measure(outage).as_secs_f64()) - LEFT) / width) as usize;
        counts[bin.min(BINS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    for (bin, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = (HEIGHT * *count as f64 / most as f64).max(1.5);
        let from = LEFT + bin as f64 * width;
        canvas.bar(
            class,
            Area(from, y + HEIGHT - height, width - 1.0, height),
            &format!("{count} of {}", outages.len()),
        );
    }
    let Spread { median, worst, .. } = Spread::of(outages, measure);
    canvas.bar("away", Area(x(median) - 1.0, y - 1.0, 2.0, HEIGHT + 3.0), &format!("median {median:.1} s"));
    canvas.words("", Anchor::Start, x(worst) + 8.0, y + 14.0, format!("{median:.1} s"));
}

fn x(seconds: f64) -> f64 {
    let part = (seconds.clamp(SHORTEST_S, LONGEST_S) / SHORTEST_S).ln() / (LONGEST_S / SHORTEST_S).ln();
    LEFT + part * (RIGHT - LEFT)
}
