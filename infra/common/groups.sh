# The Auto Scaling group of a node that just deploy-node has made. `node` is the node's name, and `stack` its stack's.
# shellcheck shell=bash disable=SC2154

# CloudFormation sets everything in the template again, so it gets what the group has now: a node at rest stays at rest, and
# a node that was moved, or that runs on demand for lack of spot capacity, stays where and as it is.
#
# The volume's newness is said until the node is in service. After that, nothing formats a volume that turns out blank.
keep() {
    local own key value new=false serves=false
    # The stack's own volume is not a parameter.
    stack_output "$stack" VolumeId
    own=$answer
    call autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$node" --output text --query "AutoScalingGroups[0].[
        ['DesiredCapacity', to_string(DesiredCapacity)],
        ['SubnetIds', VPCZoneIdentifier],
        ['CapacityRebalance', to_string(CapacityRebalance)],
        ['OnDemandBaseCapacity', to_string(MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity)],
        ['OnDemandPercentage', to_string(MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity)],
        ['VolumeId', Tags[?Key=='durin:volume-id'].Value | [0]],
        ['HostedZoneId', Tags[?Key=='durin:hosted-zone-id'].Value | [0]],
        ['RecordName', Tags[?Key=='durin:record-name'].Value | [0]],
        ['RecordTtl', Tags[?Key=='durin:record-ttl'].Value | [0]],
        ['DrainSeconds', Tags[?Key=='durin:drain'].Value | [0]],
        ['new', Tags[?Key=='durin:new-volume'].Value | [0]],
        ['serves', Instances[?LifecycleState=='InService'].InstanceId | [0]]]"
    while IFS=$'\t' read -r key value; do
        case $key=$value in
        *=None | *=null | *=) continue ;;
        new=*) new=true && continue ;;
        serves=*) serves=true && continue ;;
        DesiredCapacity=[01]) ;;
        DesiredCapacity=*)
            fail "the node $node is being handed over: its group wants $value instances, because the host of one retires, and Durin asks for one instance again when the other serves. Run the same command again then, in minutes if EC2 has capacity. If nothing is being handed over: aws autoscaling set-desired-capacity --auto-scaling-group-name $node --desired-capacity 1"
            ;;
        VolumeId="$own") continue ;;
        esac
        kept+=("$key=$value")
    done <<<"$answer"
    [ "$new $serves" = "true false" ] || new=false
    kept+=("NewVolume=$new")
}

# kept KEY: what the group has now.
kept() {
    printf '%s\n' ${kept[@]+"${kept[@]}"} | sed -n "s/^$1=//p"
}

# Has the group end its instance, and waits until it has: 25 minutes at most, in which even the terminate hook times
# out.
empty_group() {
    instances
    [ "$answer" != None ] || return 0
    say "Group $node: down to 0 instances"
    call autoscaling update-auto-scaling-group --auto-scaling-group-name "$node" --min-size 0 --desired-capacity 0
    for _ in $(seq 300); do
        instances
        [ "$answer" != 0 ] || return 0
        sleep 5
    done
    fail "the group still has an instance after 25 minutes: aws autoscaling describe-scaling-activities --auto-scaling-group-name $node"
}
# How many instances the group has, or None without a group, in answer.
instances() {
    call autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$node" --output text \
        --query 'AutoScalingGroups[0].Instances && length(AutoScalingGroups[0].Instances) || AutoScalingGroups[0].DesiredCapacity'
}
