//! How long things take.
//!
//! AWS publishes hardly any of these. Where no source is given, a range is an *estimate*: wide enough that a
//! correct system must survive both ends, not a measurement. The probe beside it measures it, where there is one;
//! `just prove` keeps the proof, and `durin outage --proof FILE` draws from it.

mod proved;

use std::time::Duration;

use super::World;

/// A span of time between two bounds, drawn anew each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// At least this long.
    pub min: Duration,
    /// At most this long.
    pub max: Duration,
}

impl Range {
    /// A range between two numbers of milliseconds.
    pub const fn from_millis(min: u64, max: u64) -> Range {
        Range { min: Duration::from_millis(min), max: Duration::from_millis(max) }
    }

    /// A range between two numbers of seconds.
    pub const fn from_secs(min: u64, max: u64) -> Range {
        Range { min: Duration::from_secs(min), max: Duration::from_secs(max) }
    }

    /// Always exactly this long.
    pub const fn exactly(span: Duration) -> Range {
        Range { min: span, max: span }
    }
}

/// How long each thing takes in a world.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// An EC2 call that reads. Estimate. Probe: ec2-answers-a-read-in-time.
    pub ec2_read: Range,
    /// An EC2 call that writes. Estimate. Probe: ec2-answers-a-write-in-time.
    pub ec2_write: Range,
    /// Any Auto Scaling call. Estimate. Probe: auto-scaling-answers-in-time.
    pub autoscaling_call: Range,
    /// Any Route 53 call (a global service, far away). Estimate. Probe: route-53-answers-in-time.
    pub route53_call: Range,
    /// Any Systems Manager call. Estimate. Probe: systems-manager-answers-in-time.
    pub ssm_call: Range,
    /// A call of KMS. Estimate. Probe: kms-answers-in-time.
    pub kms_call: Range,
    /// A call of EventBridge. Estimate. No probe: it comes after the hand-off, and nobody is away meanwhile.
    pub events_call: Range,
    /// From the end of SendCommand until the agent begins the command. Estimate. Probe: a-command-begins-in-seconds.
    pub ssm_command_start: Range,
    /// From the end of SendCommand until its invocations can be read. aws/aws-cli#3546: not at once; a second later
    /// they could. Estimate. Probe: a-command-begins-in-seconds.
    pub ssm_invocation_visible: Range,
    /// From the last sign of an agent until its ping status is `ConnectionLost`. Estimate. No probe: nothing waits for it, because
    /// an agent that has gone does not answer either.
    pub agent_connection_lost: Range,
    /// From a change until its event reaches a rule's target. EventBridge User Guide: typically half a second;
    /// the long end is an estimate. No probe: only what an event reaches sees when.
    pub event_delivery: Range,

    /// From RunInstances or StartInstances until `running`. Estimate. Probe: an-instance-starts-in-seconds.
    pub instance_start: Range,
    /// From `running` until the operating system is up. Estimate. Probe: a-command-begins-in-seconds.
    pub boot: Range,
    /// From there until the Systems Manager agent is online. Estimate. Probe: a-command-begins-in-seconds.
    pub agent_online: Range,
    /// From the device's appearance until its file system is mounted. Estimate. Probe: a-hand-off-is-as-quick-inside.
    pub mount: Range,
    /// From the mount until k3s serves. Estimate. Probe: a-hand-off-is-as-quick-inside.
    pub k3s_start: Range,
    /// From then until the users' workload is up. Estimate. Probe: a-hand-off-is-as-quick-inside.
    pub pod_start: Range,
    /// From the end of k3s until what users run has ended, in a release. Estimate. Probe: a-hand-off-is-as-quick-inside.
    pub drain: Range,
    /// The same on an instance that hardly gets anywhere: longer than a document may take. Estimate.
    /// No probe: it is the worst that is survived.
    pub slow_drain: Range,
    /// Stopping k3s. Estimate. Probe: a-hand-off-is-as-quick-inside.
    pub k3s_stop: Range,
    /// Syncing and unmounting. Estimate. Probe: a-hand-off-is-as-quick-inside.
    pub unmount: Range,
    /// From `shutting-down` to `terminated`. Estimate; a hung shutdown takes minutes (EC2 User Guide: Troubleshoot
    /// instance termination). Probe: the-end-of-an-instance-frees-its-volume.
    pub shutting_down: Range,
    /// From 5 s before `terminated` until the volumes of the instance are available again. Estimate.
    /// Probe: the-end-of-an-instance-frees-its-volume.
    pub volumes_freed: Range,
    /// From `stopping` to `stopped`. Estimate. No probe: Durin stops no instance.
    pub stopping: Range,
    /// How long a terminated instance stays listed. EC2 User Guide: under an hour.
    pub terminated_listed: Range,

    /// From CreateVolume to `available`. Estimate. Probe: a-volume-is-made-in-seconds.
    pub volume_creation: Range,
    /// From AttachVolume to `attached`. Estimate. Probe: a-volume-moves-in-seconds.
    pub attach: Range,
    /// From `detaching` to `available`. Estimate. Probe: a-volume-moves-in-seconds.
    pub detach: Range,

    /// From the death of an instance until its group notices. EC2 Auto Scaling User Guide gives no number; the
    /// checks were seen to run about once a minute. Estimate. Probe: a-dead-instance-still-has-its-hook.
    pub health_check: Range,
    /// From a cause (a changed capacity, an unhealthy instance) until the group acts. Estimate.
    /// Probe: a-group-acts-in-seconds.
    pub group_reaction: Range,
    /// From one lifecycle state to the next when nothing is waited for. Estimate. No probe: a look takes as long.
    pub lifecycle_step: Range,
    /// From a wait state until its lifecycle action can be completed. PrairieLearn#15586: seconds, sometimes.
    /// Probe: an-action-may-not-exist-yet.
    pub lifecycle_action_exists: Range,
    /// From the completion of a lifecycle action until the group does not show the wait state any more. Estimate.
    /// No probe: a look takes as long.
    pub lifecycle_action_shown: Range,
    /// From a failed launch until the group tries again. Estimate. No probe: nobody can make capacity scarce.
    pub launch_retry: Range,

    /// From a change batch to `INSYNC`. Route 53 API Reference: generally within 60 seconds.
    /// Probe: a-record-shows-while-pending.
    pub change_in_sync: Range,

    /// From the announcement of a retirement until it happens. Two weeks are usual. Estimate. No probe: nobody can
    /// have a host retired.
    pub retirement: Range,
    /// From CreateImage or CopyImage to `available`. Estimate. Probe: a-copy-looks-new.
    pub image_creation: Range,
    /// How long a deregistered image stays listed. EC2 API Reference (DescribeImages): a short interval.
    pub deregistered_image_listed: Range,
    /// From then on, how long its id gives an empty list at least. Estimate. No probe: it takes an hour, and nothing waits
    /// for it.
    pub deregistered_image_remembered: Range,
    /// From the deregistration of an image until its snapshots can be deleted. Estimate. Probe: a-snapshot-in-use-stays.
    pub snapshots_held: Range,
    /// From PutParameter until a value of data type `aws:ec2:image` is validated. Systems Manager User Guide (troubleshooting
    /// Parameter Store): up to a few minutes, and five until a put that was refused may be repeated.
    /// Probe: an-image-parameter-is-validated-later.
    pub parameter_validation: Range,
    /// From an image's `available` until its pipeline tags it. Estimate. No probe: it is the pipeline's, not AWS's.
    pub image_tagging: Range,
    /// From the tags until the pipeline's own event. Estimate. No probe: it is the pipeline's, not AWS's.
    pub bake_finish: Range,
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies {
            ec2_read: Range::from_millis(40, 250),
            ec2_write: Range::from_millis(150, 900),
            autoscaling_call: Range::from_millis(60, 400),
            route53_call: Range::from_millis(80, 500),
            ssm_call: Range::from_millis(40, 250),
            kms_call: Range::from_millis(10, 60),
            events_call: Range::from_millis(10, 60),
            ssm_command_start: Range::from_millis(300, 2_500),
            ssm_invocation_visible: Range::from_millis(100, 1_500),
            agent_connection_lost: Range::from_secs(2 * 60, 10 * 60),
            event_delivery: Range::from_millis(200, 2_000),
            instance_start: Range::from_secs(5, 25),
            boot: Range::from_secs(12, 35),
            agent_online: Range::from_secs(2, 12),
            mount: Range::from_millis(300, 2_000),
            k3s_start: Range::from_secs(6, 20),
            pod_start: Range::from_secs(3, 15),
            drain: Range::from_secs(1, 8),
            slow_drain: Range::from_secs(90, 90),
            k3s_stop: Range::from_millis(500, 4_000),
            unmount: Range::from_millis(200, 2_000),
            shutting_down: Range::from_secs(15, 60),
            volumes_freed: Range::from_secs(0, 15),
            stopping: Range::from_secs(15, 60),
            terminated_listed: Range::from_secs(48 * 60, 56 * 60),
            volume_creation: Range::from_secs(1, 5),
            attach: Range::from_millis(1_000, 4_000),
            detach: Range::from_millis(1_000, 5_000),
            health_check: Range::from_secs(5, 60),
            group_reaction: Range::from_secs(1, 6),
            lifecycle_step: Range::from_millis(300, 2_500),
            lifecycle_action_exists: Range::exactly(Duration::ZERO),
            lifecycle_action_shown: Range::exactly(Duration::ZERO),
            launch_retry: Range::from_secs(20, 90),
            change_in_sync: Range::from_secs(3, 60),
            retirement: Range::exactly(Duration::from_secs(14 * 24 * 3600)),
            image_creation: Range::from_secs(60, 8 * 60),
            deregistered_image_listed: Range::from_secs(0, 20),
            deregistered_image_remembered: Range::from_secs(5 * 60, 60 * 60),
            snapshots_held: Range::from_secs(0, 5),
            parameter_validation: Range::from_secs(1, 3 * 60),
            image_tagging: Range::from_secs(2, 90),
            bake_finish: Range::from_secs(1, 30),
        }
    }
}

impl Latencies {
    /// The same things, each taking as long as `draw` makes of its range: to fix one history's latencies for another.
    pub fn drawn(&self, mut draw: impl FnMut(Range) -> Range) -> Latencies {
        Latencies {
            ec2_read: draw(self.ec2_read),
            ec2_write: draw(self.ec2_write),
            autoscaling_call: draw(self.autoscaling_call),
            route53_call: draw(self.route53_call),
            ssm_call: draw(self.ssm_call),
            kms_call: draw(self.kms_call),
            events_call: draw(self.events_call),
            ssm_command_start: draw(self.ssm_command_start),
            ssm_invocation_visible: draw(self.ssm_invocation_visible),
            agent_connection_lost: draw(self.agent_connection_lost),
            event_delivery: draw(self.event_delivery),
            instance_start: draw(self.instance_start),
            boot: draw(self.boot),
            agent_online: draw(self.agent_online),
            mount: draw(self.mount),
            k3s_start: draw(self.k3s_start),
            pod_start: draw(self.pod_start),
            drain: draw(self.drain),
            slow_drain: draw(self.slow_drain),
            k3s_stop: draw(self.k3s_stop),
            unmount: draw(self.unmount),
            shutting_down: draw(self.shutting_down),
            volumes_freed: draw(self.volumes_freed),
            stopping: draw(self.stopping),
            terminated_listed: draw(self.terminated_listed),
            volume_creation: draw(self.volume_creation),
            attach: draw(self.attach),
            detach: draw(self.detach),
            health_check: draw(self.health_check),
            group_reaction: draw(self.group_reaction),
            lifecycle_step: draw(self.lifecycle_step),
            lifecycle_action_exists: draw(self.lifecycle_action_exists),
            lifecycle_action_shown: draw(self.lifecycle_action_shown),
            launch_retry: draw(self.launch_retry),
            change_in_sync: draw(self.change_in_sync),
            retirement: draw(self.retirement),
            image_creation: draw(self.image_creation),
            deregistered_image_listed: draw(self.deregistered_image_listed),
            deregistered_image_remembered: draw(self.deregistered_image_remembered),
            snapshots_held: draw(self.snapshots_held),
            parameter_validation: draw(self.parameter_validation),
            image_tagging: draw(self.image_tagging),
            bake_finish: draw(self.bake_finish),
        }
    }
}

impl World {
    /// A span within `range`, to the millisecond.
    pub(crate) fn draw(&mut self, range: Range) -> Duration {
        let (min, max) = (range.min.as_millis(), range.max.as_millis());
        let millis = self.rng.u64(saturating(min)..=saturating(max.max(min)));
        Duration::from_millis(millis)
    }
}

fn saturating(millis: u128) -> u64 {
    u64::try_from(millis).unwrap_or(u64::MAX)
}
