#!/usr/bin/env bash
# Brings a node back with the data of a snapshot: just restore-node NAME --snapshot snap-… [OPTION…]
#
#   --snapshot ID  a copy of the node: `just status NAME` names the newest, and DEPLOY.md (7) has the command that lists them
#   --zone AZ      bring the node back in that availability zone, in the same VPC; by default where it is
#   --yes          do not ask
#
# It says first how old the copy is, and what will be missing. A new volume is made from it; then the node's instance releases
# the old volume and ends, and the next one gets the new volume. The old volume stays, out of Durin's reach. Run it again after a
# failure: the same command goes on, and makes no second volume.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

snapshot="" zone=""
take_arguments '
    NAME node node
    --yes yes flag
    --snapshot snapshot snapshot
    --zone zone availability-zone' "$@"
[ -n "$snapshot" ] || not_understood "--snapshot is missing: it names the copy to restore"
stack=durin-node-$node
# The parameters for node.yaml: those that the node keeps, and its new place, if it gets one.
kept=() moved=()

# What the node has: sets volume, subnet (one of them), desired and vpc.
look_at_node() {
    call autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$node" --output text \
        --query "AutoScalingGroups[0].[Tags[?Key=='durin:volume-id'].Value | [0], VPCZoneIdentifier, to_string(DesiredCapacity)]"
    IFS=$'\t' read -r volume subnet desired <<<"$answer"
    is_a volume "$volume" || fail "$(wrong_tag volume-id "$node" "$volume")"
    subnet=${subnet%%,*}
    call ec2 describe-subnets --subnet-ids "$subnet" --query 'Subnets[0].[VpcId, AvailabilityZone]' --output text
    IFS=$'\t' read -r vpc place <<<"$answer"
    zone=${zone:-$place}
}

# What the snapshot is: sets taken, gib, encrypted, key and is. Refuses one that is not a copy of this node.
look_at_snapshot() {
    local state source owner
    is_there InvalidSnapshot ec2 describe-snapshots --snapshot-ids "$snapshot" --owner-ids self --output text --query "Snapshots[0].[
        State, StartTime, VolumeId, to_string(VolumeSize), to_string(Encrypted), KmsKeyId,
        Tags[?Key=='durin:backup-of'].Value | [0], Tags[?Key=='durin:backup-is'].Value | [0]]" || answer=None
    [ "$answer" != None ] || fail "there is no snapshot $snapshot of this account here"
    IFS=$'\t' read -r state taken source gib encrypted key owner is <<<"$answer"
    [ "$owner" = "$node" ] || [ "$source" = "$volume" ] ||
        fail "nothing says that the snapshot $snapshot is one of the node $node: it is of $source, and its tag durin:backup-of is \"$owner\". If it is: aws ec2 create-tags --resources $snapshot --tags Key=durin:backup-of,Value=$node"
    [ "$state" = completed ] || fail "the snapshot $snapshot is $state: run the same command again when it is completed"
    [ "$encrypted" != true ] || check_key "$key"
}

# restored VOLUME: whether it was made from this snapshot.
restored() {
    is_there InvalidVolume ec2 describe-volumes --volume-ids "$1" --output text \
        --query "Volumes[0].Tags[?Key=='durin:restored-from'].[Value]" || answer=""
    [ "$answer" = "$snapshot" ]
}

# The copy's age, what it is, and what there is that is newer.
say_copy() {
    local newest
    say "  snapshot  $snapshot of $(at "$taken"), $(age "$taken") ago: $(words "$is")"
    say "  missing   whatever the node has written since then"
    copies_of "$node"
    newest=${answer##*$'\n'}
    [ -z "$newest" ] || [ "$newest" = "$snapshot" ] || say "  newer     the newest copy of the node is $newest"
}
words() {
    case $1 in
    clean) echo "a clean copy, of a volume that was unmounted" ;;
    crash-consistent) echo "crash-consistent, as a power cut at that moment would have left the volume" ;;
    *) echo "it does not say whether it is clean, so as a power cut may have left the volume" ;;
    esac
}
at() {
    local seconds
    seconds=$(seconds "$1")
    date -d "@${seconds%.*}" '+%Y-%m-%d %H:%M UTC' 2>/dev/null || date -r "${seconds%.*}" '+%Y-%m-%d %H:%M UTC'
}
age() {
    local began minutes
    began=$(seconds "$1")
    minutes=$((($(date +%s) - ${began%.*}) / 60))
    if [ $minutes -lt 120 ]; then echo "$minutes minutes"; elif [ $minutes -lt 2880 ]; then echo "$((minutes / 60)) hours"; else echo "$((minutes / 1440)) days"; fi
}

# Sets subnet and moved for another zone, in the node's own VPC, whose names it resolves. Only reads, and says what is missing.
find_place() {
    [ "$zone" != "$place" ] || return 0
    call ec2 describe-subnets --output text --query 'Subnets[].[SubnetId]' \
        --filters Name=vpc-id,Values="$vpc" Name=availability-zone,Values="$zone" Name=state,Values=available
    [ -n "$answer" ] ||
        fail "the node's VPC $vpc has no subnet in $zone: make one there, with the same route table as $subnet, and run the same command again"
    subnet=${answer%%$'\n'*}
    check_place "$subnet" "" "" ""
    moved=("SubnetIds=$subnet" "AvailabilityZone=$zone")
}

# The volume that this restoration makes, or has made before it was interrupted, in new. Durin cannot touch it yet.
make_volume() {
    local token
    call ec2 describe-volumes --output text --query 'Volumes[].[VolumeId]' --filters Name=tag:durin:restored-from,Values="$snapshot" \
        Name=tag:durin:replaces,Values="$volume" Name=availability-zone,Values="$zone" Name=status,Values=creating,available
    new=${answer%%$'\n'*}
    if [ -z "$new" ]; then
        say "Volume: make it from $snapshot"
        # EC2 gives the same answer to the same token, if the list above does not have the volume yet.
        token=$(printf '%s' "restore $node $snapshot $volume $zone" | openssl dgst -sha256 -r | cut -c 1-64)
        set -- --snapshot-id "$snapshot" --availability-zone "$zone" --volume-type gp3 --client-token "$token" --tag-specifications \
            "ResourceType=volume,Tags=[{Key=Name,Value=$node data},{Key=durin:restored-from,Value=$snapshot},{Key=durin:replaces,Value=$volume}]"
        # An encrypted copy keeps its key. Another account's default could be one that the functions may not use.
        [ "$encrypted" = true ] || set -- "$@" --encrypted --kms-key-id alias/aws/ebs
        call ec2 create-volume "$@" --query VolumeId --output text
        new=$answer
    fi
    try ec2 wait volume-available --volume-ids "$new" || refused "the volume $new, made from $snapshot, does not become available"
}

# Takes from the old volume what lets Durin attach it and Data Lifecycle Manager copy it, and gives it to the new one.
exchange_tags() {
    local data owner
    if volume_tags "$volume"; then
        say "Volume $volume: keep, out of Durin's reach"
        call ec2 create-tags --resources "$volume" --tags Key=durin:backup-of,Value="$node"
        call ec2 delete-tags --resources "$volume" --tags Key=durin:volume Key=durin:node
    fi
    say "Volume $new: the node's"
    call ec2 create-tags --resources "$new" --tags Key=durin:volume,Value=data Key=durin:node,Value="$node"
}

wake() {
    say "Group $node: up to 1 instance"
    call autoscaling update-auto-scaling-group --auto-scaling-group-name "$node" --min-size 1 --desired-capacity 1
}

need_aws
stack_exists "$stack" ||
    fail "there is no node $node here that just deploy-node has made. If it is gone: make a volume from $snapshot, tag it, and name it to just deploy-node (DEPLOY.md, 8)"
settle_stack "$stack"
look_at_node
if restored "$volume"; then
    [ "$desired" = 0 ] || fail "the node $node has had a volume made from $snapshot, $volume, and has written to it since. To restore the copy once more: aws ec2 delete-tags --resources $volume --tags Key=durin:restored-from"
    say "The volume $volume of the node $node was made from $snapshot."
    wake
else
    look_at_snapshot
    check_group
    find_place
    say "This will bring the node $node back with older data:"
    say_copy
    say "  volume    a new one of $gib GiB in $zone, made from the snapshot; EBS fetches what is read for the first time, so the start is slower"
    say "  instance  releases the old volume and ends; the next one gets the new volume. The node is away for some minutes"
    say "  old       $volume stays as it is, and costs money until you delete it"
    confirm "Go on?"
    make_volume
    empty_group
    exchange_tags
    keep
    # At rest still: an instance is to see the new volume's name from its launch on.
    deploy_stack "$stack" node.yaml NodeName="$node" ${kept[@]+"${kept[@]}"} ${moved[@]+"${moved[@]}"} VolumeId="$new" NewVolume=false
    wake
fi

say ""
say "The node $node comes back with the data of $snapshot; it is InService in a minute or two: just status $node"
say "You keep what it had before. Once you no longer need it: aws ec2 delete-volume --volume-id …, for one of"
say "  aws ec2 describe-volumes --filters Name=tag:durin:backup-of,Values=$node"
