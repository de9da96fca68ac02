//! Replays of pruning: whatever refers to an image or a snapshot keeps it, whatever fails removes nothing that it
//! should not, and everything else goes in the end.

mod orphans;
mod references;
mod refusals;

use std::collections::BTreeSet;
use std::time::Duration;

use durin::ami::prune::{self, Policy, Pruned, table};
use durin::aws::Aws;
use durin::clock::Deadline;
use durin::tags::{FAMILY, STALE_SINCE};
use durin_harness::FunctionError;
use durin_harness::seed::{IMAGE_PARAMETER, Seed};
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::ec2::{ImageSpec, ImageState, SnapshotSpec};
use durin_harness::world::faults::FaultKind;
use durin_harness::world::history::Fact;
use durin_harness::world::invariants::check_always;
use durin_tests::{Story, broken, schedule};
use rstest::rstest;
use serde_json::Value;

const DAY: Duration = Duration::from_secs(86_400);
const PRUNE: &str = "durin-ami-prune";

/// An account with litter: the node's image, and eight weekly bakes before it, the oldest last.
struct Litter {
    story: Story,
    /// Old images, youngest first; the policy keeps the newest three of the family: the node's, and the first two of
    /// these.
    old: Vec<String>,
    /// A snapshot whose image is gone, as its description says.
    orphan: String,
}

impl Litter {
    fn new() -> Litter {
        let story = Story::without_functions(&Seed::one_node());
        let old = (1..=8).map(|weeks| bake(&story, weeks)).collect();
        let orphan = story.world(|world| {
            let started = Some(Time(world.now().0 - 60 * 86_400_000));
            let tags = [(FAMILY.to_owned(), IMAGE_PARAMETER.to_owned())].into();
            let description = "Created by CreateImage(i-0123456789abcdef0) for ami-0fedcba9876543210".to_owned();
            world.add_snapshot(SnapshotSpec { started, tags, description, ..SnapshotSpec::default() })
        });
        Litter { story, old, orphan }
    }

    /// One that nothing protects, unless a test makes it so.
    fn victim(&self) -> &str {
        &self.old[4]
    }

    fn snapshot_of(&self, image: &str) -> String {
        image.replace("ami-", "snap-")
    }

    async fn prune(&self) -> Result<Value, FunctionError> {
        self.story.invoke(PRUNE, schedule()).await.outcome
    }

    /// As many daily runs as it takes.
    async fn days(&self, days: u32) {
        for _ in 0..days {
            self.prune().await.unwrap_or_else(|error| panic!("{error}\n{}", self.story.told()));
            self.story.aws().pass(DAY).await;
        }
    }

    /// As a person sees it.
    async fn plan(&self) -> Vec<String> {
        let operator = Aws::new(&self.story.aws().sdk_config("operator"));
        table::lines(&prune::look(&operator, &Policy::default(), usize::MAX).await.expect("a plan"))
    }

    /// What is left of the old images.
    fn left(&self) -> BTreeSet<&str> {
        let is_left = |id: &&str| self.story.world(|world| world.image(id).is_some_and(|image| image.gone.is_none()));
        self.old.iter().map(String::as_str).filter(is_left).collect()
    }

    fn state(&self, image: &str) -> ImageState {
        self.story.world(|world| world.ec2.images()[image].state)
    }

    fn snapshots(&self) -> BTreeSet<String> {
        self.story.world(|world| world.ec2.snapshots().keys().cloned().collect())
    }

    fn violations(&self) -> Vec<String> {
        self.story.world(|world| check_always(world).into_iter().chain(broken(world)).collect())
    }

    fn nothing_is_broken(&self) {
        let violations = self.violations();
        assert!(violations.is_empty(), "{violations:#?}\n{}", self.story.told());
    }
}

fn bake(story: &Story, weeks_ago: i64) -> String {
    story.world(|world| {
        let created = Time(world.now().0 - (4 + 7 * weeks_ago) * 86_400_000);
        world.add_image(
            ImageSpec::named(&format!("k3s-old-{weeks_ago}")).tagged(FAMILY, IMAGE_PARAMETER).created(created),
        )
    })
}

#[tokio::test(start_paused = true)]
async fn what_nothing_needs_is_disabled_and_days_later_gone_with_its_snapshots() {
    let litter = Litter::new();
    litter.prune().await.expect("pruned");
    let kept: BTreeSet<&str> = litter.old[..2].iter().map(String::as_str).collect();
    assert_eq!(litter.left().len(), 8, "nothing goes on the first day");
    for image in &litter.old[2..] {
        assert_eq!(litter.state(image), ImageState::Disabled);
    }
    assert!(litter.snapshots().contains(&litter.orphan), "an orphan may be the only way back");
    litter.story.aws().pass(DAY).await;
    litter.prune().await.expect("pruned");
    assert_eq!(litter.left().len(), 8, "they soak for two days");
    litter.story.aws().pass(DAY).await;
    litter.prune().await.expect("pruned");
    assert_eq!(litter.left(), kept, "{}", litter.story.told());
    assert!(litter.old[2..].iter().all(|image| !litter.snapshots().contains(&litter.snapshot_of(image))));
    assert!(!litter.snapshots().contains(&litter.orphan), "{}", litter.story.told());
    let again = litter.story.invoke(PRUNE, schedule()).await;
    assert_eq!(again.writes(), Vec::<&String>::new(), "running again after success does nothing");
    litter.nothing_is_broken();
}

/// Each of these alone keeps the image, and nothing else does.
#[rstest]
#[case::a_running_instance(references::a_running_instance)]
#[case::a_stopped_instance(references::a_stopped_instance)]
#[case::a_launch_configuration(references::a_launch_configuration)]
#[case::the_default_version_of_a_template(references::the_default_version_of_a_template)]
#[case::the_latest_version_of_a_template(references::the_latest_version_of_a_template)]
#[case::a_version_that_only_image_references_list(references::a_version_that_only_image_references_list)]
#[case::resolved_by_a_version_that_a_group_overrides_with(
    references::resolved_by_a_version_that_a_group_overrides_with
)]
#[case::a_version_beside_one_that_is_gone(references::a_version_beside_one_that_is_gone)]
#[case::a_version_beside_hundreds_of_which_some_are_gone(references::a_version_beside_hundreds_of_which_some_are_gone)]
#[case::a_version_beside_templates_that_are_gone(references::a_version_beside_templates_that_are_gone)]
#[case::a_fleet_beside_one_whose_version_is_gone(references::a_fleet_beside_one_whose_version_is_gone)]
#[case::an_image_that_a_group_overrides_with(references::an_image_that_a_group_overrides_with)]
#[case::a_fleet(references::a_fleet)]
#[case::a_spot_fleet(references::a_spot_fleet)]
#[case::a_spot_request(references::a_spot_request)]
#[case::the_version_of_a_parameter_before(references::the_version_of_a_parameter_before)]
#[case::a_labelled_version_of_the_familys_parameter(references::a_labelled_version_of_the_familys_parameter)]
#[case::a_text_parameter(references::a_text_parameter)]
#[case::a_text_parameter_among_many(references::a_text_parameter_among_many)]
#[case::a_text_parameter_with_other_words_around(references::a_text_parameter_with_other_words_around)]
#[case::a_list_parameter(references::a_list_parameter)]
#[case::the_version_of_a_text_parameter_before(references::the_version_of_a_text_parameter_before)]
#[case::a_labelled_version_of_a_text_parameter(references::a_labelled_version_of_a_text_parameter)]
#[case::a_text_parameter_that_names_its_snapshot(references::a_text_parameter_that_names_its_snapshot)]
#[case::another_account(references::another_account)]
#[case::everybody(references::everybody)]
#[case::protection(references::protection)]
#[case::a_tag(references::a_tag)]
#[case::a_tag_on_its_snapshot(references::a_tag_on_its_snapshot)]
#[case::a_tag_on_its_snapshot_that_is_spelt_otherwise(references::a_tag_on_its_snapshot_that_is_spelt_otherwise)]
#[case::a_template_that_names_its_snapshot(references::a_template_that_names_its_snapshot)]
#[tokio::test(start_paused = true)]
async fn what_is_referred_to_stays(#[case] refer: fn(&mut World, &str)) {
    let litter = Litter::new();
    let victim = litter.victim().to_owned();
    litter.story.world(|world| refer(world, &victim));
    // Some of them let the world go ahead, until Parameter Store has accepted a value: the clock has to follow.
    litter.story.aws().pass(Duration::from_secs(3600)).await;
    litter.days(4).await;
    let kept: BTreeSet<&str> = [litter.old[0].as_str(), &litter.old[1], &victim].into();
    assert_eq!(litter.left(), kept, "{}", litter.story.told());
    assert_eq!(litter.state(&victim), ImageState::Available);
    assert!(litter.snapshots().contains(&litter.snapshot_of(&victim)));
    litter.nothing_is_broken();
}

/// One source that cannot be read means that nothing is removed, and the error says which.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_source_that_cannot_be_read_stops_everything(
    #[values(
        "ec2:DescribeImages",
        "ec2:DescribeSnapshots",
        "ec2:DescribeInstances",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeFleets",
        "ec2:DescribeSpotFleetRequests",
        "ec2:DescribeSpotInstanceRequests",
        "ec2:DescribeImageReferences",
        "ec2:DescribeImageAttribute",
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeLaunchConfigurations",
        "ssm:DescribeParameters",
        "ssm:GetParameterHistory",
        "ssm:GetParameters"
    )]
    operation: &str,
) {
    let litter = Litter::new();
    litter.story.world(|world| references::a_text_parameter(world, &litter.old[0]));
    // The first half of the way: there is something to deregister, and something to disable.
    litter.prune().await.expect("pruned");
    litter.story.aws().pass(3 * DAY).await;
    let stale = bake(&litter.story, 30);
    let before = litter.snapshots();
    litter.story.fault(operation, FaultKind::InternalError, 100);
    let invoked = litter.story.invoke(PRUNE, schedule()).await;
    let error = invoked.outcome.expect_err("unread");
    assert!(error.message.contains(operation), "{error}");
    assert!(["Durin.ReferencesUnread", "Durin.AwsError"].contains(&error.error_type.as_str()), "{error}");
    let tried =
        |call: &str| ["Deregister", "Disable", "Delete", "Create", "Enable"].iter().any(|verb| call.contains(verb));
    assert!(!invoked.calls.iter().any(|call| tried(call)), "{:?}", invoked.calls);
    assert_eq!((litter.left().len(), litter.snapshots(), litter.state(&stale)), (8, before, ImageState::Available));
    litter.nothing_is_broken();
}

#[tokio::test(start_paused = true)]
async fn a_reference_that_appears_while_it_soaks_enables_it_again() {
    let litter = Litter::new();
    let victim = litter.victim().to_owned();
    litter.prune().await.expect("pruned");
    assert_eq!(litter.state(&victim), ImageState::Disabled);
    litter.story.world(|world| references::template(world, "web", &victim));
    litter.story.aws().pass(3 * DAY).await;
    litter.days(2).await;
    assert_eq!(litter.state(&victim), ImageState::Available);
    let tags = litter.story.world(|world| world.ec2.images()[&victim].tags.clone());
    assert!(!tags.contains_key(STALE_SINCE), "{tags:?}");
    assert_eq!(litter.left().len(), 3);
    litter.nothing_is_broken();
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_disabled_is_not_ours_to_remove() {
    let litter = Litter::new();
    let victim = litter.victim().to_owned();
    litter.story.world(|world| world.disable_image(&victim)).expect("disabled");
    litter.days(4).await;
    assert!(litter.left().contains(victim.as_str()));
    assert_eq!(litter.state(&victim), ImageState::Disabled);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_two_images_share_stays_until_both_are_gone() {
    let litter = Litter::new();
    let (victim, shared) = (litter.victim().to_owned(), litter.snapshot_of(litter.victim()));
    // Of no family, so it is never removed by us.
    let other = litter.story.world(|world| {
        world.add_image(ImageSpec { snapshots: Some(vec![shared.clone()]), ..ImageSpec::named("by hand") })
    });
    litter.days(4).await;
    assert!(!litter.left().contains(victim.as_str()));
    assert!(litter.snapshots().contains(&shared));
    litter.story.world(|world| world.deregister_image(&other, false)).expect("deregistered");
    litter.story.aws().pass(DAY).await;
    litter.days(3).await;
    assert!(!litter.snapshots().contains(&shared), "found again, although no mapping leads to it any more");
    litter.nothing_is_broken();
}

/// Snapshots without a family, and of data volumes, are none of our business, however old.
#[tokio::test(start_paused = true)]
async fn other_snapshots_are_left_alone() {
    let litter = Litter::new();
    let others = litter.story.world(|world| {
        let started = Some(Time(world.now().0 - 365 * 86_400_000));
        let spec = |tags: &[(&str, &str)]| SnapshotSpec {
            started,
            tags: tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
            description: "Created by CreateImage(i-0123456789abcdef0) for ami-0fedcba9876543210".to_owned(),
            ..SnapshotSpec::default()
        };
        [world.add_snapshot(spec(&[])), world.add_snapshot(spec(&[("durin:volume", "data")]))]
    });
    litter.days(4).await;
    assert!(others.iter().all(|snapshot| litter.snapshots().contains(snapshot)));
    litter.nothing_is_broken();
}

/// The run dies after any of its calls. The next ones finish, and nothing is lost or left.
#[rstest]
#[tokio::test(start_paused = true)]
async fn cut_short_at_any_call_the_next_run_goes_on(#[values(false, true)] soaked: bool) {
    for after in 1.. {
        let litter = Litter::new();
        litter.story.world(|world| references::template(world, "web", &litter.old[5]));
        if soaked {
            litter.prune().await.expect("pruned");
            litter.story.aws().pass(3 * DAY).await;
        }
        let begin = litter.story.world(|world| world.history().len());
        let made = |world: &World| {
            let calls = world.history()[begin..].iter();
            calls.filter(|entry| matches!(&entry.fact, Fact::Called { caller, .. } if caller.is(PRUNE))).count()
        };
        let finished = tokio::select! {
            biased;
            _ = litter.story.aws().until(DAY, |world| made(world) >= after) => false,
            outcome = litter.prune() => outcome.is_ok(),
        };
        litter.days(4).await;
        let kept: BTreeSet<&str> = [litter.old[0].as_str(), &litter.old[1], &litter.old[5]].into();
        assert_eq!(litter.left(), kept, "cut after {after} calls\n{}", litter.story.told());
        assert_eq!(litter.state(&litter.old[5]), ImageState::Available);
        let gone = |image: &&String| !kept.contains(image.as_str());
        let snapshots = litter.snapshots();
        let litter_left = litter.old.iter().filter(gone).filter(|image| snapshots.contains(&litter.snapshot_of(image)));
        assert_eq!(litter_left.count(), 0, "cut after {after} calls");
        assert!(!snapshots.contains(&litter.orphan));
        litter.nothing_is_broken();
        if finished {
            assert!(after > 15, "it has to have been cut now and then: {after}");
            return;
        }
        assert!(after < 200, "it never finishes");
    }
}

/// Faults that pass: throttling, errors, and answers that are lost after the change.
#[rstest]
#[tokio::test(start_paused = true)]
async fn faults_that_pass_are_survived(
    #[values(FaultKind::Throttled, FaultKind::InternalError, FaultKind::ResponseLost)] kind: FaultKind,
) {
    let litter = Litter::new();
    for operation in
        ["DescribeImages", "CreateTags", "EnableImageDeprecation", "DisableImage", "DeregisterImage", "DeleteSnapshot"]
    {
        litter.story.fault(&format!("ec2:{operation}"), kind, 2);
    }
    litter.days(4).await;
    assert_eq!(litter.left().len(), 2);
    // A second attempt at what is gone is refused, because what is gone has no tags. It is not told as a failure.
    let refused = |violation: &String| violation.contains("is not authorized") && kind == FaultKind::ResponseLost;
    let violations: Vec<String> = litter.violations().into_iter().filter(|violation| !refused(violation)).collect();
    assert!(violations.is_empty(), "{violations:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_what_would_go_and_touches_nothing() {
    let litter = Litter::new();
    let (aws, settings) = (
        Aws::new(&litter.story.aws().sdk_config("operator")),
        durin_ami_prune::Settings { policy: Policy::default(), dry_run: true },
    );
    let deadline = Deadline::before(aws.clock.now() + Duration::from_secs(900));
    let before = litter.snapshots();
    let answer = durin_ami_prune::handle(&aws, &settings, schedule(), deadline).await.expect("a dry run");
    let would = answer["dry-run"].as_object().expect("a table").clone();
    assert_eq!(would.len(), 7, "six images and an orphan: {would:?}");
    assert_eq!(would[litter.victim()], "disable");
    assert_eq!((litter.snapshots(), litter.state(litter.victim())), (before, ImageState::Available));
}

/// Lambda's time is over before all is done: the run says so, and the next one goes on.
#[tokio::test(start_paused = true)]
async fn a_run_without_time_loses_nothing() {
    let litter = Litter::new();
    let many: Vec<String> = (0..300).map(|_| bake(&litter.story, 40)).collect();
    let aws = Aws::new(&litter.story.aws().sdk_config(PRUNE));
    let policy = Policy { soak: Duration::ZERO, ..Policy::default() };
    let run = async |seconds| {
        let deadline = Deadline::before(aws.clock.now() + Duration::from_secs(seconds));
        prune::prune(&aws, &policy, deadline).await.expect("a run")
    };
    let mut cut_short = 0;
    for runs in 0.. {
        assert!(runs < 30, "it makes no progress");
        match run(45).await {
            nothing if nothing == Pruned::default() => break,
            did => cut_short += u32::from(did.cut_short),
        }
    }
    assert!(cut_short >= 2, "there has to be too much for one run: {cut_short}");
    let left = litter.story.world(|world| {
        many.iter().filter(|id| world.ec2.images().get(*id).is_some_and(|it| it.gone.is_none())).count()
    });
    assert_eq!((left, litter.left().len()), (0, 2));
    litter.nothing_is_broken();
}

/// The Recycle Bin keeps what was deregistered; for us it is gone, and nothing stumbles over it.
#[tokio::test(start_paused = true)]
async fn the_recycle_bin_does_not_confuse_the_next_run() {
    let litter = Litter::new();
    litter.story.world(|world| world.ec2.keep_what_is_removed(Some(30 * DAY)));
    litter.days(6).await;
    assert_eq!(litter.left().len(), 2);
    litter.nothing_is_broken();
}
