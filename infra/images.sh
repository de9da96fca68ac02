#!/usr/bin/env bash
# Manages images, with your credentials for the AWS CLI:
#
#   just prune-plan             print which images and snapshots stay, which go, and why; removes nothing
#     --keep-newest COUNT       keep this many of the newest images of each family
#     --keep-days DAYS          keep everything younger
#     --soak-days DAYS          days from disabling an image to deregistering it
#   just pin PARAMETER WHY…     publish nothing to the parameter until it is unpinned
#   just pins                   list what is pinned, since when, and why
#   just unpin PARAMETER        let images be published to it again
#   just rollback PARAMETER     put it back to its previous image, and pin it
#     --to-stock                even if that is Amazon's own, from which only a node that was deployed on it comes up
#     --older-k3s               even if its k3s is of an earlier minor version, which does not start on a volume from which a newer
#                               one has served

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

task=${1-}
command="just $task"
[ $# -eq 0 ] || shift
parameter='PARAMETER parameter parameter'
case $task in
prune-plan)
    arguments='
        --keep-newest newest number:0:999999999
        --keep-days days number:0:999999999
        --soak-days soak number:0:999999999'
    ;;
pin)
    arguments="$parameter
        WHY why words"
    ;;
pins) arguments="" ;;
unpin) arguments=$parameter ;;
rollback)
    arguments="$parameter
        --to-stock to_stock flag
        --older-k3s older_k3s flag"
    ;;
--help | -h) help && exit ;;
*) command="just pin" && not_understood "\"$task\" is none of prune-plan, pin, pins, unpin and rollback" ;;
esac
# Only checked here: `cargo operator` takes them apart.
# shellcheck disable=SC2034
parameter="" why="" newest="" days="" soak="" to_stock=false older_k3s=false
take_arguments "$arguments" "$@"
need_toolchain

# The plan has to be the one that is carried out, so it has the settings of the deployed function where there is one.
export_prune_settings() {
    local names="DURIN_KEEP_NEWEST DURIN_KEEP_DAYS DURIN_SOAK_DAYS DURIN_DRY_RUN" name value there
    local manifest=functions/ami-prune/Cargo.toml
    if there=$(aws lambda get-function-configuration --function-name durin-ami-prune --output text \
        --query "Environment.Variables.[${names// /, }] || ['None', 'None', 'None', 'None']" 2>&1); then
        export DURIN_SETTINGS_OF="those of the function durin-ami-prune in ${AWS_REGION:-no region}"
    else
        case $there in
        *ResourceNotFoundException*) there="because the function durin-ami-prune is not deployed in ${AWS_REGION:-no region}" ;;
        *"local AWS does not have"*) there="because the local AWS does not have Lambda" ;;
        *) there="because Lambda does not say those of the function durin-ami-prune ($(tr '\n' ' ' <<<"$there"))" ;;
        esac
        export DURIN_SETTINGS_OF="those of $manifest, $there"
        there=""
        for name in $names; do
            value=$(sed -n "s/^$name = \"\(.*\)\"$/\1/p" "$root/$manifest")
            there="$there ${value:-None}"
        done
    fi
    for name in $names; do
        read -r value there <<<"$there"
        unset "$name"
        [ "${value:-None}" = None ] || export "$name=$value"
    done
}

# look_at IMAGE: sets state, owner, name and k3s (its version by the image's tag, or None), or fails if there is no such image.
look_at() {
    is_there InvalidAMIID ec2 describe-images --image-ids "$1" --output text \
        --query "Images[0].[State, ImageOwnerAlias, Name, Tags[?Key=='durin:k3s-version'].Value | [0]]" || return 1
    IFS=$'\t' read -r state owner name k3s <<<"$answer"
}

# minor VERSION: its minor version as a number that can be compared, or nothing if it has none.
minor() {
    [[ ${1-} =~ ^v([0-9]{1,4})\.([0-9]{1,4})\. ]] || return 0
    echo $((10000 * 10#${BASH_REMATCH[1]} + 10#${BASH_REMATCH[2]}))
}

# Looks where a roll-back goes, which is to the newest earlier image that can be launched. Refuses to go to Amazon's own, on which
# a node comes up only if its launch template provisions it, and then in minutes; and to an older k3s.
look_back() {
    local id state owner name k3s values current="" k3s_now=""
    need_region
    # The newest first.
    is_there ParameterNotFound ssm get-parameter-history --name "$parameter" --output text --query 'Parameters[].[Version, Value]' ||
        return 0
    values=$(sort -rn <<<"$answer" | cut -f 2)
    for id in $values; do
        if [ -z "$current" ]; then
            current=$id
            ! is_a image "$id" || ! look_at "$id" || k3s_now=$k3s
            continue
        fi
        { [ "$id" != "$current" ] && is_a image "$id" && look_at "$id" && [ "$state" = available ]; } || continue
        $to_stock || refuse_stock
        $older_k3s || refuse_older_k3s
        return
    done
}

refuse_stock() {
    ! is_stock_image "$owner" "$name" ||
        fail "$parameter would go back to $id, which is Amazon's own image ($name) and no node: each instance is provisioned when it boots, for minutes, and a node that was not deployed on it does not come up at all. If no image of yours will do: just rollback $parameter --to-stock, and then just deploy-node for each node of that parameter"
}

# By the tags with which they are baked. durin-node refuses it in any case, on a volume that it would harm.
refuse_older_k3s() {
    local from to
    from=$(minor "$k3s_now") to=$(minor "$k3s")
    { [ -n "$from" ] && [ -n "$to" ] && [ "$to" -lt "$from" ]; } || return 0
    fail "$parameter would go back to $id, whose k3s is $k3s and not $k3s_now: a node that has served with the newer one does not come up with it, because its datastore does not go back. Bake another image with $k3s_now or a newer one. If no node has served with it yet: just rollback $parameter --older-k3s"
}

take_credentials
# Without the CLI, `cargo operator` names what is missing.
[ "$task" != prune-plan ] || export_prune_settings
if [ "$task" = rollback ]; then
    look_back
    set -- "$parameter"
fi

cd "$root"
exec cargo operator "$task" "$@"
