#!/usr/bin/env bash
# Deploys Durin's functions to a region, once for all of its nodes: just deploy [--yes] [--x86-64] …
#
#   --yes              do not ask
#   --arm64, --x86-64  Lambda's processors; arm64 by default, x86-64 where the toolchain lacks the target
#   --log-level LEVEL  how much the functions log: info, or debug for every API call
#   --hosted-zone ID   let the functions write A records in this zone too, and in all earlier ones still; just deploy-node
#                      adds the zones of its nodes. You may repeat this option
#   --release VERSION  deploy the functions of that release, such as v0.1.0, which needs no toolchain; git checkout it first
#   --binaries DIR     deploy the binaries in there instead of building: DIR/durin-node-lifecycle, …; and DIR/durin-node-x86_64
#                      or DIR/durin-node-aarch64, if instances are to be provisioned
#
# Run it again after a change or a failure: it resumes from what exists, and leaves alone what has not changed.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

binaries="" release="" log_level=info hosted_zones=""
take_arguments '
    --yes yes flag
    --arm64 arm64 flag
    --x86-64 x86_64 flag
    --log-level log_level log-level
    --hosted-zone hosted_zones hosted-zone+
    --release release release
    --binaries binaries folder' "$@"
take_architecture
[ -z "$release" ] || [ -z "$binaries" ] || not_understood "--release and --binaries exclude each other"
if [ -n "$binaries" ]; then
    binaries=$(cd "$binaries" && pwd)
    for name in $(functions | cut -d ' ' -f 1); do
        [ -s "$binaries/$name" ] || not_understood "--binaries is \"$binaries\", where there is no $name: build one binary a function there"
    done
fi
# shellcheck disable=SC2206
zones=($hosted_zones)

need_tools() {
    command -v openssl >/dev/null || fail "openssl is missing: it shows whether a function's code has changed"
    [ -z "$release" ] || return 0
    need_toolchain
    [ -n "$binaries" ] || choose_architecture
}

# Collects the zones that the roles will name. A tag opens no zone, so a person has to name the zone of every node.
settle_zones() {
    local there nodes zone node
    allowed_zones
    there=$answer
    zones_of_nodes
    nodes=$answer
    for zone in $there; do
        zones+=("$zone")
    done
    while IFS=$'\t' read -r zone node; do
        [ -z "$zone" ] || printf '%s\n' ${zones[@]+"${zones[@]}"} | grep -qxF -e "$zone" ||
            fail "the node $node is in the hosted zone $zone, in which the functions may not write. If the zone is yours and they should, pass --hosted-zone $zone; else correct the tag durin:hosted-zone-id of the Auto Scaling group $node"
    done <<<"$nodes"
}

plan() {
    [ -n "$release" ] || has_cargo_lambda || say "This will fetch cargo-lambda, 470 MB, from PyPI into target/tools."
    [ -z "$release" ] || say "This will fetch the release $release from $(releases)."
    say "This will create or update the following, except for what has not changed:"
    local name
    for name in durin-roles durin-release durin-bucket durin-rules; do
        stack_status "$name"
        say "  stack     $name ($answer)"
    done
    functions | while read -r name _; do
        say "  function  $name"
    done
    say "The functions may write A records in these hosted zones: ${zones[*]:-none yet; just deploy-node adds the zone of its node}"
}

binary_of() {
    if [ -n "$binaries" ]; then echo "$binaries/$1"; else echo "$root/target/lambda/$1/bootstrap"; fi
}

# A value out of cargo-lambda's JSON, which has one a line; the manifest's environment variables, as NAME=value.
field() {
    sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p"
}
variables() {
    sed -n '/^ *"env_var": \[$/,/\]/s/^ *"\([A-Za-z0-9_]*=.*\)",\{0,1\}$/\1/p'
}

deploy_function() {
    local name=$1 manifest=$2 role said wanted zip asked count=0 variable
    role=arn:$partition:iam::$account:role/$name-$region
    mkdir -p "$work/$name"
    cp "$(binary_of "$name")" "$work/$name/bootstrap"
    # Always the same time, so that the same code makes the same archive, which Lambda identifies by its hash.
    TZ=UTC touch -t 202001010000 "$work/$name/bootstrap"
    # In a file: as an option it would take the place of the manifest's variables, not join them.
    more_variables "$name" >"$work/$name/environment"
    # The architecture is read from the binary.
    set -- deploy "$name" --manifest-path "$manifest" --binary-path "$work/$name/bootstrap" --runtime provided.al2023 \
        --role "$role" --env-file "$work/$name/environment" --output-format json
    said=$(cargo lambda "$@" --dry) || fail "cargo-lambda cannot pack $name"
    zip=$(field path <<<"$said")
    wanted="$(openssl dgst -sha256 -binary "$zip" | openssl base64) provided.al2023 $role"
    wanted="$wanted $(field memory <<<"$said") $(field timeout <<<"$said") $(field arch <<<"$said")"
    # One by one, because Lambda lists them in any order.
    asked=""
    while read -r variable; do
        count=$((count + 1))
        asked="$asked, Environment.Variables.${variable%%=*}"
        wanted="$wanted ${variable#*=}"
    done < <(variables <<<"$said" && cat "$work/$name/environment")
    if is_there ResourceNotFoundException lambda get-function-configuration --function-name "$name" --output text --query \
        "[CodeSha256, Runtime, Role, MemorySize, Timeout, Architectures[0]$asked, length(keys(Environment.Variables || \`{}\`))]" &&
        [ "$(tr '\t' ' ' <<<"$answer")" = "$wanted $count" ]; then
        say "Function $name: unchanged"
        return
    fi
    say "Function $name: deploy"
    for _ in 1 2 3 4 5 6; do
        answer=$(cargo lambda "$@" 2>&1) && return
        # IAM takes some seconds to make a new role known.
        case $answer in *"cannot be assumed"*) sleep 5 ;; *) break ;; esac
    done
    refused "the function $name could not be deployed"
}

# What a function is deployed with besides its manifest's variables, as NAME=value.
more_variables() {
    echo "RUST_LOG=$log_level"
    # The others send no command to an instance.
    case $1 in durin-ami-*) ;; *) echo "DURIN_DOCUMENTS=$documents" ;; esac
}

# Which version of each document the functions send, and its hash: what somebody makes of the documents later, they do not.
settle_documents() {
    local name
    documents=""
    for name in durin-prepared durin-release durin-resume durin-serves; do
        call ssm describe-document --name "$name" --output text --query "Document.[DocumentVersion, Hash]"
        documents=$documents${documents:+,}$name:${answer//[[:space:]]/:}
    done
}

report_volumes() {
    local volume node
    call autoscaling describe-auto-scaling-groups --filters Name=tag-key,Values=durin:volume-id --output text \
        --query "AutoScalingGroups[].[Tags[?Key=='durin:volume-id'].Value | [0], AutoScalingGroupName]"
    [ -n "$answer" ] || return 0
    while IFS=$'\t' read -r volume node; do
        report_volume "$volume" "$node"
    done <<<"$answer"
}

need_aws
need_tools
settle_zones
plan
confirm "Go on?"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "$release" ]; then
    # arm64 by default, which costs a fifth less.
    lambdas=arm64
    [ "$architecture" != --x86-64 ] || lambdas=x86_64
    mkdir "$work/release"
    fetch_release "$release" "$lambdas" "$work/release"
    binaries=$work/release
else
    need_cargo_lambda
    if [ -z "$binaries" ]; then
        build_functions
        build_durin_node
    fi
fi
make_bundles "${binaries:-$root/target/node}" "$work/bundles"
[ -n "$bundles" ] || say "There is no durin-node for instances to fetch, so a node needs an image of yours that has it."
deploy_stack durin-roles roles.yaml "HostedZoneArns=$(zone_arns ${zones[@]+"${zones[@]}"})"
deploy_stack durin-release release.yaml
settle_documents
while read -r name manifest; do
    # The list of functions is on standard input, which the commands in here must not read.
    if [ -n "$release" ]; then
        deploy_archive "$name" "$manifest" "$work/release/$name-$lambdas.zip" "$lambdas" "$(more_variables "$name")" </dev/null
    else
        deploy_function "$name" "$manifest" </dev/null
    fi
done < <(functions)
deploy_bundles
deploy_stack durin-rules rules.yaml

say ""
report_volumes
stack_output durin-rules AlarmTopicArn
say "Durin is deployed in $region. Next:"
say "  just deploy-node NAME …    a node; --help lists the options"
say "  aws sns subscribe --protocol email --notification-endpoint YOU --topic-arn $answer"
