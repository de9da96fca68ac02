//! Route 53: the zone is the resource; a change is asked about with what it does to which records. (Route 53 Developer
//! Guide, "Using IAM policy conditions for fine-grained access control".)

use super::super::element::Element;
use super::super::rest::RestRequest;
use crate::iam::Check;

pub(super) fn checks(name: &str, request: &RestRequest) -> Vec<Check> {
    let id = &request.id;
    if id.is_empty() {
        return Vec::new();
    }
    let kind = if name == "GetChange" { "change" } else { "hostedzone" };
    let mut check = Check::new(format!("route53:{name}"), format!("arn:aws:route53:::{kind}/{id}"));
    // A global service is asked in the region where its endpoint is. (IAM User Guide, `aws:RequestedRegion`.)
    check.region = "us-east-1";
    if name == "ChangeResourceRecordSets" {
        check.keys = change_keys(&request.body);
    }
    vec![check]
}

fn change_keys(body: &Element) -> Vec<(&'static str, Vec<String>)> {
    let changes = body.child("ChangeBatch").map_or(&[][..], |batch| batch.list("Changes"));
    let of_set = |name| {
        let texts = changes.iter().filter_map(move |change| change.child("ResourceRecordSet")?.text(name));
        texts.map(str::to_owned).collect::<Vec<_>>()
    };
    let actions = changes.iter().filter_map(|change| change.text("Action")).map(str::to_owned).collect();
    // In lower case and without the final dot.
    let normal = |name: String| name.to_ascii_lowercase().trim_end_matches('.').to_owned();
    vec![
        ("route53:ChangeResourceRecordSetsActions", actions),
        ("route53:ChangeResourceRecordSetsRecordTypes", of_set("Type")),
        ("route53:ChangeResourceRecordSetsNormalizedRecordNames", of_set("Name").into_iter().map(normal).collect()),
    ]
}
