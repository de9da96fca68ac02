//! A hand-off's lanes, one below the other on one scale of time, and its cost beside the usual set-up's.

use std::time::Duration;

use durin_harness::time::Time;

use super::HandOff;
use super::lanes::{Lane, Lanes, Look, Span, short};
use super::svg::{Anchor, Area, Canvas, width};
use crate::timeline::passed;

/// As wide as GitHub shows a README.
const WIDTH: f64 = 830.0;
const MARGIN: f64 = 22.0;
/// Where time begins.
const LEFT: f64 = 166.0;
const RIGHT: f64 = WIDTH - MARGIN;
const BAR: f64 = 20.0;
/// From a lane to the next one.
const LANE: f64 = 30.0;
/// The same for the lanes of functions.
const THIN: f64 = 20.0;
const LEGEND: f64 = 20.0;

pub(super) fn hand_off(hand_off: &HandOff, lanes: &Lanes) -> String {
    let mut drawing = Drawing::begin(hand_off);
    let top = drawing.y;
    // Behind everything else; how far down it goes is known beforehand.
    let height = LANE * (lanes.instances.len() + 4) as f64 + THIN * lanes.functions.len() as f64 + LEGEND - 10.0;
    drawing.background(top, top + height);
    for lane in lanes.instances.iter().chain([&lanes.volume, &lanes.record]) {
        drawing.lane(lane);
    }
    lanes.functions.iter().for_each(|lane| drawing.function(lane));
    let legend = "Durin's functions: when they run, and each call that changes something";
    drawing.canvas.words("dim small", Anchor::Start, LEFT, drawing.y + 5.0, legend);
    drawing.y += LEGEND;
    let (outage, name) = (hand_off.outage, hand_off.node.record_name.as_str());
    drawing.reachable(name, outage.away, outage.api);
    drawing.reachable(WORKLOAD, outage.workload_away, outage.workload);
    drawing.cost();
    drawing.canvas.finish(WIDTH, drawing.y)
}

const WORKLOAD: &str = "a workload on it";

struct Drawing<'a> {
    hand_off: &'a HandOff<'a>,
    canvas: Canvas,
    /// Where the next thing goes.
    y: f64,
}

impl Drawing<'_> {
    fn begin<'a>(hand_off: &'a HandOff) -> Drawing<'a> {
        let name = &hand_off.node.group;
        let title = format!("EC2 wants the capacity of the node {name} back");
        let seconds = |span: Duration| format!("{:.1} s", span.as_secs_f64());
        let (outage, usual) = (hand_off.outage, hand_off.usual);
        let description = format!(
            "A hand-off from the old instance to the new one. {} does not answer for {}, a workload for {}; with the usual \
             set-up for {} and {}.",
            hand_off.node.record_name,
            seconds(outage.api),
            seconds(outage.workload),
            seconds(usual.api),
            seconds(usual.workload)
        );
        let mut canvas = Canvas::new(&title, &description);
        canvas.words("title", Anchor::Start, MARGIN, 36.0, &title);
        let over = hand_off.over().since(hand_off.begin).as_secs_f64();
        let subtitle = format!(
            "It gives two minutes' notice. The old instance serves until a new one is ready; after {over:.0} s all is as before."
        );
        canvas.words("dim", Anchor::Start, MARGIN, 57.0, subtitle);
        Drawing { hand_off, canvas, y: 92.0 }
    }

    fn x(&self, at: Time) -> f64 {
        let whole = self.hand_off.end().since(self.hand_off.begin).as_secs_f64();
        let part = at.since(self.hand_off.begin).as_secs_f64() / whole;
        LEFT + part.min(1.0) * (RIGHT - LEFT)
    }

    /// The scale of time, and the outage as a band.
    fn background(&mut self, top: f64, bottom: f64) {
        let (begin, end) = (self.hand_off.begin, self.hand_off.end());
        if let Some((from, to)) = self.hand_off.outage.away {
            let (from, to) = (self.x(from), self.x(to));
            self.canvas.bar("band", Area(from, top - 6.0, to - from, bottom - top + 6.0), "");
        }
        // At most ten of them, at whole steps.
        let whole = end.since(begin).as_secs();
        let step = [10, 15, 30, 60, 120, 300].into_iter().find(|step| whole / step <= 10).unwrap_or(600);
        for seconds in (0..=whole).step_by(step as usize) {
            let at = begin + Duration::from_secs(seconds);
            self.canvas.upright("grid", self.x(at), top - 6.0, bottom);
            let text = format!("{}:{:02}", seconds / 60, seconds % 60);
            self.canvas.words("dim", Anchor::Middle, self.x(at), top - 12.0, text);
        }
    }

    fn name(&mut self, name: &str, y: f64) {
        let room = ((LEFT - MARGIN - 8.0) / width("n")) as usize;
        let name = match name.char_indices().nth(room) {
            Some((end, _)) => format!("{}…", &name[..end]),
            None => name.to_owned(),
        };
        self.canvas.words("", Anchor::End, LEFT - 10.0, y, name);
    }

    fn lane(&mut self, lane: &Lane) {
        self.name(&lane.name, self.y + 14.0);
        for span in &lane.spans {
            self.span(span, BAR);
        }
        self.y += LANE;
    }

    fn function(&mut self, lane: &Lane) {
        self.name(short(&lane.name), self.y + 9.0);
        for span in &lane.spans {
            self.span(span, THIN / 2.0);
        }
        for tick in &lane.ticks {
            let x = self.x(tick.at);
            self.canvas.bar("tick", Area(x - 1.0, self.y - 2.0, 2.0, THIN / 2.0 + 4.0), &tick.told);
        }
        self.y += THIN;
    }

    fn span(&mut self, span: &Span, height: f64) {
        let (from, to) = (self.x(span.from), self.x(span.to));
        let (class, words) = classes(span.look);
        self.canvas.bar(&class, Area(from, self.y, (to - from - 1.0).max(1.0), height), &span.told);
        self.label(&span.label, words, from, to);
    }

    /// Words in a bar, if it has room for them.
    fn label(&mut self, label: &str, class: &str, from: f64, to: f64) {
        if !label.is_empty() && width(label) <= to - from - 4.0 {
            self.canvas.words(class, Anchor::Start, from + 6.0, self.y + 14.0, label);
        }
    }

    fn reachable(&mut self, name: &str, away: Option<(Time, Time)>, length: Duration) {
        self.name(name, self.y + 14.0);
        let (begin, end) = (self.hand_off.begin, self.hand_off.end());
        let (from, to) = away.unwrap_or((end, end));
        for (class, words, label, from, to) in [
            ("there", "", "answers".to_owned(), begin, from),
            ("away", "on strong", format!("does not answer: {:.1} s", length.as_secs_f64()), from, to),
            ("there", "", "answers".to_owned(), to, end),
        ] {
            let told = format!("{} {label}", passed(from.since(begin)));
            let (from, to) = (self.x(from), self.x(to));
            if to - from > 1.0 {
                self.canvas.bar(class, Area(from, self.y, to - from - 1.0, BAR), &told);
                self.label(&label, words, from, to);
            }
        }
        self.y += LANE;
    }

    /// The seconds in which nobody answered, beside those with the usual set-up.
    fn cost(&mut self) {
        let (outage, usual) = (self.hand_off.outage, self.hand_off.usual);
        self.y += 30.0;
        let heading =
            "The same interruption, with the usual set-up (a launch hook, a boot script and a termination handler)";
        self.canvas.words("strong", Anchor::Start, MARGIN, self.y, heading);
        self.y += 16.0;
        let longest = [outage.api, outage.workload, usual.api, usual.workload].into_iter().max().unwrap_or_default();
        let scale = (RIGHT - LEFT - 150.0) / longest.as_secs_f64().max(1.0);
        let name = self.hand_off.node.record_name.clone();
        for (name, ours, theirs) in
            [(name.as_str(), outage.api, usual.api), (WORKLOAD, outage.workload, usual.workload)]
        {
            self.name(name, self.y + 18.0);
            for (class, who, span) in [("away", "Durin", ours), ("theirs", "usual set-up", theirs)] {
                let length = span.as_secs_f64() * scale;
                self.canvas.bar(class, Area(LEFT, self.y, length.max(1.0), 11.0), "");
                let text = format!("{:.1} s, {who}", span.as_secs_f64());
                self.canvas.words("", Anchor::Start, LEFT + length + 8.0, self.y + 10.0, text);
                self.y += 15.0;
            }
            self.y += 8.0;
        }
        self.y += 8.0;
    }
}

/// Of a bar, and of the words in it.
fn classes(look: Look) -> (String, &'static str) {
    // Those that come after the second look like it.
    match look {
        Look::Has(number) => (format!("has{}", number.min(1)), "on"),
        Look::Moves(number) => (format!("moves{}", number.min(1)), ""),
        Look::Nobodys => ("nobody".to_owned(), ""),
        Look::Runs => ("runs".to_owned(), ""),
    }
}
