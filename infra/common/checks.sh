# What the functions would refuse, or EC2 would, found before anything is done. Only reads. `node` is the node's name.
# shellcheck shell=bash

# check_free_name: no group of that name that something else has made.
check_free_name() {
    call autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$node" --output text \
        --query 'AutoScalingGroups[].[AutoScalingGroupName]'
    [ -z "$answer" ] ||
        fail "there is an Auto Scaling group $node already, which just deploy-node has not made: choose another name, or declare that group as a node by its tags (docs/node.md)"
}

# check_unshared VOLUME ZONE RECORD: no other node has the volume, or the record in the zone; each may be empty.
check_unshared() {
    local group volume zone record
    call autoscaling describe-auto-scaling-groups --filters Name=tag-key,Values=durin:volume-id --output text \
        --query "AutoScalingGroups[].[AutoScalingGroupName, Tags[?Key=='durin:volume-id'].Value | [0],
            Tags[?Key=='durin:hosted-zone-id'].Value | [0], Tags[?Key=='durin:record-name'].Value | [0]]"
    while IFS=$'\t' read -r group volume zone record; do
        [ "$group" != "$node" ] || continue
        [ -z "$1" ] || [ "$volume" != "$1" ] ||
            fail "the volume $1 is that of the node $group, and a volume is one node's: name another --volume, or leave it out for a new one"
        [ -z "$2" ] || [ "$zone" != "$2" ] || [ "$(canonical "$record")" != "$(canonical "$3")" ] ||
            fail "the record $3 in the hosted zone $2 is that of the node $group, and a record is one node's: name another --record"
    done <<<"$answer"
}

# check_place SUBNET SECURITY_GROUP ZONE VOLUME: an instance there has an address, and the volume in reach. Without SUBNET,
# ZONE counts; VOLUME may be empty. Sets place to the zone.
check_place() {
    local zone=$3 state vpc
    if [ -n "$1" ]; then
        is_there InvalidSubnetID ec2 describe-subnets --subnet-ids "$1" --output text \
            --query 'Subnets[0].[AvailabilityZone, VpcId, State, Ipv6Native]' || fail "there is no subnet $1 here"
        case $answer in
        *True) fail "the subnet $1 has no IPv4, without which there is no address for the node's A record: name one that has" ;;
        esac
        read -r zone vpc state _ <<<"$answer"
        [ "$state" = available ] || fail "the subnet $1 is $state: try again when it is available"
    else
        call ec2 describe-availability-zones --filters Name=zone-type,Values=availability-zone --output text \
            --query 'AvailabilityZones[].[ZoneName]'
        grep -qxF -e "$zone" <<<"$answer" || fail "$region has no availability zone $zone: its zones are $(tr '\n' ' ' <<<"$answer")"
    fi
    # shellcheck disable=SC2034
    place=$zone
    if [ -n "$2" ]; then
        is_there InvalidGroup ec2 describe-security-groups --group-ids "$2" --output text --query 'SecurityGroups[0].VpcId' ||
            fail "there is no security group $2 here"
        [ "$answer" = "$vpc" ] || fail "the security group $2 is in $answer, and the subnet $1 in $vpc: name one of the subnet's VPC"
    fi
    [ -n "$4" ] || return 0
    is_there InvalidVolume ec2 describe-volumes --volume-ids "$4" --output text --query 'Volumes[0].AvailabilityZone' ||
        fail "there is no volume $4 here"
    [ "$answer" = "$zone" ] ||
        fail "the volume $4 is in $answer, which it cannot leave, and the node would be in $zone: name a subnet of the volume's zone, or, where a network is yet to be made, --availability-zone"
}

# check_volume VOLUME: its owner agrees that it is this node's, and it can be attached.
check_volume() {
    local data owner state multi encrypted key holder
    volume_tags "$1" || fail "there is no volume $1 here"
    [ "$data" = data ] && [ "$owner" = "$node" ] ||
        fail "$1 is tagged durin:volume=$data and durin:node=$owner. If it is the data volume of the node $node: $(agreement "$1" "$node")"
    call ec2 describe-volumes --volume-ids "$1" --output text \
        --query 'Volumes[0].[State, MultiAttachEnabled, Encrypted, KmsKeyId, Attachments[0].InstanceId]'
    IFS=$'\t' read -r state multi encrypted key holder <<<"$answer"
    case $state in
    creating | available | in-use) ;;
    *) fail "the volume $1 is in the state $state: restore it from a snapshot, and name that volume" ;;
    esac
    [ "$multi" != True ] || fail "the volume $1 can be attached to several instances: switch Multi-Attach off (aws ec2 modify-volume --volume-id $1 --no-multi-attach-enabled)"
    if [ "${holder:-None}" != None ]; then
        call ec2 describe-instances --instance-ids "$holder" --output text \
            --query "Reservations[0].Instances[0].Tags[?Key=='aws:autoscaling:groupName'].[Value]"
        [ "$answer" = "$node" ] || fail "the volume $1 is attached to $holder, which is no instance of the node $node: detach it there first"
    fi
    [ "$encrypted" != True ] || check_key "$key"
}

# check_key KEY: a volume under it can be attached. What cannot be seen is said.
check_key() {
    is_there "@(AccessDenied|NotFound)" kms describe-key --key-id "$1" --output text \
        --query 'KeyMetadata.[KeyState, KeyManager]' || {
        # A key of another account may be one that only EC2 may look at.
        say "Not checked: whether the volume's key $1 is enabled (${answer##*: }). If it is not, EC2 attaches nothing."
        return
    }
    case $answer in
    Enabled*) ;;
    PendingDeletion*) fail "the volume's key $1 is about to be deleted, and all that it encrypts with it: aws kms cancel-key-deletion --key-id $1, then aws kms enable-key --key-id $1" ;;
    Disabled*) fail "the volume's key $1 is disabled, so EC2 attaches no volume under it: aws kms enable-key --key-id $1" ;;
    *) fail "the volume's key $1 is in the state ${answer%%[[:space:]]*}, so EC2 attaches no volume under it: name a volume under another key" ;;
    esac
    case $answer in
    *CUSTOMER) say "Not checked: whether the functions may use the volume's key $1, which is yours. They need kms:CreateGrant on it, and kms:DescribeKey (infra/roles.yaml, MoveVolumes)." ;;
    esac
}

# check_record ZONE RECORD: the name is in the zone, and free or this node's by its TXT record.
check_record() {
    local found name zone claim
    name=$(canonical "$2")
    is_there NoSuchHostedZone route53 get-hosted-zone --id "$1" --output text \
        --query 'HostedZone.[Name, Config.PrivateZone]' || fail "there is no hosted zone $1"
    zone=${answer%%[[:space:]]*}
    case .$name in
    *".$(canonical "$zone")") ;;
    *) fail "the record $2 is not in the hosted zone $1, whose name is ${zone%.}: name a --record that ends in .${zone%.}" ;;
    esac
    case $answer in
    *False) say "The hosted zone $1 is public: everyone can look up the node's private address in it." ;;
    esac
    values_of "$1" "$name" "Type=='A' || Type=='AAAA' || Type=='CNAME'"
    found=$answer
    values_of "$1" "_durin.$name" "Type=='TXT'"
    claim=$answer
    case $'\t'$claim$'\t' in
    *$'\t"node='"$node"$'"\t'*) return ;;
    esac
    [ -z "$claim" ] || fail "the name $2 is another's: its TXT record _durin.$2 has the value $claim and not \"node=$node\". Name another --record"
    [ -z "$found" ] ||
        fail "the name $2 has a record already ($found), and no TXT record _durin.$2 with the value \"node=$node\" says that it is this node's. Delete the record, create that TXT record, or name another --record"
}

# check_zone ZONE: it is there, and public: nobody outside could see a proof in a private one.
check_zone() {
    [ "$1" != none ] || return 0
    is_there NoSuchHostedZone route53 get-hosted-zone --id "$1" --output text --query HostedZone.Config.PrivateZone ||
        fail "there is no hosted zone $1"
    [ "$answer" = False ] || fail "the hosted zone $1 is private, and Let's Encrypt looks for its proofs in public: name the public zone"
}

# check_group: what keeps the group of a node that exists from launching, or Durin from being called.
check_group() {
    local key
    call autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$node" --output text \
        --query "AutoScalingGroups[0].SuspendedProcesses[?ProcessName=='Launch'].[ProcessName]"
    [ -z "$answer" ] ||
        fail "the group's Launch process is suspended, so nothing would follow its instance: aws autoscaling resume-processes --auto-scaling-group-name $node --scaling-processes Launch"
    call autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$node" --output text \
        --query 'AutoScalingGroups[0].Tags[?PropagateAtLaunch].[Key]'
    while read -r key; do
        case $key in
        . | .. | _index | *[!A-Za-z0-9_+=,.@:-]*)
            fail "EC2 refuses to launch an instance with the tag \"$key\", because instance metadata shows the node's tags: rename that tag of the group $node, or do not propagate it"
            ;;
        esac
    done <<<"$answer"
    check_hook durin-launch LAUNCHING ABANDON 1800
    check_hook durin-terminate TERMINATING CONTINUE 900
}

# check_hook NAME TRANSITION RESULT SECONDS: the group has the hook as infra/node.yaml makes it, and for a quarter of an hour
# at least, which the functions ask for too (`least_heartbeat`).
check_hook() {
    local remedy transition result seconds
    remedy="aws autoscaling put-lifecycle-hook --auto-scaling-group-name $node --lifecycle-hook-name $1 --lifecycle-transition autoscaling:EC2_INSTANCE_$2 --default-result $3 --heartbeat-timeout $4"
    call autoscaling describe-lifecycle-hooks --auto-scaling-group-name "$node" --lifecycle-hook-names "$1" --output text \
        --query 'LifecycleHooks[0].[LifecycleTransition, DefaultResult, HeartbeatTimeout]'
    read -r transition result seconds <<<"$answer"
    [ "$transition" != None ] || fail "the group $node has no hook $1, so Durin does not hear of its instances: $remedy"
    [ "$transition $result" = "autoscaling:EC2_INSTANCE_$2 $3" ] && [ "$seconds" -ge 900 ] ||
        fail "the hook $1 of the group $node is $transition with $result after $seconds s, and has to be autoscaling:EC2_INSTANCE_$2 with $3 after 900 s or more: $remedy"
}
