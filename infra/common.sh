# The functions that the scripts in this folder share and source. Needs bash 3.2 or newer and the AWS CLI, 1 or 2.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
yes=false
# The comment of the zones that just deploy-node makes, by which they are recognised.
# shellcheck disable=SC2034
zone_comment="Durin: where nodes are."
# Nothing here may wait for a person to page through an answer.
export AWS_PAGER=""

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

say() {
    printf '%s\n' "$*"
}

# usage TEXT…: prints how to call the script, which is its header, and ends.
usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    [ $# -eq 0 ] || fail "$@"
    exit 2
}

# Sets the region, or fails and names what is missing.
need_region() {
    command -v aws >/dev/null ||
        fail "the AWS CLI is missing: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
    [ -n "$region" ] || fail "no region: set AWS_REGION, for example AWS_REGION=eu-central-1, or run aws configure"
    # The first is cargo-lambda's and version 2's, the second version 1's.
    export AWS_REGION=$region AWS_DEFAULT_REGION=$region
}

# Finds out where everything will happen: sets account, partition and region, or fails and names what is missing.
need_aws() {
    need_region
    local caller
    caller=$(aws sts get-caller-identity --query Arn --output text) ||
        fail "AWS does not accept your credentials, or there are none: run aws configure or aws sso login, or set AWS_PROFILE"
    # shellcheck disable=SC2034
    partition=$(printf '%s' "$caller" | cut -d : -f 2)
    account=$(printf '%s' "$caller" | cut -d : -f 5)
    say "Account $account, region $region, as $caller"
}

# confirm QUESTION: continues only if a person agrees, or passed --yes.
confirm() {
    $yes && return
    [ -t 0 ] || fail "there is no terminal to ask on: pass --yes"
    local answer
    read -r -p "$1 [y/N] " answer
    case $answer in [yY] | [yY]es) ;; *) fail "nothing was done" ;; esac
}

# Every function's package name and manifest, a line each: every folder with a manifest is deployed.
functions() {
    local manifest
    for manifest in "$root"/functions/*/Cargo.toml; do
        printf '%s %s\n' "$(sed -n '/^name = /{s/^name = "\(.*\)"$/\1/p;q;}' "$manifest")" "$manifest"
    done
}

need_cargo_lambda() {
    cargo lambda --version >/dev/null 2>&1 ||
        fail "cargo-lambda is missing: run this through just, which fetches it, or pip install cargo-lambda"
}

# Whether the Rust toolchain can build for aarch64 or x86_64.
can_build_for() {
    [ -d "$(cd "$root" && rustc --print target-libdir --target "$1-unknown-linux-gnu")" ]
}

# Settles architecture, which may be empty: arm64 by default, x86-64 where the toolchain lacks the target.
choose_architecture() {
    if [ -z "$architecture" ]; then
        architecture=--arm64
        if ! can_build_for aarch64; then
            architecture=--x86-64
            say "The Rust toolchain cannot build for arm64, for which Lambda charges a fifth less, so this builds for x86-64. For arm64:"
            say "  rustup target add aarch64-unknown-linux-gnu"
        fi
    fi
    local target=x86_64
    [ "$architecture" = --x86-64 ] || target=aarch64
    can_build_for $target ||
        fail "the Rust toolchain cannot build for ${architecture#--}: rustup target add $target-unknown-linux-gnu"
}

# Builds every function for the architecture.
build_functions() {
    local packages=() name
    while read -r name _; do
        packages+=(--package "$name")
    done < <(functions)
    # If a target were missing, cargo-lambda would change the toolchain without asking: choose_architecture has checked.
    (cd "$root" && cargo lambda build --release "$architecture" --skip-target-check --lambda-dir "$root/target/lambda" "${packages[@]}")
}

# The Auto Scaling groups that are nodes, a line each.
nodes() {
    aws autoscaling describe-auto-scaling-groups --filters Name=tag-key,Values=durin:volume-id \
        --query 'AutoScalingGroups[].[AutoScalingGroupName]' --output text
}

# A stack's status, or NONE. A failed question is an error and not NONE.
stack_status() {
    local answer
    if answer=$(aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' --output text 2>&1); then
        printf '%s\n' "$answer"
    else
        case $answer in *"does not exist"*) echo NONE ;; *) fail "$answer" ;; esac
    fi
}

# stack_output STACK KEY, stack_parameter STACK KEY: a value, or nothing.
stack_output() {
    aws cloudformation describe-stacks --stack-name "$1" --query "Stacks[0].Outputs[?OutputKey=='$2'].[OutputValue]" --output text
}
stack_parameter() {
    aws cloudformation describe-stacks --stack-name "$1" --output text \
        --query "Stacks[0].Parameters[?ParameterKey=='$2'].[ParameterValue]"
}

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
    ! grep -qx "$1" <<<"$there" || return 0
    say "Roles: the functions may write A records in the hosted zone $1"
    # shellcheck disable=SC2086
    set_allowed_zones $there "$1"
}

# Takes that back.
forbid_zone() {
    local there
    there=$(allowed_zones)
    grep -qx "$1" <<<"$there" || return 0
    say "Roles: the functions may not write in the hosted zone $1 any more"
    # shellcheck disable=SC2046
    set_allowed_zones $(grep -vx "$1" <<<"$there" || true)
}

# The nodes of the region and their hosted zones, a line each: the zone's id, a tab, the group's name.
zones_of_nodes() {
    aws autoscaling describe-auto-scaling-groups --filters Name=tag-key,Values=durin:hosted-zone-id --output text \
        --query "AutoScalingGroups[].[Tags[?Key=='durin:hosted-zone-id'].Value | [0], AutoScalingGroupName]"
}

# volume_tag VOLUME KEY: a value, or nothing.
volume_tag() {
    aws ec2 describe-volumes --volume-ids "$1" --output text --query "Volumes[0].Tags[?Key=='$2'].[Value]" ||
        fail "the volume $1 cannot be read"
}

# agreement VOLUME NODE: the command with which the owner of a volume agrees that it is the node's.
agreement() {
    printf "aws ec2 create-tags --resources %s --tags Key=durin:volume,Value=data 'Key=durin:node,Value=%s'\n" "$1" "$2"
}

# Whether a stack has been created, whatever came after.
stack_exists() {
    local status
    status=$(stack_status "$1") || exit 1
    case $status in
    NONE | REVIEW_IN_PROGRESS | CREATE_FAILED | ROLLBACK_* | DELETE_*) return 1 ;;
    *) return 0 ;;
    esac
}

# Brings a stack to where it can be created or updated: waits for a running operation, for an hour at most, and deletes
# the remains of a first creation that failed, because CloudFormation does not update them any more.
settle_stack() {
    local status=NONE
    for _ in $(seq 360); do
        status=$(stack_status "$1") || exit 1
        case $status in
        REVIEW_IN_PROGRESS | CREATE_FAILED | ROLLBACK_COMPLETE | ROLLBACK_FAILED | DELETE_FAILED)
            say "  $1 is $status: deleting its remains first"
            delete_stack "$1"
            return
            ;;
        *_IN_PROGRESS) sleep 10 ;;
        UPDATE_ROLLBACK_FAILED | UPDATE_FAILED)
            fail "the stack $1 is $status, which you have to fix: aws cloudformation continue-update-rollback --stack-name $1"
            ;;
        *) return ;;
        esac
    done
    fail "the stack $1 has been $status for an hour"
}

# deploy_stack NAME TEMPLATE [KEY=VALUE…]: creates or updates the stack; parameters that are not named keep their
# values.
deploy_stack() {
    local name=$1 template=$2
    shift 2
    say "Stack $name"
    settle_stack "$name"
    # Bash 3 takes an empty "$@" for unset where it is an option's value.
    [ $# -eq 0 ] || set -- --parameter-overrides "$@"
    aws cloudformation deploy --stack-name "$name" --template-file "$root/infra/$template" \
        --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM --no-fail-on-empty-changeset "$@" || {
        aws cloudformation describe-stack-events --stack-name "$name" --max-items 50 --output text --query \
            "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId, ResourceStatusReason]" >&2 || true
        fail "the stack $name could not be deployed; once you have fixed that, the same command resumes here"
    }
}

# Deletes a stack, if it exists, and waits until it is gone.
delete_stack() {
    local status
    status=$(stack_status "$1") || exit 1
    [ "$status" != NONE ] || return 0
    say "Stack $1: delete"
    aws cloudformation delete-stack --stack-name "$1"
    aws cloudformation wait stack-delete-complete --stack-name "$1" || {
        aws cloudformation describe-stack-events --stack-name "$1" --max-items 50 --output text --query \
            "StackEvents[?ResourceStatus=='DELETE_FAILED'].[LogicalResourceId, ResourceStatusReason]" >&2 || true
        fail "the stack $1 could not be deleted; once you have fixed that, the same command resumes here"
    }
}
