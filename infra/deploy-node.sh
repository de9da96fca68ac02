#!/usr/bin/env bash
# Deploys one node: just deploy-node NAME --image ami-… [OPTION…]; NAME is lower-case letters, digits and dashes.
#
#   --image AMI             the image of a first node; stored in the image parameter, to which later ones are published
#   --image-parameter PATH  the image parameter, if it is not /durin/image; nodes may share one
#   --record NAME           the node's A record, if it is not NAME in the zone durin.internal
#   --hosted-zone ID        an existing private zone; by default a new one, or the one that an earlier node made. The
#                           functions may write A records in it from then on
#   --subnet ID             an existing subnet, which sets the node's availability zone; by default a new network
#   --security-group ID     an existing security group, if you name a subnet
#   --availability-zone AZ  where to make a network; by default the region's first zone
#   --volume ID             an existing data volume, tagged durin:volume=data and durin:node=NAME; by default a new one
#   --volume-size GIB       the size of a volume to make; 20
#   --capacity-rebalance B  true or false: whether the group itself launches a successor at a recommendation; true
#   --yes                   do not ask
#
# Run it again to change an option, or after a failure: options that you leave out keep their values.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

node="" image="" image_parameter="" record="" hosted_zone="" subnet="" security_group="" zone="" volume=""
volume_size="" capacity_rebalance=""
take_arguments '
    NAME node node
    --yes yes flag
    --image image image
    --image-parameter image_parameter parameter
    --record record record
    --hosted-zone hosted_zone hosted-zone
    --subnet subnet subnet
    --security-group security_group security-group
    --availability-zone zone availability-zone
    --volume volume volume
    --volume-size volume_size number:1:16384
    --capacity-rebalance capacity_rebalance boolean' "$@"
stack=durin-node-$node
# The parameters for node.yaml: those that were given here, and those that an existing node keeps.
overrides=() kept=()
[ -z "$volume" ] || overrides+=("VolumeId=$volume")
[ -z "$volume_size" ] || overrides+=("VolumeSizeGiB=$volume_size")
[ -z "$capacity_rebalance" ] || overrides+=("CapacityRebalance=$capacity_rebalance")

# Finds out what a first deployment needs and the options leave out. Only reads.
complete() {
    image_parameter=${image_parameter:-/durin/image}
    local there
    there=$(aws ssm get-parameter --name "$image_parameter" --query Parameter.Value --output text 2>&1) || {
        case $there in *ParameterNotFound*) there="" ;; *) fail "$there" ;; esac
    }
    if [ -z "$there" ] && [ -z "$image" ]; then
        fail "there is no parameter $image_parameter yet: name the first image with --image"
    elif [ -n "$there" ] && [ -n "$image" ] && [ "$image" != "$there" ]; then
        fail "$image_parameter holds $there and not $image: leave --image out, or name another --image-parameter"
    elif [ -z "$there" ]; then
        overrides+=("InitialImageId=$image")
    fi
    overrides+=("ImageParameter=$image_parameter" "RootDeviceName=$(root_device "${there:-$image}")")

    if [ -n "$subnet" ]; then
        [ -n "$security_group" ] || fail "--subnet needs --security-group"
    elif [ -z "$zone" ] && ! stack_exists durin-network; then
        zone=$(aws ec2 describe-availability-zones --filters Name=zone-type,Values=availability-zone \
            --query 'AvailabilityZones[0].ZoneName' --output text)
    fi
    if [ -n "$subnet$zone" ]; then
        check_place "$subnet" "$zone" "$volume"
    else
        check_place "$(stack_output durin-network SubnetId)" "" "$volume"
    fi
}

# An unusable image is found here, not by a group that launches in vain.
root_device() {
    local found architecture others
    found=$(aws ec2 describe-images --image-ids "$1" --output text \
        --query 'Images[0].[State, Architecture, RootDeviceType, RootDeviceName]') || fail "there is no image $1 here"
    case $found in
    available?*?ebs?/*) ;;
    *) fail "the image $1 has to be available and on EBS, but is $found" ;;
    esac
    architecture=$(printf '%s' "$found" | cut -f 2)
    others=$(types_without "$architecture") || fail "EC2 does not know all instance types of infra/node.yaml here: edit the list"
    [ -z "$others" ] ||
        fail "the image $1 is $architecture, and these instance types of infra/node.yaml are not: $others. Name another image, or edit the list"
    printf '%s\n' "${found##*$'\t'}"
}

# types_without ARCHITECTURE: those of the template's instance types that cannot run such an image, on one line.
types_without() {
    local types=() type
    while read -r type; do
        types+=("$type")
    done < <(sed -n 's/^ *- InstanceType: *//p' "$root/infra/node.yaml")
    aws ec2 describe-instance-types --instance-types "${types[@]}" --output text \
        --query "join(' ', InstanceTypes[?!contains(ProcessorInfo.SupportedArchitectures, '$1')].InstanceType)"
}

# check_place SUBNET ZONE VOLUME: fails if no instance there could ever become the node. Without SUBNET, ZONE counts; VOLUME
# may be empty.
check_place() {
    local zone=$2 volume=$3 found
    if [ -n "$1" ]; then
        found=$(aws ec2 describe-subnets --subnet-ids "$1" --output text \
            --query 'Subnets[0].[AvailabilityZone, Ipv6Native]') || fail "there is no subnet $1 here"
        case $found in
        *True) fail "the subnet $1 has no IPv4, without which there is no address for the node's A record: name one that has" ;;
        esac
        zone=${found%%[[:space:]]*}
    fi
    [ -n "$volume" ] || return 0
    found=$(aws ec2 describe-volumes --volume-ids "$volume" --output text \
        --query "Volumes[0].[AvailabilityZone, Tags[?Key=='durin:volume'].Value | [0]]") || fail "there is no volume $volume here"
    [ "${found%%[[:space:]]*}" = "$zone" ] ||
        fail "the volume $volume is in ${found%%[[:space:]]*}, which it cannot leave, and the node would be in $zone: name a subnet of the volume's zone, or, where a network is yet to be made, --availability-zone"
    [ "${found##*[[:space:]]}" = data ] ||
        fail "the functions may only move volumes that are tagged for it: aws ec2 create-tags --resources $volume --tags Key=durin:volume,Value=data"
}

make_network() {
    [ -z "$subnet" ] || return 0
    if [ -n "$zone" ]; then
        deploy_stack durin-network network.yaml "AvailabilityZone=$zone"
    fi
    subnet=$(stack_output durin-network SubnetId)
    security_group=$(stack_output durin-network SecurityGroupId)
}

# The parameters for the place where the node lives.
place() {
    local found vpc
    found=$(aws ec2 describe-subnets --subnet-ids "$subnet" --query 'Subnets[0].[VpcId, AvailabilityZone]' --output text)
    vpc=${found%%[[:space:]]*}
    overrides+=("SubnetIds=$subnet" "SecurityGroupId=$security_group" "VpcId=$vpc" "AvailabilityZone=${found##*[[:space:]]}")
    record=${record:-$node.durin.internal}
    if [ -z "$hosted_zone" ]; then
        hosted_zone=$(aws route53 list-hosted-zones-by-vpc --vpc-id "$vpc" --vpc-region "$region" --output text \
            --query "HostedZoneSummaries[?Name=='${record#*.}.'].[HostedZoneId]" | head -n 1)
    fi
    [ -n "$hosted_zone" ] || make_zone "${record#*.}" "$vpc"
    overrides+=("RecordName=$record" "HostedZoneId=$hosted_zone")
}

# No stack makes the zone: the roles have to name it before the group launches the node's first instance. Another run finds
# it by its VPC.
make_zone() {
    say "Zone $1: create"
    hosted_zone=$(aws route53 create-hosted-zone --name "$1" --vpc "VPCRegion=$region,VPCId=$2" --output text \
        --caller-reference "durin-$1-$(date +%s)" --hosted-zone-config "Comment=$zone_comment,PrivateZone=true" \
        --query HostedZone.Id)
    hosted_zone=${hosted_zone##*/}
}

# With these tags a volume's owner agrees that the node may have it, so this only checks them.
check_volume() {
    local data owner
    data=$(volume_tag "$volume" durin:volume) owner=$(volume_tag "$volume" durin:node)
    [ "$data" = data ] && [ "$owner" = "$node" ] ||
        fail "$volume is tagged durin:volume=$data and durin:node=$owner. If it is the data volume of the node $node: $(agreement "$volume" "$node")"
}

# With this tag a parameter's owner agrees that images are published to it, so this only reports that it is missing.
report_missing_tag() {
    local parameter tagged
    parameter=$(stack_parameter "$stack" ImageParameter)
    tagged=$(aws ssm list-tags-for-resource --resource-type Parameter --resource-id "$parameter" --output text \
        --query "TagList[?Key=='durin:image-parameter'].[Key]")
    [ -z "$tagged" ] || return 0
    say "No image will be published to $parameter, because it has no tag durin:image-parameter. To have the newest of its family published:"
    say "  aws ssm add-tags-to-resource --resource-type Parameter --resource-id $parameter --tags Key=durin:image-parameter,Value=$parameter"
}

# CloudFormation sets everything in the template again, so it gets what the group has now: a node at rest stays at rest, and
# a node that was moved, or that runs on demand for lack of spot capacity, stays where and as it is.
keep() {
    local has key value
    has=$(aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$node" --output text --query "AutoScalingGroups[0].[
        ['DesiredCapacity', to_string(DesiredCapacity)],
        ['SubnetIds', VPCZoneIdentifier],
        ['CapacityRebalance', to_string(CapacityRebalance)],
        ['OnDemandBaseCapacity', to_string(MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity)],
        ['OnDemandPercentage', to_string(MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity)],
        ['VolumeId', Tags[?Key=='durin:volume-id'].Value | [0]],
        ['HostedZoneId', Tags[?Key=='durin:hosted-zone-id'].Value | [0]],
        ['RecordName', Tags[?Key=='durin:record-name'].Value | [0]],
        ['RecordTtl', Tags[?Key=='durin:record-ttl'].Value | [0]]]")
    while IFS=$'\t' read -r key value; do
        case $key=$value in
        *=None | *=null | *=) continue ;;
        DesiredCapacity=[01]) ;;
        DesiredCapacity=*) fail "the node $node is being handed over: its group wants $value instances. Run the same command again in a few minutes" ;;
        # The stack's own volume is not a parameter.
        VolumeId="$(stack_output "$stack" VolumeId)") continue ;;
        esac
        kept+=("$key=$value")
    done <<<"$has"
}

# The options for a node that exists. Its place cannot be changed by halves.
change() {
    [ -z "$image$zone" ] || fail "the node $node exists: publish images to its parameter; its zone is its volume's and cannot change"
    if [ -n "$subnet$volume" ]; then
        check_place "${subnet:-$(stack_parameter "$stack" SubnetIds)}" "" "${volume:-$(stack_output "$stack" VolumeId)}"
    fi
    [ -z "$subnet" ] || overrides+=("SubnetIds=$subnet")
    [ -z "$security_group" ] || overrides+=("SecurityGroupId=$security_group")
    [ -z "$record" ] || overrides+=("RecordName=$record")
    [ -z "$hosted_zone" ] || overrides+=("HostedZoneId=$hosted_zone")
    [ -z "$image_parameter" ] || overrides+=("ImageParameter=$image_parameter")
    keep
}

need_aws
stack_exists durin-rules || fail "the functions are not deployed in $region, so no launch would be completed: first just deploy"
[ -z "$volume" ] || check_volume
say "This will create or update:"
if stack_exists "$stack"; then
    change
    say "  stack     $stack: the node $node, with ${overrides[*]:-its present parameters}"
    say "            its group keeps ${kept[*]:-nothing}"
    [ -z "$hosted_zone" ] || say "  stack     durin-roles: the functions may write A records in the hosted zone $hosted_zone"
    confirm "Go on?"
else
    complete
    [ -z "$zone" ] || say "  stack     durin-network: a VPC with one public subnet in $zone"
    say "  stack     durin-roles: the functions may write A records in the hosted zone ${hosted_zone:-of ${record:-$node.durin.internal}, which this makes if it does not exist}"
    say "  stack     $stack: the node $node, a spot instance, from ${image:-the image in $image_parameter}"
    confirm "Go on?"
    make_network
    place
fi
[ -z "$hosted_zone" ] || allow_zone "$hosted_zone"
deploy_stack "$stack" node.yaml NodeName="$node" ${kept[@]+"${kept[@]}"} ${overrides[@]+"${overrides[@]}"}

say ""
say "The node's volume is $(stack_output "$stack" VolumeId). Its instance launches now; it is InService in a minute or two:"
say "  aws autoscaling describe-auto-scaling-instances --query \"AutoScalingInstances[?AutoScalingGroupName=='$node']\""
say "If it does not appear: aws autoscaling describe-scaling-activities --auto-scaling-group-name $node"
report_missing_tag
say "Then let it survive an interruption: just drill $node"
