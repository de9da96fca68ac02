#!/usr/bin/env bash
# Builds the functions for Lambda, into target/lambda/: just build [--arm64 | --x86-64]
#
#   --arm64, --x86-64  Lambda's processors; arm64 by default, x86-64 where the toolchain lacks the target

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

architecture=""
while [ $# -gt 0 ]; do
    case $1 in
    --arm64 | --x86-64) architecture=$1 ;;
    *) usage "unknown: $1" ;;
    esac
    shift
done

need_cargo_lambda
choose_architecture
build_functions
while read -r name _; do
    printf '%9d bytes  target/lambda/%s/bootstrap\n' "$(wc -c <"$root/target/lambda/$name/bootstrap")" "$name"
done < <(functions)
