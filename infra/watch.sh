#!/usr/bin/env bash
# Runs the functions against the local AWS of just serve --no-functions, reloading as you edit: just watch [--endpoint URL]
#
#   --endpoint URL  where it is served, if not at http://127.0.0.1:4566
#
# just feed feeds them. cargo-lambda gives each invocation a deadline in 1970, so a function that has to wait fails with
# Durin.OutOfTime: feed it again.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

endpoint=http://127.0.0.1:4566
take_arguments '
    --endpoint endpoint endpoint' "$@"

command -v curl >/dev/null || fail "curl is missing"
curl --silent --output /dev/null --max-time 5 "$endpoint" ||
    fail "no world is served at $endpoint: start one with just serve --no-functions"

need_toolchain
need_cargo_lambda
cd "$root"
export AWS_ENDPOINT_URL=$endpoint AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=durin-watch AWS_SECRET_ACCESS_KEY=any
exec cargo lambda watch --invoke-address 127.0.0.1
