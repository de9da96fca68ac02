//! The response of a function that looked after several nodes or image families, or after one of them.

use std::fmt::Display;

use serde_json::{Map, Value, json};

use crate::failure::{Failure, Subjects};

/// The result for each, by name. Failures are logged here; every other outcome was logged when it came, since a run may
/// be cut off.
///
/// `mistakes` are about nodes that could not be examined at all.
///
/// # Errors
/// When one failed: with its own failure, under its name, if it is the only one, else with one that names all that failed.
pub fn answer<D: Display>(
    subjects: Subjects,
    outcomes: Vec<(String, Result<D, Failure>)>,
    mistakes: Vec<Failure>,
) -> Result<Value, Failure> {
    let total = outcomes.len() + mistakes.len();
    let mut failures: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let mut last = mistakes.into_iter().last();
    let mut served = Map::new();
    for (name, outcome) in outcomes {
        match outcome {
            Ok(done) => drop(served.insert(name, json!(done.to_string()))),
            Err(failure) => {
                let reason = failure.chain();
                tracing::error!(name, error_type = failure.error_type(), reason, "failed");
                let failure = failure.of(&name);
                failures.push(failure.chain());
                last = Some(failure);
            }
        }
    }
    match last {
        None => Ok(Value::Object(served)),
        Some(failure) if total == 1 => Err(failure),
        Some(_) => Err(Failure::PartlyFailed { subjects, failures, total }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic while writing").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn out_of_time(waiting_for: &str) -> Result<String, Failure> {
        Err(Failure::OutOfTime { waiting_for: waiting_for.to_owned() })
    }

    #[test]
    fn every_failure_leaves_a_trace() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let outcomes =
            vec![("i-1".to_owned(), Ok("it is not a node's".to_owned())), ("i-2".to_owned(), out_of_time("EC2"))];
        let failure = answer(Subjects::Nodes, outcomes, Vec::new()).expect_err("one failed");
        assert_eq!(
            (failure.error_type(), failure.chain()),
            ("Durin.SomeNodesFailed", "1 of 2 nodes failed: i-2: out of time: EC2".to_owned())
        );
        let text = String::from_utf8(lines.0.lock().expect("no panic while writing").clone()).expect("UTF-8");
        let [failed] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert!(failed.contains("ERROR") && failed.contains("i-2") && failed.contains("out of time: EC2"), "{failed}");
    }

    #[test]
    fn the_only_one_fails_with_its_own_failure() {
        let failure = answer(Subjects::Nodes, vec![("k3s".to_owned(), out_of_time("EC2"))], Vec::new());
        let failure = failure.expect_err("it failed");
        assert_eq!((failure.error_type(), failure.chain()), ("Durin.OutOfTime", "k3s: out of time: EC2".to_owned()));
    }
}
