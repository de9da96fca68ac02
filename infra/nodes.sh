#!/usr/bin/env bash
# Looks at nodes, with your credentials for the AWS CLI, and changes nothing:
#
#   just status [NODE]      the state of each node of the region, or of one; what is wrong, and what to do
#   just check-node GROUP   what an Auto Scaling group still lacks to be a node, however it was made
#     --json                for programs
#     --local               the world of just serve, on http://127.0.0.1:4566 or where AWS_ENDPOINT_URL says
#
# Ends with 0 if all is well, 1 if something is wrong, 2 if the arguments are not understood, and 3 if AWS could not be
# asked. docs/status-policy.json and docs/check-node-policy.json have the permissions that they need.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

task=${1-}
command="just $task"
[ $# -eq 0 ] || shift
options='
    --json json flag
    --local local flag'
case $task in
status)
    arguments=$options
    # The node may be left out.
    for argument in "$@"; do
        case $argument in -*) ;; *) arguments="NODE name group$options" && break ;; esac
    done
    ;;
check-node) arguments="GROUP name group$options" ;;
--help | -h) help && exit ;;
*) command="just status" && not_understood "\"$task\" is neither status nor check-node" ;;
esac
json=false local=false name=""
take_arguments "$arguments" "$@"

# Whatever keeps it from asking is nothing that is wrong with a node.
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 3
}

need_toolchain
if $local; then
    export AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://127.0.0.1:4566} AWS_REGION=eu-central-1
    export AWS_ACCESS_KEY_ID=operator AWS_SECRET_ACCESS_KEY=any
    unset AWS_SESSION_TOKEN AWS_PROFILE
fi
take_credentials

cd "$root"
cargo build --bin durin-operator || fail "durin-operator cannot be built"
set -- "$task"
[ -z "$name" ] || set -- "$@" "$name"
! $json || set -- "$@" --json
exec cargo operator "$@"
