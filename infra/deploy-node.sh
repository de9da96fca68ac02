#!/usr/bin/env bash
# Deploys one node: just deploy-node NAME [OPTION…]; NAME is lower-case letters, digits and dashes.
#
#   --image AMI             the image of a first node, x86_64 or arm64; stored in the image parameter, to which later ones
#                           are published. Without it, and without images yet, the node is a stock Amazon Linux that is
#                           provisioned at each boot, for trying out
#   --arm64                 take that stock image for arm64
#   --image-parameter PATH  the image parameter, if it is not /durin/image; nodes may share one
#   --record NAME           the node's A record, if it is not NAME in the zone durin.internal
#   --hosted-zone ID        an existing private zone; by default a new one, or the one that an earlier node made. The
#                           functions may write A records in it from then on
#   --subnet ID             an existing subnet, which sets the node's availability zone; by default a new network
#   --security-group ID     an existing security group, if you name a subnet
#   --availability-zone AZ  where to make a network; by default the region's first zone
#   --volume ID             an existing data volume, tagged durin:volume=data and durin:node=NAME; by default a new one
#   --volume-size GIB       the size of a volume to make; 20
#   --capacity-rebalance B  true or false: whether the group itself launches a successor when EC2 recommends it; true
#   --drain SECONDS         for how long a release drains the node first, so that preStop hooks run, up to 10; 0
#   --measure B             true or false: whether the node tells CloudWatch how full its disks are, with two alarms; true
#   --copies B              true or false: whether the volume is copied every day, into snapshots of which seven stay; true
#   --certificate-zone ID   a public zone in which cert-manager may prove that names are yours; none revokes that
#   --service-names B       true or false: whether external-dns may write CNAME records in the node's zone; false
#   --ebs-csi B             true or false: whether the EBS CSI driver may make and move volumes of its own; false
#   --yes                   do not ask
#
# Run it again to change an option, or after a failure: options that you leave out keep their values.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

image="" image_parameter="" record="" hosted_zone="" subnet="" security_group="" zone="" volume=""
volume_size="" capacity_rebalance="" drain="" measure="" copies="" certificate_zone="" service_names="" ebs_csi=""
take_arguments '
    NAME node node
    --yes yes flag
    --image image image
    --arm64 arm64 flag
    --image-parameter image_parameter parameter
    --record record record
    --hosted-zone hosted_zone hosted-zone
    --subnet subnet subnet
    --security-group security_group security-group
    --availability-zone zone availability-zone
    --volume volume volume
    --volume-size volume_size number:1:16384
    --capacity-rebalance capacity_rebalance boolean
    --drain drain number:0:10
    --measure measure boolean
    --copies copies boolean
    --certificate-zone certificate_zone public-zone
    --service-names service_names boolean
    --ebs-csi ebs_csi boolean' "$@"
! $arm64 || [ -z "$image" ] || not_understood "--arm64 is for a stock image, and --image names another"
stack=durin-node-$node
# The parameters for node.yaml: those that were given here, and those that an existing node keeps.
overrides=() kept=()
[ -z "$volume" ] || overrides+=("VolumeId=$volume")
[ -z "$volume_size" ] || overrides+=("VolumeSizeGiB=$volume_size")
[ -z "$capacity_rebalance" ] || overrides+=("CapacityRebalance=$capacity_rebalance")
[ -z "$drain" ] || overrides+=("DrainSeconds=$drain")
[ -z "$measure" ] || overrides+=("Measure=$measure")
[ -z "$copies" ] || overrides+=("Copies=$copies")
[ -z "$certificate_zone" ] || overrides+=("CertificateZoneId=${certificate_zone#none}")
[ -z "$service_names" ] || overrides+=("ServiceNames=$service_names")
[ -z "$ebs_csi" ] || overrides+=("EbsCsi=$ebs_csi")

# Finds out what a first deployment needs and the options leave out. Only reads.
complete() {
    check_free_name
    [ -z "$certificate_zone" ] || check_zone "$certificate_zone"
    is_there ParameterNotFound ssm get-parameter --name "${image_parameter:-/durin/image}" --query Parameter.Value --output text ||
        answer=""
    [ -n "$answer$image" ] || take_stock_image
    choose_image "${image_parameter:-/durin/image}" "$image"
    find_network
    check_place "$subnet" "$security_group" "$zone" "$volume"
    [ -z "$zone" ] || [ "$zone" = "$place" ] ||
        fail "the subnet $subnet is in $place and not in $zone: leave --availability-zone out, or name a --subnet there"
    zone=$place
    record=${record:-$node.durin.internal}
    if [ -n "$subnet" ] && [ -z "$hosted_zone" ]; then
        call ec2 describe-subnets --subnet-ids "$subnet" --query 'Subnets[0].VpcId' --output text
        zone_of "${record#*.}" "$answer"
        hosted_zone=$answer
    fi
    check_unshared "$volume" "$hosted_zone" "$record"
    [ -z "$hosted_zone" ] || check_record "$hosted_zone" "$record"
    [ -z "$volume" ] || check_volume "$volume"
}

# zone_of NAME VPC: the hosted zone of that name that the VPC resolves, or nothing, in answer.
zone_of() {
    call route53 list-hosted-zones-by-vpc --vpc-id "$2" --vpc-region "$region" --output text \
        --query "HostedZoneSummaries[?Name=='$(canonical "$1")'].[HostedZoneId]"
    answer=${answer%%$'\n'*}
}

# choose_image PARAMETER IMAGE: sets the parameters that come from the image; IMAGE is what a new parameter gets, and may be
# empty. An unusable image is found here, not by a group that launches in vain.
choose_image() {
    local there state type device owner name
    image_parameter=$1
    is_there ParameterNotFound ssm get-parameter --name "$1" --query Parameter.Value --output text || answer=""
    there=$answer
    if [ -z "$there" ] && [ -z "$2" ]; then
        fail "there is no parameter $1 yet: name the first image with --image"
    elif [ -n "$there" ] && [ -n "$2" ] && [ "$2" != "$there" ]; then
        fail "$1 holds $there and not $2: leave --image out, or name another --image-parameter"
    elif [ -z "$there" ]; then
        overrides+=("InitialImageId=$2")
    fi
    is_there InvalidAMIID ec2 describe-images --image-ids "${there:-$2}" --output text \
        --query 'Images[0].[State, Architecture, RootDeviceType, RootDeviceName, ImageOwnerAlias, Name]' || fail "there is no image ${there:-$2} here"
    IFS=$'\t' read -r state architecture type device owner name <<<"$answer"
    check_types "${there:-$2}"
    [ "$state $type" = "available ebs" ] && [ "$device" != None ] ||
        fail "the image ${there:-$2} has to be available and on EBS, but is $state and on $type"
    ! $arm64 || [ "$architecture" = arm64 ] ||
        fail "$1 holds ${there:-$2}, which is $architecture: leave --arm64 out, or name another --image-parameter"
    image_said="${there:-$2} ($name, $architecture), by the parameter $1"
    overrides+=("ImageParameter=$1" "RootDeviceName=$device" "Architecture=$architecture")
    provision_at_boot "$owner" "$architecture" "$name"
}

# Sets instance_types to those of the template for the architecture, and fails if one of them cannot run it.
check_types() {
    local list type
    case $architecture in
    arm64) list=1 ;;
    x86_64) list=2 ;;
    *) fail "the image $1 is $architecture, and infra/node.yaml has instance types for x86_64 and arm64: bake it for one of these" ;;
    esac
    instance_types=()
    while read -r type; do
        instance_types+=("$type")
    done < <(awk -v list=$list '/- - InstanceType:/ { n++ } /- InstanceType:/ && n == list { print $NF }' "$root/infra/node.yaml")
    is_there InvalidInstanceType ec2 describe-instance-types --instance-types "${instance_types[@]}" --output text \
        --query "join(' ', InstanceTypes[?!contains(ProcessorInfo.SupportedArchitectures, '$architecture')].InstanceType)" ||
        fail "EC2 does not know all of ${instance_types[*]} here: edit their list in infra/node.yaml"
    [ -z "$answer" ] || fail "$answer cannot run $architecture: edit its list in infra/node.yaml"
    # There a volume is no NVMe device, and has no serial number. Bare metal has no hypervisor, and shows NVMe.
    call ec2 describe-instance-types --instance-types "${instance_types[@]}" --output text \
        --query "join(' ', InstanceTypes[?Hypervisor=='xen'].InstanceType)"
    [ -z "$answer" ] || fail "$answer shows no EBS volume as an NVMe device (Xen): take types of the Nitro system into the list in infra/node.yaml"
}

# The parameters for the place where the node lives.
place() {
    local vpc
    call ec2 describe-subnets --subnet-ids "$subnet" --query 'Subnets[0].[VpcId, AvailabilityZone]' --output text
    vpc=${answer%%[[:space:]]*}
    overrides+=("SubnetIds=$subnet" "SecurityGroupId=$security_group" "VpcId=$vpc" "AvailabilityZone=${answer##*[[:space:]]}")
    if [ -z "$hosted_zone" ]; then
        zone_of "${record#*.}" "$vpc"
        hosted_zone=$answer
    fi
    [ -n "$hosted_zone" ] || make_zone "${record#*.}" "$vpc"
    overrides+=("RecordName=$record" "HostedZoneId=$hosted_zone")
}

# No stack makes the zone: the roles have to name it before the group launches the node's first instance. Another run finds
# it by its VPC.
make_zone() {
    say "Zone $1: create"
    call route53 create-hosted-zone --name "$1" --vpc "VPCRegion=$region,VPCId=$2" --output text \
        --caller-reference "durin-$1-$(date +%s)" --hosted-zone-config "Comment=$zone_comment,PrivateZone=true" \
        --query HostedZone.Id
    hosted_zone=${answer##*/}
}

# What is to be said of the node that is there now: sets own_volume, untagged and deletion, of which the last two may be
# empty.
look_back() {
    stack_output "$stack" VolumeId
    own_volume=$answer
    stack_parameter "$stack" ImageParameter
    untagged=$answer
    # With this tag a parameter's owner agrees that images are published to it, so it is only reported that it is missing.
    call ssm list-tags-for-resource --resource-type Parameter --resource-id "$untagged" --output text \
        --query "TagList[?Key=='durin:image-parameter'].[Key]"
    [ -z "$answer" ] || untagged=""
    deletion=""
    if [ -n "$old_record" ]; then
        deletions "$old_zone" "$old_record"
        deletion=$answer
    fi
}

# The options for a node that exists. Its place cannot be changed by halves.
change() {
    local has_zone has_record has_volume
    { [ -z "$image$zone" ] && ! $arm64; } || fail "the node $node exists: publish images to its parameter; its zone is its volume's and cannot change"
    keep
    check_group
    has_zone=$(kept HostedZoneId) has_record=$(kept RecordName) has_volume=$(kept VolumeId)
    [ -z "$has_zone" ] || is_a hosted-zone "$has_zone" || fail "$(wrong_tag hosted-zone-id "$node" "$has_zone")"
    [ -z "$has_record" ] || is_a record "$has_record" || fail "$(wrong_tag record-name "$node" "$has_record")"
    [ -z "$has_volume" ] || is_a volume "$has_volume" || fail "$(wrong_tag volume-id "$node" "$has_volume")"
    if [ -z "$has_volume" ]; then
        stack_output "$stack" VolumeId
        has_volume=$answer
    fi
    if [ -n "$subnet$volume$security_group" ]; then
        check_place "${subnet:-$(kept SubnetIds | cut -d , -f 1)}" "$security_group" "" "${volume:-$has_volume}"
    fi
    [ -n "$volume" ] || report_volume "$has_volume" "$node"
    check_unshared "$volume" "${hosted_zone:-$has_zone}" "${record:-$has_record}"
    if [ -n "$record$hosted_zone" ]; then
        check_record "${hosted_zone:-$has_zone}" "${record:-$has_record}"
        [ "$(canonical "${record:-$has_record}") ${hosted_zone:-$has_zone}" = "$(canonical "$has_record") $has_zone" ] ||
            old_record=$has_record old_zone=$has_zone
    fi
    [ -z "$volume" ] || check_volume "$volume"
    [ -z "$subnet" ] || overrides+=("SubnetIds=$subnet")
    [ -z "$security_group" ] || overrides+=("SecurityGroupId=$security_group")
    [ -z "$record" ] || overrides+=("RecordName=$record")
    [ -z "$hosted_zone" ] || overrides+=("HostedZoneId=$hosted_zone")
    if [ -n "$image_parameter" ]; then choose_image "$image_parameter" ""; else look_at_provisioning; fi
    [ -z "$certificate_zone" ] || check_zone "$certificate_zone"
}

plan() {
    say "  stack     $stack: the node $node, an Auto Scaling group of one spot instance with its launch template"
    say "  image     $image_said"
    say "  instance  one of ${instance_types[*]}, in ${subnet:-the new network}, ${zone}"
    if [ -n "$volume" ]; then
        say "  volume    $volume, which stays as it is"
    else
        say "  volume    a new one of ${volume_size:-20} GiB (gp3, encrypted with AWS's own key), which outlives the node. Its instances format it while all of it is zero"
    fi
    [ "$copies" = false ] ||
        say "  copies    a snapshot of the volume every day at 03:00 UTC, of which the newest seven stay; none of them goes with the node. Until the first, its alarm says that there is none"
    say "  record    $record in the hosted zone ${hosted_zone:-${record#*.}, which this makes}; the functions may write there (stack durin-roles)"
    say "  role      for the Systems Manager agent to register and take commands; and to tell CloudWatch how full the disks are"
    say "  price     16 to 21 dollars a month in all with a *.medium on spot at the list prices of 2025 (DEPLOY.md, 6)"
}

old_record="" old_zone="" image_said="" instance_types=() is_stock=false
need_aws
stack_exists durin-rules || fail "the functions are not deployed in $region, so no launch would be completed: first just deploy"
if stack_exists "$stack"; then
    change
    say "This will update:"
    say "  stack     $stack: the node $node, with ${overrides[*]:-its present parameters}"
    say "            its group keeps ${kept[*]:-nothing}"
    [ -z "$hosted_zone" ] || say "  stack     durin-roles: the functions may write A records in the hosted zone $hosted_zone"
    [ -z "$old_record" ] || say "The record $old_record in $old_zone stays, and nothing moves it from then on."
    say_stock
    confirm "Go on?"
else
    complete
    say "This will create:"
    [ -n "$subnet" ] || say "  stack     durin-network: a VPC with one public subnet in $zone"
    plan
    say_stock
    confirm "Go on?"
    make_network
    place
fi
[ -z "$hosted_zone" ] || allow_zone "$hosted_zone"
deploy_stack "$stack" node.yaml NodeName="$node" ${kept[@]+"${kept[@]}"} ${overrides[@]+"${overrides[@]}"}
look_back

say ""
say "The node's volume is $own_volume. Its instance launches now; it is InService in a minute or two:"
say "  aws autoscaling describe-auto-scaling-instances --query \"AutoScalingInstances[?AutoScalingGroupName=='$node']\""
say "If it does not appear: aws autoscaling describe-scaling-activities --auto-scaling-group-name $node"
if [ -n "$untagged" ]; then
    say "No image will be published to $untagged, because it has no tag durin:image-parameter. To have the newest of its family published:"
    say "  aws ssm add-tags-to-resource --resource-type Parameter --resource-id $untagged --tags Key=durin:image-parameter,Value=$untagged"
fi
if [ -n "$deletion" ]; then
    say "The old record $old_record is still there, and points to the present instance until that ends. Once nobody uses it:"
    say "  aws route53 change-resource-record-sets --hosted-zone-id $old_zone --change-batch '$deletion'"
fi
say_stock
say "Then let it survive an interruption: just drill $node"
