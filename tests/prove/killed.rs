//! A run that is killed at any of its calls, and run again: nothing of it is left, and nothing else was touched.

use std::collections::BTreeMap;
use std::time::Duration;

use durin::aws::Aws;
use durin_cli::prove::Proving;
use durin_harness::world::World;
use durin_harness::world::ec2::{CreateVolume, ImageSpec};
use durin_harness::world::ssm::PutParameter;
use durin_prove::clean::{Whose, clean};
use durin_prove::proof::{ELSEWHERE, Proof};
use durin_prove::session::{self, Progress};
use durin_prove::{Bench, Level, Probe, Verdict};
use rstest::rstest;

use super::{asked_here, proving};

const MINUTE: Duration = Duration::from_secs(60);

/// What an account has, as far as a probe can touch it.
fn inventory(world: &World) -> BTreeMap<String, String> {
    let instances = world.ec2.instances().values().filter(|it| it.state.name() != "terminated");
    let instances = instances.map(|it| (it.id.clone(), format!("{} {:?}", it.state.name(), it.tags)));
    let volumes = world.ec2.volumes().values();
    let volumes = volumes.map(|it| (it.id.clone(), format!("{:?} {:?} {:?}", it.state, it.attachment, it.tags)));
    let images = world.ec2.images().values().filter(|image| world.is_listed(image));
    let images = images.map(|it| (it.id.clone(), format!("{} {:?} {:?}", it.name, it.state, it.tags)));
    let snapshots = world.ec2.snapshots().values().map(|it| (it.id.clone(), format!("{it:?}")));
    let templates = world.ec2.launch_templates().values().map(|it| (it.id.clone(), format!("{it:?}")));
    let groups = world.autoscaling.groups().values().map(|it| (it.name.clone(), format!("{:?}", it.tags)));
    let zones = world.route53.zones().values().map(|it| (it.id.clone(), format!("{it:?}")));
    let parameters = world.ssm.parameters().values().map(|it| (it.name.clone(), format!("{it:?}")));
    let ec2 = instances.chain(volumes).chain(images).chain(snapshots).chain(templates);
    ec2.chain(groups).chain(zones).chain(parameters).collect()
}

/// Things that look like a probe's, and are not.
fn sow_decoys(world: &mut World) {
    for name in ["/durin/proof/notes", "/durin/proofs/1767590000/identical", "/durin/proof/mine/identical"] {
        world.add_parameter(PutParameter {
            name: name.to_owned(),
            value: "mine".to_owned(),
            parameter_type: Some("String".to_owned()),
            ..PutParameter::default()
        });
    }
    for name in ["proof.durin.internal", "mine.proof.durin.internal", "a.unproof.durin.internal"] {
        world.create_hosted_zone(name, name, None, Some("durin:proofs=1".to_owned())).expect("a zone");
    }
    world.create_launch_template("durin-proof-of-mine", "ami-1", "t3.micro", false).expect("a template");
    let tags = BTreeMap::from([("durin:proofs".to_owned(), "1".to_owned())]);
    world.add_image(ImageSpec::named("durin-proof-image").tagged("durin:proofs", "1"));
    world.add_image(ImageSpec::named("durin-proof-of-mine").tagged("durin:proof", "mine"));
    world
        .create_volume(CreateVolume { size_gib: 1, zone: "eu-central-1a".to_owned(), tags, ..CreateVolume::default() })
        .expect("a volume");
}

/// A run of one probe, with what was kept of it when it ended or died.
async fn ask(proving: &Proving, probe: &'static Probe, kept: Option<Proof>) -> (Option<bool>, Proof) {
    let mut bench = Bench::new(Aws::new(&proving.way.config(proving.aws())));
    let mut proof = kept.unwrap_or_else(|| Proof::begin(ELSEWHERE, "eu-central-1", bench.now()));
    bench.former.clone_from(&proof.runs);
    let mut saved = proof.clone();
    let mut tell = |progress: Progress<'_>| {
        if let Progress::Changed(proof) = progress {
            saved = proof.clone();
        }
    };
    let probes = [probe];
    let ended = tokio::select! {
        biased;
        () = proving.way.death() => None,
        is_clean = session::run(&bench, &probes, &mut proof, &mut tell) => Some(is_clean),
    };
    (ended, saved)
}

/// The calls, from 1, at which it matters that a run dies: each that changes something, and each just before such a one,
/// when all that was waited for has come. After the others the account is as after the one before.
fn moments(answered: &[String]) -> Vec<usize> {
    let changes =
        |call: usize| answered.get(call - 1).is_some_and(|operation| !durin_cli::timeline::is_read(operation));
    (1..=answered.len()).filter(|call| *call == 1 || changes(*call) || changes(call + 1)).collect()
}

#[rstest]
#[case(0)]
#[case(1)]
#[case(2)]
#[tokio::test(start_paused = true)]
async fn a_run_that_is_killed_at_any_call_and_run_again_leaves_nothing_behind(#[case] third: usize) {
    let probes = asked_here().filter(|probe| probe.level > Level::Read);
    for probe in probes.enumerate().filter(|(index, _)| index % 3 == third).map(|(_, probe)| probe) {
        let undisturbed = proving();
        undisturbed.aws().world(sow_decoys);
        undisturbed.bench.pause(MINUTE).await;
        assert_eq!(ask(&undisturbed, probe, None).await.0, Some(true), "{}", probe.name);
        let answered = undisturbed.way.answered();
        for call in moments(&answered) {
            let proving = proving();
            proving.aws().world(sow_decoys);
            proving.bench.pause(MINUTE).await;
            let before = proving.aws().world(|world| inventory(world));
            let what = format!("{}, killed at call {call}: {}", probe.name, answered[call - 1]);
            proving.way.die_after(call);
            let (ended, kept) = ask(&proving, probe, None).await;
            assert_eq!(ended, None, "{what}: it ended before");
            // Another process, a moment later.
            proving.bench.pause(Duration::from_secs(2)).await;
            let (ended, kept) = ask(&proving, probe, Some(kept)).await;
            assert_eq!(ended, Some(true), "{what}");
            assert!(kept.finished && kept.runs.is_empty(), "{what}: {kept:?}");
            assert_eq!(kept.findings[probe.name].finding.verdict, Verdict::Proved, "{what}: {kept:?}");
            let after = proving.aws().world(|world| inventory(world));
            let differs: Vec<_> = before.iter().filter(|(id, it)| after.get(*id) != Some(it)).collect();
            let left: Vec<_> = after.iter().filter(|(id, _)| !before.contains_key(*id)).collect();
            assert!(differs.is_empty() && left.is_empty(), "{what}: left {left:?}; changed {differs:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_run_may_be_at_work_with_is_left_alone_until_it_must_be_over() {
    let proving = proving();
    let name = proving.bench.parameter("identical");
    let put = proving.bench.aws.ssm.put_parameter().name(&name).value("v").r#type("String".into());
    put.send().await.expect("put");
    proving.bench.pause(MINUTE).await;
    let other = Bench::new(proving.bench.aws.clone());
    let cleaned = clean(&other, Whose::Ours).await;
    assert_eq!(cleaned.of_others, [format!("parameter {name}")]);
    assert!(cleaned.removed.is_empty() && cleaned.left.is_empty(), "{cleaned:?}");
    proving.bench.pause(Duration::from_secs(4 * 3600)).await;
    assert_eq!(clean(&other, Whose::Ours).await.removed, [format!("parameter {name}")]);
}

#[tokio::test(start_paused = true)]
async fn a_person_can_have_everything_removed_at_once() {
    let proving = proving();
    proving.aws().world(sow_decoys);
    let before = proving.aws().world(|world| inventory(world));
    let name = proving.bench.parameter("identical");
    let put = proving.bench.aws.ssm.put_parameter().name(&name).value("v").r#type("String".into());
    put.send().await.expect("put");
    proving.bench.pause(MINUTE).await;
    let other = Bench::new(proving.bench.aws.clone());
    assert_eq!(clean(&other, Whose::Everybodys).await.removed, [format!("parameter {name}")]);
    let after = proving.aws().world(|world| inventory(world));
    assert!(before.keys().eq(after.keys()), "{:?}", after.keys());
}
