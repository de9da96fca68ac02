#!/usr/bin/env bash
# Has a node survive a real interruption, and tells how long it was away: just drill NAME [--by termination] [--yes]
#
#   --by interruption  EC2 warns and takes the instance two minutes later, by AWS Fault Injection Service; the default
#   --by termination   the group is told to replace the instance, as on a warning; where FIS is not to be had
#   --within SECONDS   how long to wait for the end; 900
#   --yes              do not ask
#
# The outage is what AWS's API shows of it. It begins when the old instance is told to let go of the volume, and ends when
# the new one has the volume, the record names it, and it is InService. What a user sees besides: k3s and the pods start,
# and whoever has looked the name up before keeps the old address for the record's TTL.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || usage
node=$1
shift
by=interruption
within=900
while [ $# -gt 0 ]; do
    case $1 in
    --yes) yes=true ;;
    --by) by=${2:?} && shift ;;
    --within) within=${2:?} && shift ;;
    *) usage "unknown: $1" ;;
    esac
    shift
done
case $by in interruption | termination) ;; *) usage "--by interruption or --by termination, not $by" ;; esac

# AWS CLI 2 writes times in the local zone, which date does not understand everywhere.
export TZ=UTC

group() {
    aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$node" --output text --query "$1" | sed '/^None$/d'
}
tag() {
    group "AutoScalingGroups[0].Tags[?Key=='$1'].[Value]"
}
in_service() {
    group "AutoScalingGroups[0].Instances[?LifecycleState=='InService'].[InstanceId]"
}

# Who holds the volume, and how: "i-… attached", or "nobody".
held() {
    local held
    held=$(aws ec2 describe-volumes --volume-ids "$volume" --query 'Volumes[0].Attachments[].[InstanceId, State]' --output text)
    if [ -n "$held" ]; then tr '\t' ' ' <<<"$held"; else echo nobody; fi
}
record_address() {
    aws route53 list-resource-record-sets --hosted-zone-id "$zone" --start-record-name "$record" --start-record-type A \
        --max-items 1 --output text --query "ResourceRecordSets[?Type=='A'].ResourceRecords[0].[Value]" | head -n 1
}
address_of() {
    aws ec2 describe-instances --instance-ids "$1" --query 'Reservations[0].Instances[0].[PrivateIpAddress]' --output text
}

interrupt() {
    deploy_stack "durin-drill-$node" drill.yaml "VolumeId=$volume"
    # IAM takes some seconds to make a new role known.
    local said
    for _ in 1 2 3 4 5; do
        said=$(aws fis start-experiment --experiment-template-id "$(stack_output "durin-drill-$node" ExperimentTemplateId)" \
            --query experiment.id --output text 2>&1) && return
        sleep 5
    done
    fail "FIS refuses ($said); try --by termination"
}
terminate() {
    aws autoscaling terminate-instance-in-auto-scaling-group --instance-id "$old" --no-should-decrement-desired-capacity \
        --query Activity.ActivityId --output text >/dev/null
}

# The server's own time of something, as seconds since 1970: AWS CLI 1 has that already, 2 has ISO 8601.
seconds() {
    case $1 in
    *T*) date -d "$1" +%s.%3N 2>/dev/null || date -j -f %Y-%m-%dT%H:%M:%S "${1%%[.+Z]*}" +%s ;;
    *) echo "$1" ;;
    esac
}
# When the old instance was told to let go; None if it was not.
released() {
    aws ssm list-command-invocations --instance-id "$old" --output text \
        --query "CommandInvocations[?DocumentName=='durin-release'].RequestedDateTime | sort(@) | [-1]"
}
# When the launch of an instance was over, its lifecycle action included.
launched() {
    aws autoscaling describe-scaling-activities --auto-scaling-group-name "$node" --output text \
        --query "Activities[?contains(Description, '$1') && contains(Description, 'Launching')].EndTime | [0]"
}

need_region
volume=$(tag durin:volume-id)
[ -n "$volume" ] || fail "there is no node $node in $region"
zone=$(tag durin:hosted-zone-id)
record=$(tag durin:record-name)
old=$(in_service)
[ "$(held)" = "${old:-nobody} attached" ] || fail "the node $node does not serve: ${old:-nobody} is InService, and $(held)"

say "Node $node in $region: $old has $volume and is InService. It will be ended by $by, and is away for half a minute or so."
confirm "Go on?"
if [ "$by" = interruption ]; then interrupt; else terminate; fi

began=$SECONDS
before=""
away_from=""
new=""
while [ $((SECONDS - began)) -lt "$within" ]; do
    holder=$(held)
    address=$(record_address)
    serving=$(in_service | tr '\n' ' ')
    now=$((SECONDS - began))
    look="volume: $holder; $record: $address; InService: ${serving:-nobody}"
    [ "$look" = "$before" ] || printf '%5d s  %s\n' "$now" "$look"
    before=$look
    [ -n "$away_from" ] || [ "$holder" = "$old attached" ] || away_from=$now
    new=${holder% attached}
    if [ "$new" != "$holder" ] && [ "$new" != "$old" ] && [ "$serving" = "$new " ] && [ "$address" = "$(address_of "$new")" ]; then
        ended=$(launched "$new")
        [ "$ended" = None ] || break
    fi
    new=""
    sleep 0.5
done
[ -n "$new" ] || fail "the node is not back after $within s: $before
  aws autoscaling describe-scaling-activities --auto-scaling-group-name $node; aws logs tail /aws/lambda/durin-node-lifecycle"

say ""
say "The node is back: $new has the volume and the record, and is InService."
if [ -n "$away_from" ]; then
    say "  By looking: without its volume for about $((now - away_from)) s; a look takes seconds, and does not see the release."
fi
told=$(released)
if [ "$told" = None ]; then
    say "  By AWS's own times: unknown, because $old was not told to release the volume (see the log of durin-node-lifecycle)."
else
    awk -v from="$(seconds "$told")" -v to="$(seconds "$ended")" 'BEGIN {
        printf "  By AWS'\''s own times: an outage of %.1f s, from the release to InService.\n", to - from }'
fi
