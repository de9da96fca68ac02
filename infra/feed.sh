#!/usr/bin/env bash
# Feeds an event to a function under just watch, as if it came now: just feed FUNCTION EVENT
#
# FUNCTION is one of functions/, such as node-resync; EVENT is a file, or one of events/, such as schedule.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

function="" event=""
take_arguments '
    FUNCTION function function
    EVENT event event' "$@"

need_toolchain
payload=$(cargo run --manifest-path "$root/Cargo.toml" --bin durin -- event "$event") || exit 1
need_cargo_lambda
cargo lambda invoke "durin-${function#durin-}" --invoke-address 127.0.0.1 --data-ascii "$payload" ||
    fail "no function has answered: is just watch running, and what does it show?"
