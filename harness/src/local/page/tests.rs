use http::Request;
use http::header::{HOST, ORIGIN};

use super::*;
use crate::seed::NodeSeed;
use crate::testing::settled;

const BROWSER: [(&str, &str); 2] = [("accept", "text/html,*/*;q=0.8"), ("host", "127.0.0.1:4566")];

fn asked(method: Method, path: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn tell(entry: &Entry) -> Told {
    Told { kind: "aws", text: format!("{:?}", entry.fact), is_noise: false, is_failure: false }
}

fn page() -> Page {
    Page { tell, seed: Seed::one_node(), begun: Time::GENESIS }
}

fn served() -> LocalAws {
    LocalAws::new(settled(1, NodeSeed::default()).0, 1.0)
}

#[tokio::test(start_paused = true)]
async fn a_browser_gets_the_page_and_awss_clients_do_not() {
    let aws = served();
    let is_page = |parts: Parts| answer(&aws, &page(), &parts).is_some();
    assert!(is_page(asked(Method::GET, "/", &BROWSER)));
    let signed = [&BROWSER[..], &[("authorization", "AWS4-HMAC-SHA256 Credential=operator/...")]].concat();
    assert!(!is_page(asked(Method::GET, "/", &signed)));
    assert!(!is_page(asked(Method::GET, "/?Action=DescribeInstances&Version=2016-11-15", &BROWSER)));
    assert!(!is_page(asked(Method::POST, "/", &BROWSER)));
    assert!(!is_page(asked(Method::GET, "/", &[("accept", "*/*"), ("host", "127.0.0.1:4566")])));
    assert!(!is_page(asked(Method::GET, "/2013-04-01/hostedzone", &BROWSER)));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_points_here_shows_nothing() {
    let aws = served();
    for path in ["/", "/durin/state", "/durin/story"] {
        let rebound = [("accept", "text/html"), ("host", "rebound.example.com:4566")];
        assert!(answer(&aws, &page(), &asked(Method::GET, path, &rebound)).is_none(), "{path}");
    }
}

#[test]
fn only_the_worlds_own_page_may_ask() {
    let headers = |host: &'static str, origin: Option<&'static str>| {
        let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
        headers.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
        headers
    };
    for host in ["127.0.0.1:4566", "localhost:4566", "[::1]:4566"] {
        assert!(!is_foreign(&headers(host, None)), "the AWS CLI");
        assert!(is_foreign(&headers(host, Some("https://example.com"))));
        assert!(is_foreign(&headers(host, Some("null"))));
        assert!(is_foreign(&headers(host, Some("http://127.0.0.1:8080"))));
    }
    assert!(!is_foreign(&headers("127.0.0.1:4566", Some("http://127.0.0.1:4566"))));
    assert!(!is_foreign(&headers("localhost:4566", Some("http://localhost:4566"))));
    assert!(is_foreign(&headers("example.com:4566", Some("http://example.com:4566"))), "a name that points here");
    assert!(is_for_another_host(&headers("localhost.example.com", None)) && is_for_another_host(&HeaderMap::new()));
}

#[test]
fn the_page_needs_nothing_else_and_runs_nothing_else() {
    for element in ["script", "style"] {
        assert_eq!(PAGE.matches(&format!("<{element}")).count(), 1, "{element}");
        assert!(content_of(element).len() > 1000, "{element}");
    }
    for outside in ["http:", "https:", "@import", "url(", " onclick=", " style="] {
        assert!(!PAGE.contains(outside), "{outside}");
    }
    assert!(!PAGE.contains("innerHTML"), "a name is text and no markup");
    let policy = policy();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test(start_paused = true)]
async fn each_look_goes_on_where_the_last_one_has_ended() {
    let aws = served();
    let look = |from: u64| {
        let parts = asked(Method::GET, &format!("/durin/state?from={from}"), &BROWSER);
        let state = answer(&aws, &page(), &parts).unwrap();
        serde_json::from_str::<serde_json::Value>(state.body()).unwrap()
    };
    let first = look(0);
    let node = &first["nodes"][0];
    assert_eq!((&node["name"], &node["answers"]), (&"k3s".into(), &true.into()));
    assert_eq!(node["volume"]["on"], node["instances"][0]["id"]);
    let seen = first["next"].as_u64().unwrap();
    assert_eq!(first["rows"].as_array().unwrap().len() as u64, seen);
    assert_eq!(look(seen)["rows"].as_array().unwrap().len(), 0);
    let holder = node["instances"][0]["id"].as_str().unwrap().to_owned();
    aws.world(|world| world.recommend_rebalance(&holder));
    let rows = look(seen)["rows"].to_string();
    assert!(rows.contains("RebalanceRecommended") && rows.contains(&holder), "{rows}");
    assert_eq!(look(seen + 1_000)["rows"].as_array().unwrap().len() as u64, look(0)["next"].as_u64().unwrap());
}
