#!/usr/bin/env bash
# Removes a node, but not its data volume and snapshots: just destroy-node NAME [--delete-volume vol-…] [--yes]
#
#   --delete-volume ID  the node's data volume too, and everything on it; snapshots stay
#   --yes               do not ask
#
# The instance releases the volume cleanly first, as in every hand-off. Run it again after a failure.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

delete_volume=""
take_arguments '
    NAME node node
    --yes yes flag
    --delete-volume delete_volume volume' "$@"
stack=durin-node-$node

delete_records() {
    deletions "$zone" "$record"
    [ -n "$answer" ] || return 0
    say "Record $record: delete"
    call route53 change-resource-record-sets --hosted-zone-id "$zone" --change-batch "$answer"
}

# Deletes a zone that just deploy-node made, unless it has other records too, or another node that may have written none yet.
# Once no node is in the zone, the functions may not write there any more.
leave_zone() {
    local others
    zones_of_nodes
    others=$(awk -F '\t' -v zone="$1" -v node="$node" '$1 == zone && $2 != node { print $2 }' <<<"$answer")
    if [ -n "$others" ]; then
        say "Zone $1: kept, because it is also that of ${others//$'\n'/, }"
        return
    fi
    forbid_zone "$1"
    is_there NoSuchHostedZone route53 get-hosted-zone --id "$1" --query HostedZone.Config.Comment --output text || return 0
    [ "$answer" = "$zone_comment" ] || return 0
    if try route53 delete-hosted-zone --id "$1"; then
        say "Zone $1: deleted"
    else
        case $answer in
        *NoSuchHostedZone*) ;;
        *HostedZoneNotEmpty*) say "Zone $1: kept, because it has other records" ;;
        *) refused "the hosted zone $1 could not be deleted" ;;
        esac
    fi
}

# Refuses a volume that is not a data volume, or belongs to another node.
check_deletion() {
    local data owner
    volume_tags "$1" || fail "there is no volume $1 here"
    [ "$data" = data ] || fail "$1 is not a data volume: it has no tag durin:volume=data"
    call autoscaling describe-auto-scaling-groups --filters Name=tag:durin:volume-id,Values="$1" --output text \
        --query "AutoScalingGroups[?AutoScalingGroupName!='$node'].[AutoScalingGroupName]"
    owner=${answer:-$owner}
    [ -z "$owner" ] || [ "$owner" = "$node" ] || fail "$1 is the data volume of the node $owner"
}

need_aws
volume="" zone="" record="" image_parameter=""
if stack_exists "$stack"; then
    stack_output "$stack" VolumeId
    volume=$answer
    stack_output "$stack" HostedZoneId
    zone=$answer
    stack_parameter "$stack" RecordName
    record=$answer
    stack_parameter "$stack" ImageParameter
    image_parameter=$answer
elif [ "$answer" = NONE ] && [ -z "$delete_volume" ]; then
    say "There is no node $node in $region."
    exit
fi
if [ -n "$delete_volume" ]; then
    [ -z "$volume" ] || [ "$volume" = "$delete_volume" ] || fail "the volume of the node $node is $volume and not $delete_volume"
    check_deletion "$delete_volume"
fi

say "This will delete everything here that exists:"
say "  the instance of the node $node, after it has released its volume"
[ -z "$record" ] || say "  the record $record in $zone, and the zone if just deploy-node made it and it holds nothing else"
say "  stack     $stack"
say "  stack     durin-drill-$node"
if [ -n "$delete_volume" ]; then say "  VOLUME    $delete_volume AND EVERYTHING ON IT"; else say "It will keep the volume ${volume:-}."; fi
confirm "Go on?"

empty_group
if [ -n "$record" ]; then
    delete_records
    leave_zone "$zone"
fi
delete_stack "durin-drill-$node"
delete_stack "$stack"
if [ -n "$delete_volume" ]; then
    try ec2 wait volume-available --volume-ids "$delete_volume" || refused "the volume $delete_volume is not free to be deleted"
    call ec2 delete-volume --volume-id "$delete_volume"
    say "Volume $delete_volume: deleted"
fi
copies_of "$node"
copies=${answer//$'\n'/ }
images=""
if [ -n "$image_parameter" ]; then
    call ec2 describe-images --owners self --include-disabled --output text --query 'Images[].[ImageId]' \
        --filters Name=tag:durin:image-parameter,Values="$image_parameter"
    images=${answer//$'\n'/ }
fi

say ""
say "The node $node is gone. You keep:"
[ -n "$delete_volume" ] || say "  its data: just deploy-node $node --volume ${volume:-vol-…} --availability-zone … brings it back; until then the gp3 volume costs money"
[ -z "$copies" ] || say "  copies of its data, which cost money until you delete them: $copies"
if [ -n "$image_parameter" ]; then
    say "  the parameter $image_parameter, free of charge: other nodes may use it"
    [ -z "$images" ] || say "  its images, whose snapshots cost money: $images"
fi
