#!/usr/bin/env bash
# Removes the functions from a region, with their rules, roles, logs and alarms: just destroy [--yes] [--leave-nodes]
#
#   --yes          do not ask
#   --leave-nodes  destroy even if there are nodes; they keep running, but their next interruption is the end of them
#
# just destroy-node removes nodes. A network that just deploy-node made goes too, if there are no nodes.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

leave_nodes=false
take_arguments '
    --yes yes flag
    --leave-nodes leave_nodes flag' "$@"

need_aws
nodes
nodes=$answer
if [ -n "$nodes" ] && ! $leave_nodes; then
    fail "there are nodes, which would not survive their next interruption: ${nodes//$'\n'/ }. First just destroy-node each of them, or pass --leave-nodes"
fi

# Rules first: without functions they would fill the dead-letter queue.
say "This will delete everything here that exists:"
say "  stack     durin-rules"
functions | while read -r name _; do
    say "  function  $name"
done
say "  stack     durin-release"
[ -n "$nodes" ] || say "  stack     durin-bucket, with what instances fetch from it"
say "  stack     durin-roles, with the functions' logs and the dead-letter queue"
[ -n "$nodes" ] || say "  stack     durin-network"
confirm "Go on?"

delete_stack durin-rules
while read -r name _; do
    ! is_there ResourceNotFoundException lambda delete-function --function-name "$name" || say "Function $name: deleted"
done < <(functions)
delete_stack durin-release
[ -n "$nodes" ] || delete_bucket
delete_stack durin-roles
[ -n "$nodes" ] || delete_stack durin-network

say ""
say "Durin is gone from $region. A pipeline of just deploy-image is still there and fails every week for want of the bucket, until just deploy-image --remove. These are yours and may be left: data volumes and their snapshots, hosted zones, and images,"
say "which nothing prunes any more:"
say "  aws ec2 describe-volumes --filters Name=tag:durin:volume,Values=data"
say "  aws ec2 describe-images --owners self --include-disabled --filters Name=tag-key,Values=durin:image-parameter"
