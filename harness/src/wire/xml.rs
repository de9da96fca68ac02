//! JSON trees as XML, for the three protocols that answer in it.

use quick_xml::escape::escape;
use serde_json::Value;

/// How a protocol writes a list named `tags` of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lists {
    /// `<tags><item/><item/></tags>`, `<tags><member/><member/></tags>`
    Wrapped(&'static str),
    /// `<tags/><tags/>`; a wrapper is one more object around it.
    Repeated,
}

/// A whole document. Members that are null are left out.
pub(super) fn document(root: &str, namespace: Option<&str>, content: &Value, lists: Lists) -> Vec<u8> {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    match namespace {
        Some(namespace) => out.push_str(&format!("<{root} xmlns=\"{}\">", escape(namespace))),
        None => out.push_str(&format!("<{root}>")),
    }
    write_content(&mut out, content, lists);
    out.push_str(&format!("</{root}>"));
    out.into_bytes()
}

fn write_element(out: &mut String, name: &str, value: &Value, lists: Lists) {
    match (value, lists) {
        (Value::Null, _) => {}
        (Value::Array(elements), Lists::Repeated) => {
            for element in elements {
                write_element(out, name, element, lists);
            }
        }
        (value, _) => {
            out.push_str(&format!("<{name}>"));
            write_content(out, value, lists);
            out.push_str(&format!("</{name}>"));
        }
    }
}

fn write_content(out: &mut String, value: &Value, lists: Lists) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => out.push_str(&escape(text.as_str())),
        Value::Object(members) => {
            for (name, member) in members {
                write_element(out, name, member, lists);
            }
        }
        Value::Array(elements) => {
            let name = match lists {
                Lists::Wrapped(name) => name,
                Lists::Repeated => "member",
            };
            for element in elements {
                write_element(out, name, element, lists);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(content: &Value, lists: Lists) -> String {
        let document = String::from_utf8(document("R", None, content, lists)).expect("UTF-8");
        document.lines().nth(1).expect("a root").to_owned()
    }

    #[test]
    fn lists_are_written_as_each_protocol_has_them() {
        let content = json!({"tagSet": [{"key": "a"}, {"key": "b"}], "none": []});
        assert_eq!(
            text(&content, Lists::Wrapped("item")),
            "<R><tagSet><item><key>a</key></item><item><key>b</key></item></tagSet><none></none></R>"
        );
        let content = json!({"Zones": {"Zone": [{"Id": 1}, {"Id": 2}]}, "None": {"Zone": []}});
        assert_eq!(
            text(&content, Lists::Repeated),
            "<R><Zones><Zone><Id>1</Id></Zone><Zone><Id>2</Id></Zone></Zones><None></None></R>"
        );
    }

    #[test]
    fn null_is_left_out_and_text_is_escaped() {
        let content = json!({"a": null, "b": "<&>\"", "c": true});
        assert_eq!(text(&content, Lists::Repeated), "<R><b>&lt;&amp;&gt;&quot;</b><c>true</c></R>");
    }

    #[test]
    fn the_namespace_is_on_the_root() {
        let document = document("R", Some("http://x/"), &json!({}), Lists::Repeated);
        assert!(String::from_utf8_lossy(&document).ends_with("<R xmlns=\"http://x/\"></R>"));
    }
}
