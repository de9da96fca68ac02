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
unpin | rollback) arguments=$parameter ;;
--help | -h) help && exit ;;
*) command="just pin" && not_understood "\"$task\" is none of prune-plan, pin, pins, unpin and rollback" ;;
esac
# Only checked here: `cargo operator` takes them apart.
# shellcheck disable=SC2034
parameter="" why="" newest="" days="" soak=""
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

take_credentials
# Without the CLI, `cargo operator` names what is missing.
[ "$task" != prune-plan ] || export_prune_settings

cd "$root"
exec cargo operator "$task" "$@"
