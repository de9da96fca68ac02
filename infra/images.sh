#!/usr/bin/env bash
# Manages images: just prune-plan, just pin, just unpin and just rollback are `cargo operator` with your credentials.
#
#   infra/images.sh prune-plan|pin|unpin|rollback …    with the arguments of `cargo operator`
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

# `cargo operator` reads credentials from the environment and nowhere else, as the functions do. The AWS CLI knows
# profiles and single sign-on too; version 1 cannot export them, but has at least those that `aws configure` has
# written.
if [ -z "${AWS_ACCESS_KEY_ID:-}" ] && command -v aws >/dev/null; then
    case $(aws --version 2>&1) in
    aws-cli/1.*)
        AWS_ACCESS_KEY_ID=$(aws configure get aws_access_key_id || true)
        AWS_SECRET_ACCESS_KEY=$(aws configure get aws_secret_access_key || true)
        AWS_SESSION_TOKEN=$(aws configure get aws_session_token || true)
        [ -n "$AWS_SESSION_TOKEN" ] || unset AWS_SESSION_TOKEN
        export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY ${AWS_SESSION_TOKEN:+AWS_SESSION_TOKEN}
        ;;
    *)
        exported=$(aws configure export-credentials --format env) || exported=""
        eval "$exported"
        ;;
    esac
    [ -n "${AWS_ACCESS_KEY_ID:-}" ] ||
        fail "the AWS CLI has no credentials: run aws configure or aws sso login, or set AWS_PROFILE"
fi
if [ -z "${AWS_REGION:-}" ] && command -v aws >/dev/null; then
    need_region
fi
# Without the CLI, `cargo operator` names what is missing.

cd "$root"
exec cargo operator "$@"
