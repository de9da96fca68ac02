# The functions that the scripts in this folder share and source. Needs bash 3.2 or newer and the AWS CLI, 1 or 2. A script
# ends with status 0 if it did what was asked, 1 if that is refused or fails, and 2 if its arguments are not understood.
# shellcheck shell=bash source-path=SCRIPTDIR

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
yes=false
# The node that the script is about, if it is about one.
node=""
# The comment of the zones that just deploy-node makes, by which they are recognised.
# shellcheck disable=SC2034
zone_comment="Durin: where nodes are."
# AWS CLI 2 writes times in the local zone, which date does not understand everywhere.
export TZ=UTC
# Nothing here may wait for a person to page through an answer.
export AWS_PAGER=""
# shellcheck source=common/arguments.sh
. "$root/infra/common/arguments.sh"
# shellcheck source=common/build.sh
. "$root/infra/common/build.sh"
# shellcheck source=common/bundles.sh
. "$root/infra/common/bundles.sh"
# shellcheck source=common/calls.sh
. "$root/infra/common/calls.sh"
# shellcheck source=common/checks.sh
. "$root/infra/common/checks.sh"
# shellcheck source=common/credentials.sh
. "$root/infra/common/credentials.sh"
# shellcheck source=common/groups.sh
. "$root/infra/common/groups.sh"
# shellcheck source=common/network.sh
. "$root/infra/common/network.sh"
# shellcheck source=common/records.sh
. "$root/infra/common/records.sh"
# shellcheck source=common/release.sh
. "$root/infra/common/release.sh"
# shellcheck source=common/stacks.sh
. "$root/infra/common/stacks.sh"
# shellcheck source=common/stock.sh
. "$root/infra/common/stock.sh"
# shellcheck source=common/zones.sh
. "$root/infra/common/zones.sh"

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

say() {
    printf '%s\n' "$*"
}

# Sets the region, or fails and names what is missing.
need_region() {
    command -v aws >/dev/null ||
        fail "the AWS CLI is missing: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
    if [ -z "$region" ]; then
        configured region
        region=$answer
    fi
    [ -n "$region" ] || fail "no region: set AWS_REGION, for example AWS_REGION=eu-central-1, or run aws configure"
    # The first is cargo-lambda's and version 2's, the second version 1's.
    export AWS_REGION=$region AWS_DEFAULT_REGION=$region
}

# configured NAME: what the AWS CLI's configuration has under the name, or nothing, in answer.
configured() {
    # If it has nothing, the CLI fails and says nothing.
    try configure get "$1" || [ -z "$answer" ] || refused "the AWS CLI's configuration cannot be read"
}

# Finds out where everything will happen: sets account, partition and region, or fails and names what is missing.
need_aws() {
    need_region
    call sts get-caller-identity --query Arn --output text
    # shellcheck disable=SC2034
    partition=$(cut -d : -f 2 <<<"$answer")
    account=$(cut -d : -f 5 <<<"$answer")
    say "Account $account, region $region, as $answer"
}

# confirm QUESTION: continues only if a person agrees, or passed --yes.
confirm() {
    $yes && return
    [ -t 0 ] || fail "there is no terminal to ask on: pass --yes"
    local answer
    read -r -p "$1 [y/N] " answer
    case $answer in [yY] | [yY]es) ;; *) fail "nothing was done" ;; esac
}

# The Auto Scaling groups that are nodes, a line each, in answer.
nodes() {
    call autoscaling describe-auto-scaling-groups --filters Name=tag-key,Values=durin:volume-id \
        --query 'AutoScalingGroups[].[AutoScalingGroupName]' --output text
}

# volume_tags VOLUME: sets data and owner to what its tags durin:volume and durin:node say, or to nothing. False if there is no
# such volume.
volume_tags() {
    data="" owner=""
    is_there InvalidVolume ec2 describe-volumes --volume-ids "$1" --output text \
        --query "Volumes[0].[Tags[?Key=='durin:volume'].Value | [0], Tags[?Key=='durin:node'].Value | [0]]" || return 1
    IFS=$'\t' read -r data owner <<<"$answer"
    [ "$data" != None ] || data=""
    [ "$owner" != None ] || owner=""
}

# wrong_tag KEY NODE VALUE: a sentence, after is_a. A tag may say anything, and the AWS CLI would read a file whose name it says.
wrong_tag() {
    printf 'the tag durin:%s of the Auto Scaling group %s is "%s", and has to be %s' "$1" "$2" "$3" "$expected"
}

# report_volume VOLUME NODE: says so if the node could lose its volume, which it keeps until it has to move. Without
# durin:volume=data the functions may not move it, and without durin:node they do not attach it once it is free.
report_volume() {
    local data owner
    is_a volume "$1" || { say "$(wrong_tag volume-id "$2" "$1")" && return; }
    volume_tags "$1" || { say "The volume $1 of the node $2 does not exist any more." && return; }
    [ "$data $owner" = "data $2" ] ||
        say "The volume $1 of the node $2 is tagged durin:volume=$data and durin:node=$owner, so the node loses it when it moves. If it is that node's: $(agreement "$1" "$2")"
}

# agreement VOLUME NODE: the command with which the owner of a volume agrees that it is the node's. A person copies it, so
# whatever the group is called, it has to be one command, with that name in it.
agreement() {
    local tags="Key=durin:volume,Value=data Key=durin:node,Value=$2" name=${2//\\/\\\\}
    is_a group "$2" ||
        tags=$(printf %q "[{\"Key\": \"durin:volume\", \"Value\": \"data\"}, {\"Key\": \"durin:node\", \"Value\": \"${name//\"/\\\"}\"}]")
    printf 'aws ec2 create-tags --resources %s --tags %s\n' "$1" "$tags"
}

# copies_of NODE: the snapshots that are copies of its data, a line each, in answer, the newest last.
copies_of() {
    call ec2 describe-snapshots --owner-ids self --filters Name=tag:durin:backup-of,Values="$1" --output text \
        --query 'sort_by(Snapshots, &StartTime)[].[SnapshotId]'
}

# The server's own time of something, as seconds since 1970: AWS CLI 1 has that already, 2 has ISO 8601.
seconds() {
    case $1 in
    *T*) date -d "$1" +%s.%3N 2>/dev/null || date -j -f %Y-%m-%dT%H:%M:%S "${1%%[.+Z]*}" +%s ;;
    *) echo "$1" ;;
    esac
}
