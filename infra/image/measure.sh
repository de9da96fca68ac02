#!/bin/bash
# Tells CloudWatch how full the disks are, and how large k3s's datastore is: the alarms of infra/node.yaml watch both.
# durin-measure.timer runs it, every five minutes. With the AWS CLI, which Amazon Linux has; elsewhere install it.

set -euo pipefail
volume=${1:-/data}

ask() {
    curl --silent --show-error --fail --max-time 5 "$@"
}
token=$(ask --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
metadata() {
    ask --header "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"
}

# The fuller of both, by its bytes or by its files (inodes, of which an xfs or a btrfs may say none): at 100 % of either, on
# either, nothing works.
used=$(df --output=pcent,ipcent "$volume" / | tr -s ' %' '\n' | grep -x '[0-9]*' | sort -n | tail -n 1)
# With its write-ahead log, which may go while this looks. A new volume has no datastore, and is measured all the same.
size=$({ find "$volume/k3s/server/db" -maxdepth 1 -name 'state.db*' -printf '%s\n' 2>/dev/null || true; } | awk '{ sum += $1 } END { print sum + 0 }')
node=$(metadata tags/instance/Name)
region=$(metadata placement/region)
dimension="Node=$node"
aws cloudwatch put-metric-data --region "$region" --namespace Durin/Node --metric-name DiskUsed --unit Percent \
    --value "$used" --dimensions "$dimension"
aws cloudwatch put-metric-data --region "$region" --namespace Durin/Node --metric-name DatastoreSize --unit Bytes \
    --value "$size" --dimensions "$dimension"
