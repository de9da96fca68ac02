//! Latencies that somebody has measured on AWS, instead of the estimates.

use super::{Latencies, Range};

impl Latencies {
    /// From now on that one is in this range. `false` if there is none of that name, or nothing measures it.
    pub fn prove(&mut self, name: &str, range: Range) -> bool {
        let latency = match name {
            "ec2_read" => &mut self.ec2_read,
            "ec2_write" => &mut self.ec2_write,
            "autoscaling_call" => &mut self.autoscaling_call,
            "route53_call" => &mut self.route53_call,
            "ssm_call" => &mut self.ssm_call,
            "kms_call" => &mut self.kms_call,
            "events_call" => &mut self.events_call,
            "k3s_stop" => &mut self.k3s_stop,
            "drain" => &mut self.drain,
            "unmount" => &mut self.unmount,
            "mount" => &mut self.mount,
            "k3s_start" => &mut self.k3s_start,
            "pod_start" => &mut self.pod_start,
            "group_reaction" => &mut self.group_reaction,
            "ssm_invocation_visible" => &mut self.ssm_invocation_visible,
            "instance_start" => &mut self.instance_start,
            "shutting_down" => &mut self.shutting_down,
            "volumes_freed" => &mut self.volumes_freed,
            "volume_creation" => &mut self.volume_creation,
            "attach" => &mut self.attach,
            "detach" => &mut self.detach,
            "health_check" => &mut self.health_check,
            "lifecycle_action_exists" => &mut self.lifecycle_action_exists,
            "change_in_sync" => &mut self.change_in_sync,
            "image_creation" => &mut self.image_creation,
            "snapshots_held" => &mut self.snapshots_held,
            "parameter_validation" => &mut self.parameter_validation,
            _ => return false,
        };
        *latency = range;
        true
    }
}
