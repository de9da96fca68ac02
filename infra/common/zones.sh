# The hosted zones in which the functions may write.
# shellcheck shell=bash

# The ARN of a hosted zone, by its id.
zone_arn() {
    printf 'arn:%s:route53:::hostedzone/%s\n' "$partition" "$1"
}

# The hosted zones in which the functions may write, a line each, in answer; none before the roles are deployed.
allowed_zones() {
    stack_exists durin-roles || { answer="" && return; }
    stack_parameter durin-roles HostedZoneArns
    answer=$(tr ',' '\n' <<<"$answer" | sed 's|.*hostedzone/||; s|[^0-9A-Z].*||; /^NONE$/d; /^$/d')
}

# zone_arns ID…: these zones, each once, as the roles' parameter, which cannot be empty: no zone is called NONE.
zone_arns() {
    local id all=""
    for id in $(printf '%s\n' "$@" | sort -u); do
        all=$all,$(zone_arn "$id")
    done
    all=${all#,}
    printf '%s\n' "${all:-$(zone_arn NONE)}"
}

# set_allowed_zones ID…: changes nothing else of the roles, even if another version of this folder deployed them.
set_allowed_zones() {
    try cloudformation update-stack --stack-name durin-roles --use-previous-template --capabilities CAPABILITY_NAMED_IAM \
        --parameters "ParameterKey=HostedZoneArns,ParameterValue=\"$(zone_arns "$@")\"" ||
        case $answer in
        *"No updates"*) return ;;
        *"do not exist in the template"*) fail "the roles are older than this folder: first just deploy" ;;
        *) refused "the roles could not be updated" ;;
        esac
    try cloudformation wait stack-update-complete --stack-name durin-roles || stack_failed durin-roles updated FAILED
}

# Lets the functions write in one more hosted zone.
allow_zone() {
    local there
    allowed_zones
    there=$answer
    ! grep -qxF -e "$1" <<<"$there" || return 0
    say "Roles: the functions may write A records in the hosted zone $1"
    # shellcheck disable=SC2086
    set_allowed_zones $there "$1"
}

# Takes that back.
forbid_zone() {
    local there
    allowed_zones
    there=$answer
    grep -qxF -e "$1" <<<"$there" || return 0
    say "Roles: the functions may not write in the hosted zone $1 any more"
    # shellcheck disable=SC2046
    set_allowed_zones $(grep -vxF -e "$1" <<<"$there" || true)
}

# The nodes of the region and their hosted zones, a line each, in answer: the zone's id, a tab, the group's name.
zones_of_nodes() {
    call autoscaling describe-auto-scaling-groups --filters Name=tag-key,Values=durin:hosted-zone-id --output text \
        --query "AutoScalingGroups[].[Tags[?Key=='durin:hosted-zone-id'].Value | [0], AutoScalingGroupName]"
}
