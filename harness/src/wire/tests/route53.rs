//! Zones and record sets over the wire.

use super::*;

fn request(method: Method, path: &str, body: &str) -> Request<Vec<u8>> {
    signed(Service::Route53, method, &format!("/2013-04-01/{path}"), body)
}

fn zone(world: &mut World) -> String {
    let created = world.create_hosted_zone("example.com", "once", Some("vpc-0d4f1c6a2be093571".to_owned()), None);
    created.expect("a zone").0
}

fn change(action: &str, name: &str, value: &str) -> String {
    format!(
        "<Change><Action>{action}</Action><ResourceRecordSet><Name>{name}</Name><Type>A</Type><TTL>60</TTL>\
         <ResourceRecords><ResourceRecord><Value>{value}</Value></ResourceRecord></ResourceRecords>\
         </ResourceRecordSet></Change>"
    )
}

fn batch(changes: &[String]) -> String {
    format!(
        "<ChangeResourceRecordSetsRequest xmlns=\"{}\"><ChangeBatch><Changes>{}</Changes></ChangeBatch>\
         </ChangeResourceRecordSetsRequest>",
        Service::Route53.namespace().expect("XML"),
        changes.concat()
    )
}

#[test]
fn a_batch_is_submitted_and_gets_in_sync() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    let body = batch(&[change("UPSERT", "Node.Example.com", "10.0.0.7")]);
    let (status, answer) = call(&mut world, &request(Method::POST, &format!("hostedzone/{zone}/rrset/"), &body));
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(answer.contains("<ChangeResourceRecordSetsResponse xmlns="), "{answer}");
    let (_, rest) = answer.split_once("<Id>/change/").expect("an id");
    let (id, _) = rest.split_once('<').expect("an end");
    let (_, pending) = call(&mut world, &request(Method::GET, &format!("change/{id}"), ""));
    assert!(pending.contains("<Status>PENDING</Status>"), "{pending}");
    world.advance_to(world.now() + std::time::Duration::from_secs(300));
    let (_, in_sync) = call(&mut world, &request(Method::GET, &format!("change/{id}"), ""));
    assert!(in_sync.contains("<Status>INSYNC</Status>"), "{in_sync}");
}

#[test]
fn a_refused_batch_has_the_current_error_shape() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    let body = batch(&[change("DELETE", "node.example.com", "10.0.0.7")]);
    let (status, answer) = call(&mut world, &request(Method::POST, &format!("hostedzone/{zone}/rrset"), &body));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer.contains("<Error><Type>Sender</Type><Code>InvalidChangeBatch</Code><Message>[Tried to delete"));
    let last = world.history().last().expect("an entry");
    let Fact::Called { operation, parameters, .. } = &last.fact else { panic!("{last:?}") };
    assert_eq!(about(operation, parameters), format!("{zone} DELETE node.example.com A 10.0.0.7"));
}

#[test]
fn names_are_a_lower_bound_and_pages_follow() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    let names = ["a.example.com", "b.example.com", "*.example.com"];
    let body = batch(&names.map(|name| change("CREATE", name, "10.0.0.7")));
    let path = format!("hostedzone/{zone}/rrset");
    assert_eq!(call(&mut world, &request(Method::POST, &path, &body)).0, StatusCode::OK);

    let (_, answer) = call(&mut world, &request(Method::GET, &format!("{path}?name=aa.example.com"), ""));
    assert!(answer.contains("<Name>b.example.com.</Name>"), "{answer}");
    assert!(!answer.contains("<Name>a.example.com.</Name>"), "{answer}");

    let (_, answer) = call(&mut world, &request(Method::GET, &format!("{path}?name=%2A.example.com&maxitems=1"), ""));
    assert!(answer.contains("<Name>\\052.example.com.</Name>"), "{answer}");
    assert!(answer.contains("<IsTruncated>true</IsTruncated><NextRecordName>a.example.com.</NextRecordName>"));
    assert!(answer.contains("<NextRecordType>A</NextRecordType><MaxItems>1</MaxItems>"), "{answer}");

    let (status, answer) = call(&mut world, &request(Method::GET, &format!("{path}?type=A"), ""));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer.contains("<Code>InvalidInput</Code>"), "{answer}");
}

#[test]
fn an_unknown_zone_is_a_404() {
    let mut world = World::new(1);
    let (status, answer) = call(&mut world, &request(Method::GET, "hostedzone/Z1", ""));
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(answer.contains("<Code>NoSuchHostedZone</Code>"), "{answer}");
}

#[test]
fn a_new_zone_says_where_it_is() {
    let mut world = World::new(1);
    let body = "<CreateHostedZoneRequest><Name>example.org</Name><CallerReference>1</CallerReference>\
                </CreateHostedZoneRequest>";
    let response = answered(&mut world, &request(Method::POST, "hostedzone", body));
    assert_eq!(response.status(), StatusCode::CREATED);
    let location = response.headers()["location"].to_str().expect("text");
    assert!(location.starts_with("https://route53.amazonaws.com/2013-04-01/hostedzone/Z"), "{location}");
    assert!(text(&response).contains("<NameServer>ns-"), "{}", text(&response));
}

#[test]
fn a_malformed_name_is_refused_where_it_is_written_and_where_it_is_read() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    let path = format!("hostedzone/{zone}/rrset");
    let label = "x".repeat(64);
    let body = batch(&[change("CREATE", &format!("{label}.example.com"), "10.0.0.7")]);
    let written = request(Method::POST, &path, &body);
    let read = request(Method::GET, &format!("{path}?name={label}.example.com"), "");
    for (request, code) in [(written, "InvalidChangeBatch"), (read, "InvalidInput")] {
        let (status, answer) = call(&mut world, &request);
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(answer.contains(&format!("<Code>{code}</Code>")) && answer.contains("DomainLabelTooLong"), "{answer}");
    }
}

#[test]
fn a_refused_batch_can_have_the_body_of_old() {
    let mut world = World::new(1);
    let zone = zone(&mut world);
    world.faults.plan("route53:ChangeResourceRecordSets", FaultKind::OldErrorBody, 2);
    let path = format!("hostedzone/{zone}/rrset");
    let create = request(Method::POST, &path, &batch(&[change("CREATE", "a.example.com", "10.0.0.7")]));
    assert_eq!(call(&mut world, &create).0, StatusCode::OK);
    let (status, answer) = call(&mut world, &create);
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (_, body) = answer.split_once('\n').expect("two lines");
    assert_eq!(
        body,
        format!(
            "<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Messages><Message>Tried to create \
             resource record set [name=&apos;a.example.com.&apos;, type=&apos;A&apos;] but it already exists</Message>\
             </Messages><RequestId>00000000-0000-4000-8000-{:012x}</RequestId></InvalidChangeBatch>",
            world.history().len()
        )
    );
    assert!(call(&mut world, &create).1.contains("<Code>InvalidChangeBatch</Code>"));
}
