#!/usr/bin/env bash
# Builds the functions for Lambda, into target/lambda/: just build [--arm64 | --x86-64]
#
#   --arm64, --x86-64  Lambda's processors; arm64 by default, x86-64 where the toolchain lacks the target

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

take_arguments '
    --arm64 arm64 flag
    --x86-64 x86_64 flag' "$@"
take_architecture

need_toolchain
need_cargo_lambda
choose_architecture
build_functions
while read -r name _; do
    printf '%9d bytes  target/lambda/%s/bootstrap\n' "$(wc -c <"$root/target/lambda/$name/bootstrap")" "$name"
done < <(functions)
