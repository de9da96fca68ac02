//! Who is asked, and what a person reads of it meanwhile.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use aws_credential_types::Credentials;
use durin::aws::Aws;
use durin_prove::proof::{self, Proof};
use durin_prove::session::{Progress, When};
use durin_prove::{Bench, Probe, Verdict, report};

/// With credentials and region from the environment.
pub(crate) async fn bench() -> Result<Bench, Box<dyn Error>> {
    for variable in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        if std::env::var_os(variable).is_none() {
            let text = format!(
                "{variable} is not set. `just` takes credentials and region from the AWS CLI; without it, set them \
                 yourself, for example with: eval \"$(aws configure export-credentials --format env)\""
            );
            return Err(text.into());
        }
    }
    let mut bench = Bench::new(Aws::from_lambda_environment().await);
    bench.limited = limited(&bench.aws);
    Ok(bench)
}

/// With the credentials that `infra/prove.sh` has fetched, if AWS gave it any: id, secret and session.
fn limited(aws: &Aws) -> Option<aws_sdk_ec2::Client> {
    let fetched = std::env::var("DURIN_PROVE_LIMITED").ok()?;
    let mut parts = fetched.split_whitespace().map(str::to_owned);
    let credentials = Credentials::from_keys(parts.next()?, parts.next()?, Some(parts.next()?));
    let config = aws.ec2.config().to_builder().credentials_provider(credentials);
    Some(aws_sdk_ec2::Client::from_conf(config.build()))
}

pub(crate) fn region(bench: &Bench) -> String {
    bench.aws.ec2.config().region().map_or_else(String::new, ToString::to_string)
}

/// What answers at another endpoint proves nothing about AWS.
pub(crate) fn who() -> &'static str {
    let elsewhere = std::env::vars().any(|(name, value)| name.starts_with("AWS_ENDPOINT_URL") && !value.is_empty());
    if elsewhere { proof::ELSEWHERE } else { proof::AWS }
}

/// What is about to be asked, and what it costs.
pub(crate) fn offer(probes: &[&Probe], proof: &Proof, folder: &Path) -> String {
    let open: Vec<_> = probes.iter().filter(|probe| !proof.has(probe)).collect();
    let (cents, seconds) =
        open.iter().fold((0.0, 0), |(cents, seconds), probe| (cents + probe.cents, seconds + probe.seconds));
    let width = open.iter().map(|probe| probe.name.len()).max().unwrap_or_default();
    let rows = open.iter().map(|probe| {
        let makes = if probe.makes.is_empty() { "changes nothing" } else { probe.makes };
        format!("  {:width$}  {makes}; {}, {} s\n", probe.name, report::price(probe.cents), probe.seconds)
    });
    let rows: String = rows.collect();
    let answered = probes.len() - open.len();
    format!(
        "{rows}{} probes in {} of {}, {answered} of them answered already in {}.\nIt costs {} and takes about {} minutes. \
         What it makes has the tag durin:proof or a name with durin-proof, and is removed.",
        probes.len(),
        proof.region,
        proof.asked,
        proof.path(folder).display(),
        report::price(cents),
        seconds.div_ceil(60),
    )
}

/// Progress on standard output; the proof goes to its file.
pub(crate) fn tell(progress: &Progress<'_>, folder: &Path) {
    let text = match progress {
        Progress::Asks { number, of, probe } => format!("[{number}/{of}] {} …", probe.name),
        Progress::Answered { finding, .. } => format!("        {}: {}", finding.verdict.name(), finding.saw),
        Progress::Cleaned { when, cleaned } => {
            let what = match when {
                When::Before => "left by earlier runs",
                When::After => "made by this run",
            };
            let others = cleaned.of_others.iter().map(|it| format!("\n  of a run that may be at work elsewhere: {it}"));
            let left = cleaned.left.iter().map(|it| format!("\n  LEFT: {it}"));
            let more: String = others.chain(left).collect();
            format!("Clean-up: {} removed, {what}.{more}", cleaned.removed.len())
        }
        Progress::Changed(proof) => match proof.save(folder) {
            Ok(()) => return,
            Err(error) => format!("error: the proof cannot be kept: {error}"),
        },
    };
    drop(writeln!(io::stdout(), "{text}"));
}

/// A line each, and what a refuted one means.
pub(crate) fn table(probes: &[&Probe], proof: &Proof) -> Vec<String> {
    let width = probes.iter().map(|probe| probe.name.len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for probe in probes {
        let Some(found) = proof.findings.get(probe.name) else { continue };
        lines.push(format!("{:width$}  {}", probe.name, found.finding.verdict.name()));
        if found.finding.verdict == Verdict::Refuted {
            lines.extend(report::refuted(probe, &found.finding.saw).into_iter().map(|line| format!("  {line}")));
        }
    }
    lines
}
