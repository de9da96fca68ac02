#!/usr/bin/env bash
# Has a node survive a real interruption, and reports how long it was away: just drill NAME [--by termination] [--yes]
#
#   --by interruption  EC2 warns and takes the instance two minutes later, by AWS Fault Injection Service; the default
#   --by termination   the group replaces the instance, as on a warning; for regions without FIS
#   --within SECONDS   how long to wait for the end; 900, and a few seconds more to finish the last look
#   --yes              do not ask
#
# The outage is as AWS's API shows it. It begins when the old instance is asked to release the volume, and ends when the
# new one has the volume, the record names it, and it is InService. Users see more of it: k3s and the pods have to
# start, and clients that have resolved the name keep the old address for the record's TTL.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

by=interruption within=900
take_arguments '
    NAME node group
    --yes yes flag
    --by by drill
    --within within number:1:86400' "$@"
case $by$node in
interruption*[._]*) not_understood "a drill by interruption needs a node whose name is letters, digits and dashes: pass --by termination" ;;
esac

# Something of the node's group, in answer; tag and in_service likewise.
group() {
    call autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$node" --output text --query "$1"
    answer=$(sed '/^None$/d' <<<"$answer")
}
tag() {
    group "AutoScalingGroups[0].Tags[?Key=='$1'].[Value]"
}
in_service() {
    group "AutoScalingGroups[0].Instances[?LifecycleState=='InService'].[InstanceId]"
}

# The instance that holds the volume, and how, in answer: "i-… attached", or "none".
held() {
    is_there InvalidVolume ec2 describe-volumes --volume-ids "$volume" --output text \
        --query 'Volumes[0].Attachments[].[InstanceId, State]' || fail "there is no volume $volume here"
    answer=${answer//$'\t'/ }
    answer=${answer:-none}
}
# The address that the record has, in answer, or "none"; that of an instance.
record_address() {
    only_record "$zone" "$(canonical "$record")" A
    answer=${answer##*[[:space:]]}
    answer=${answer:-none}
}
address_of() {
    call ec2 describe-instances --instance-ids "$1" --query 'Reservations[0].Instances[0].[PrivateIpAddress]' --output text
}

interrupt() {
    deploy_stack "durin-drill-$node" drill.yaml "VolumeId=$volume"
    # IAM takes some seconds to make a new role known.
    local template
    stack_output "durin-drill-$node" ExperimentTemplateId
    template=$answer
    for _ in 1 2 3 4 5; do
        ! try fis start-experiment --experiment-template-id "$template" --query experiment.id --output text || return 0
        case $answer in *AccessDenied* | *"ould not connect"*) break ;; *) sleep 5 ;; esac
    done
    again="$again; where there is no FIS, pass --by termination"
    refused "the instance could not be interrupted"
}
terminate() {
    call autoscaling terminate-instance-in-auto-scaling-group --instance-id "$old" --no-should-decrement-desired-capacity
}

# When the old instance was asked to release the volume, in answer; None if it was not.
released() {
    call ssm list-command-invocations --instance-id "$old" --output text \
        --query "CommandInvocations[?DocumentName=='durin-release'].RequestedDateTime | sort(@) | [-1]"
}
# When the launch of an instance was over, its lifecycle action included, in answer.
launched() {
    call autoscaling describe-scaling-activities --auto-scaling-group-name "$node" --output text \
        --query "Activities[?contains(Description, '$1') && contains(Description, 'Launching')].EndTime | [0]"
}

need_region
tag durin:volume-id
volume=$answer
[ -n "$volume" ] || fail "there is no node $node in $region"
tag durin:hosted-zone-id
zone=$answer
tag durin:record-name
record=$answer
is_a volume "$volume" || fail "$(wrong_tag volume-id "$node" "$volume")"
is_a hosted-zone "$zone" || fail "$(wrong_tag hosted-zone-id "$node" "$zone")"
is_a record "$record" || fail "$(wrong_tag record-name "$node" "$record")"
in_service
old=$answer
held
[ "$answer" = "${old:-none} attached" ] || fail "the node $node does not serve: InService: ${old:-none}; volume: $answer"

say "Node $node in $region: $old has $volume and is InService. It will end by $by, and the node is away for half a minute or so."
confirm "Go on?"
if [ "$by" = interruption ]; then interrupt; else terminate; fi
again="look whether the node is back; the drill itself goes on without this script: aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names $node"
trap 'echo >&2; fail "stopped before the end of the drill. Now $again"' INT

began=$SECONDS
before=""
away_from=""
new=""
while [ $((SECONDS - began)) -lt "$within" ]; do
    held
    holder=$answer
    record_address
    address=$answer
    in_service
    serving=${answer//$'\n'/ }
    now=$((SECONDS - began))
    look="volume: $holder; $record: $address; InService: ${serving:-none}"
    [ "$look" = "$before" ] || printf '%5d s  %s\n' "$now" "$look"
    before=$look
    [ -n "$away_from" ] || [ "$holder" = "$old attached" ] || away_from=$now
    new=${holder% attached}
    if [ "$new" != "$holder" ] && [ "$new" != "$old" ] && [ "$serving" = "$new" ] && address_of "$new" && [ "$address" = "$answer" ]; then
        launched "$new"
        ended=$answer
        [ "$ended" = None ] || break
    fi
    new=""
    sleep 0.5
done
[ -n "$new" ] || fail "the node is not back after $now s ($before): look with aws autoscaling describe-scaling-activities --auto-scaling-group-name $node, and with aws logs tail /aws/lambda/durin-node-lifecycle"
released
asked=$answer

say ""
say "The node is back: $new has the volume and the record, and is InService."
case $away_from in
"" | "$now") say "  By polling: no look saw it away, because each takes seconds." ;;
*) say "  By polling: without its volume for about $((now - away_from)) s; each look takes seconds, and does not see the release." ;;
esac
if [ "$asked" = None ]; then
    say "  By AWS's own times: unknown, because $old was not asked to release the volume (see the log of durin-node-lifecycle)."
else
    awk -v from="$(seconds "$asked")" -v to="$(seconds "$ended")" 'BEGIN {
        printf "  By AWS'\''s own times: an outage of %.1f s, from the release to InService.\n", to - from }'
fi
