//! XML documents of requests, as a tree of elements.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;
use serde_json::{Map, Value};

use crate::world::error::{ApiError, ApiResult};

/// An element: its local name, and either text or children (what is beside children is white space).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) content: String,
    pub(super) children: Vec<Element>,
}

/// Deeper than any request nests.
const DEEPEST: usize = 16;

/// The root element; one without a name for an empty body.
pub(super) fn parse(body: &[u8]) -> ApiResult<Element> {
    let text = std::str::from_utf8(body).map_err(|_| malformed("it is not UTF-8"))?;
    let mut reader = Reader::from_str(text);
    // The open elements; below them all a nameless one that collects the root.
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| malformed(&error.to_string()))? {
            Event::Start(start) => open.push(Element::named(start.local_name().as_ref())),
            Event::Empty(start) => close(&mut open, Element::named(start.local_name().as_ref()))?,
            Event::End(_) => {
                let ended = open.pop().ok_or_else(|| malformed("an element ends that never began"))?;
                close(&mut open, ended)?;
            }
            Event::Text(text) => add_text(&mut open, &text.xml10_content()),
            Event::CData(text) => add_text(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => {
                let reference = format!("&{};", reference.xml10_content());
                let text = unescape(&reference).map_err(|error| malformed(&error.to_string()))?;
                add_text(&mut open, &text);
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
        if open.len() > DEEPEST {
            return Err(malformed("it is nested too deeply"));
        }
    }
    match open.pop() {
        Some(document) if open.is_empty() => Ok(document.children.into_iter().next().unwrap_or_default()),
        _ => Err(malformed("an element does not end")),
    }
}

impl Element {
    fn named(name: &str) -> Element {
        Element { name: name.to_owned(), ..Element::default() }
    }

    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The elements of the list `list`, none if there is no such child.
    pub(super) fn list(&self, list: &str) -> &[Element] {
        self.child(list).map_or(&[], |list| list.children.as_slice())
    }

    /// The text in the child `name`.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.content.as_str())
    }

    pub(super) fn required(&self, name: &str) -> ApiResult<&str> {
        self.text(name).filter(|text| !text.is_empty()).ok_or_else(|| malformed(&format!("{name} is missing")))
    }

    /// Refuses children other than `known`.
    pub(super) fn only(&self, known: &[&str]) -> ApiResult<()> {
        match self.children.iter().find(|child| !known.contains(&child.name.as_str())) {
            Some(child) => Err(invalid_input(format!("The local AWS does not have {} in {}.", child.name, self.name))),
            None => Ok(()),
        }
    }

    /// Its children as an object. A list has the name of its elements, in the plural.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        self.children.iter().map(|child| (child.name.clone(), child.value())).collect()
    }

    fn value(&self) -> Value {
        let is_list = self.children.first().is_some_and(|first| format!("{}s", first.name) == self.name);
        match self.children.is_empty() {
            true => Value::String(self.content.clone()),
            false if is_list => self.children.iter().map(Element::value).collect(),
            false => Value::Object(self.to_json()),
        }
    }
}

fn close(open: &mut [Element], ended: Element) -> ApiResult<()> {
    let parent = open.last_mut().ok_or_else(|| malformed("an element ends that never began"))?;
    parent.children.push(ended);
    Ok(())
}

fn add_text(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.content.push_str(text);
    }
}

fn malformed(why: &str) -> ApiError {
    invalid_input(format!("Invalid XML ; {why}"))
}

pub(super) fn invalid_input(text: impl Into<String>) -> ApiError {
    ApiError::new("InvalidInput", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_a_tree() {
        let root = parse(
            b"<?xml version=\"1.0\"?><a:R xmlns:a=\"x\"><List>\n <E><V>1 &lt; 2 &#38; 3</V></E><E/></List></a:R>",
        )
        .expect("well-formed");
        assert_eq!(root.name, "R");
        assert_eq!(root.list("List").len(), 2);
        assert_eq!(root.list("List")[0].text("V"), Some("1 < 2 & 3"));
        assert!(root.list("Other").is_empty());
    }

    #[test]
    fn lists_are_told_from_structures_by_their_names() {
        let root = parse(b"<R><Batch><Changes><Change><A>1</A></Change></Changes><Note/></Batch></R>");
        let expected = serde_json::json!({"Batch": {"Changes": [{"A": "1"}], "Note": ""}});
        assert_eq!(Value::Object(root.expect("well-formed").to_json()), expected);
    }

    #[test]
    fn an_empty_body_is_an_empty_element() {
        assert_eq!(parse(b"").expect("empty"), Element::default());
    }

    #[test]
    fn what_is_not_xml_is_refused() {
        for body in [&b"<a><b></a>"[..], b"<a>", b"</a>", b"<a>&nonsense;</a>", b"\xff"] {
            assert_eq!(parse(body).expect_err("malformed").code, "InvalidInput");
        }
    }
}
