use super::run;

/// Everything that is printed, of a history that has to end well.
fn printed(arguments: &[&str]) -> String {
    let output = run(&[&["simulate"], arguments].concat());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0), "{text}");
    text
}

/// Each process hashes with keys of its own, so that anything that goes by the order in a hash map would show.
#[test]
fn a_seed_decides_a_history_to_the_letter() {
    let trace = || printed(&["--seed", "5", "--trace"]);
    let first = trace();
    assert!(first.lines().count() > 300 && first.contains("calls ec2:AttachVolume"), "{first}");
    assert_eq!(first, trace());
}

#[test]
fn histories_are_the_same_however_many_are_played_at_once() {
    let sum = |jobs| printed(&["--seeds", "1..4", "--jobs", jobs]);
    let one_by_one = sum("1");
    assert!(one_by_one.starts_with("4 of 4 end well; "), "{one_by_one}");
    assert_eq!(one_by_one, sum("3"));
    assert_ne!(one_by_one, printed(&["--seeds", "1..4", "--faults", "none"]));
}
