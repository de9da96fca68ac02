# The network that nodes live in, and images are baked in, if you name none. `subnet`, `security_group` and `zone` are what a
# person has typed, or empty.
# shellcheck shell=bash

# Settles subnet and security_group, if there are some already; else the zone where make_network makes them. Only reads.
find_network() {
    if [ -n "$subnet" ]; then
        [ -n "$security_group" ] || fail "--subnet needs --security-group"
    elif [ -n "$security_group" ]; then
        fail "--security-group needs --subnet"
    elif stack_exists durin-network; then
        read_network
    elif [ -z "$zone" ]; then
        call ec2 describe-availability-zones --filters Name=zone-type,Values=availability-zone \
            --query 'AvailabilityZones[0].ZoneName' --output text
        zone=$answer
    fi
}

make_network() {
    [ -z "$subnet" ] || return 0
    deploy_stack durin-network network.yaml "AvailabilityZone=$zone"
    read_network
}

read_network() {
    stack_output durin-network SubnetId
    subnet=$answer
    stack_output durin-network SecurityGroupId
    # shellcheck disable=SC2034
    security_group=$answer
}
