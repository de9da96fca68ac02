//! What is proved, refuted and unproved, for people.

use crate::probe::{Here, Probe, Verdict};
use crate::proof::{Found, Proof};

/// Where a probe stands.
pub enum Standing<'a> {
    /// By the newest proof of AWS that has an answer.
    Known(&'a Proof, &'a Found),
    Unproved,
}

/// By the newest proof of AWS that says either; an inconclusive answer leaves it unproved.
pub fn standing<'a>(probe: &Probe, proofs: &'a [Proof]) -> Standing<'a> {
    let of_aws = proofs.iter().rev().filter(|proof| proof.is_of_aws());
    let mut answers = of_aws.filter_map(|proof| Some((proof, proof.findings.get(probe.name)?)));
    match answers.find(|(_, found)| found.finding.verdict != Verdict::Inconclusive) {
        Some((proof, found)) => Standing::Known(proof, found),
        None => Standing::Unproved,
    }
}

/// The table: a line each, and below a refuted one what has to change.
pub fn lines<'a>(probes: impl Iterator<Item = &'a Probe>, proofs: &[Proof]) -> Vec<String> {
    let probes: Vec<_> = probes.collect();
    let width = probes.iter().map(|probe| probe.name.len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for probe in &probes {
        match standing(probe, proofs) {
            Standing::Unproved => lines.push(format!("{:width$}  not proved", probe.name)),
            Standing::Known(proof, found) => {
                let verdict = found.finding.verdict.name();
                lines.push(format!("{:width$}  {verdict} {} {}", probe.name, proof.date, proof.region));
                if found.finding.verdict == Verdict::Refuted {
                    lines.extend(refuted(probe, &found.finding.saw).into_iter().map(|line| format!("  {line}")));
                }
            }
        }
    }
    lines.push(String::new());
    lines.push(summary(&probes, proofs));
    lines
}

/// One sentence, also for README.
pub fn summary(probes: &[&Probe], proofs: &[Proof]) -> String {
    let mut counts = [0, 0];
    let mut places = Vec::new();
    for probe in probes {
        if let Standing::Known(proof, found) = standing(probe, proofs) {
            counts[usize::from(found.finding.verdict == Verdict::Refuted)] += 1;
            places.push(format!("{} in {}", proof.date, proof.region));
        }
    }
    places.sort();
    places.dedup();
    let all = probes.len();
    match counts {
        [0, 0] => format!("Of {all} assumptions about AWS, none has been asked on AWS yet."),
        [proved, refuted] => {
            let unproved = all - proved - refuted;
            let places = places.join(", ");
            format!(
                "Of {all} assumptions about AWS, {proved} are proved, {refuted} refuted, {unproved} open ({places})."
            )
        }
    }
}

/// What was seen, and which rules rest on something else.
pub fn refuted(probe: &Probe, saw: &str) -> Vec<String> {
    let mut lines = vec![format!("assumed: {}", probe.assumes), format!("seen:    {saw}")];
    lines.extend(probe.rests_on.iter().map(|it| format!("change:  {}: {}", it.file, it.rule)));
    lines
}

/// All that there is to know about each, before it is asked.
pub fn catalogue<'a>(probes: impl Iterator<Item = &'a Probe>) -> String {
    let mut text = String::new();
    for probe in probes {
        let mut line = |key: &str, value: &str| text.push_str(&format!("{key:8} {value}\n"));
        let rests: Vec<_> = probe.rests_on.iter().map(|it| format!("{}: {}", it.file, it.rule)).collect();
        line("probe", probe.name);
        line("level", probe.level.name());
        line("assumes", probe.assumes);
        rests.iter().for_each(|rest| line("rests on", rest));
        line("calls", &probe.calls.join(", "));
        line("expects", probe.expects);
        line("makes", if probe.makes.is_empty() { "nothing" } else { probe.makes });
        line("costs", &format!("{}, about {} s", price(probe.cents), probe.seconds));
        if let Here::Beyond(reason) = probe.here {
            line("local", &format!("beyond the local AWS: {reason}"));
        }
        text.push('\n');
    }
    text
}

/// In dollars.
pub fn price(cents: f64) -> String {
    if cents == 0.0 {
        "nothing".to_owned()
    } else if cents < 1.0 {
        "less than a cent".to_owned()
    } else {
        format!("at most ${:.2}", cents / 100.0)
    }
}
