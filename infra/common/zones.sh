# The hosted zones in which the functions may write.
# shellcheck shell=bash

# The ARN of a hosted zone, by its id.
zone_arn() {
    printf 'arn:%s:route53:::hostedzone/%s\n' "$partition" "$1"
}

# The hosted zones in which the functions may write, a line each; none before the roles are deployed.
allowed_zones() {
    local arns
    stack_exists durin-roles || return 0
    # A failed question is an error and not an empty list, which would close every zone.
    arns=$(stack_parameter durin-roles HostedZoneArns) || exit 1
    tr ',' '\n' <<<"$arns" | sed 's|.*hostedzone/||; s|[^0-9A-Z].*||; /^NONE$/d; /^$/d'
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
    local said
    said=$(aws cloudformation update-stack --stack-name durin-roles --use-previous-template \
        --capabilities CAPABILITY_NAMED_IAM \
        --parameters "ParameterKey=HostedZoneArns,ParameterValue=\"$(zone_arns "$@")\"" 2>&1) || {
        case $said in
        *"No updates"*) return ;;
        *"do not exist in the template"*) fail "the roles are older than this folder: first just deploy" ;;
        *) fail "$said" ;;
        esac
    }
    aws cloudformation wait stack-update-complete --stack-name durin-roles ||
        fail "the roles could not be updated: aws cloudformation describe-stack-events --stack-name durin-roles"
}

# Lets the functions write in one more hosted zone.
allow_zone() {
    local there
    there=$(allowed_zones)
    ! grep -qxF -e "$1" <<<"$there" || return 0
    say "Roles: the functions may write A records in the hosted zone $1"
    # shellcheck disable=SC2086
    set_allowed_zones $there "$1"
}

# Takes that back.
forbid_zone() {
    local there
    there=$(allowed_zones)
    grep -qxF -e "$1" <<<"$there" || return 0
    say "Roles: the functions may not write in the hosted zone $1 any more"
    # shellcheck disable=SC2046
    set_allowed_zones $(grep -vxF -e "$1" <<<"$there" || true)
}

# The nodes of the region and their hosted zones, a line each: the zone's id, a tab, the group's name.
zones_of_nodes() {
    aws autoscaling describe-auto-scaling-groups --filters Name=tag-key,Values=durin:hosted-zone-id --output text \
        --query "AutoScalingGroups[].[Tags[?Key=='durin:hosted-zone-id'].Value | [0], AutoScalingGroupName]"
}
