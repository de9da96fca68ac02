# The credentials and the region of the operator.
# shellcheck shell=bash

# `cargo operator` reads credentials from the environment and nowhere else, as the functions do. The AWS CLI knows
# profiles and single sign-on too; version 1 cannot export them, but has at least those that `aws configure` has
# written.
take_credentials() {
    if [ -z "${AWS_ACCESS_KEY_ID:-}" ] && command -v aws >/dev/null; then
        case $(aws --version 2>&1) in
        aws-cli/1.*)
            configured aws_access_key_id
            AWS_ACCESS_KEY_ID=$answer
            configured aws_secret_access_key
            AWS_SECRET_ACCESS_KEY=$answer
            configured aws_session_token
            AWS_SESSION_TOKEN=$answer
            [ -n "$AWS_SESSION_TOKEN" ] || unset AWS_SESSION_TOKEN
            export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY ${AWS_SESSION_TOKEN:+AWS_SESSION_TOKEN}
            ;;
        *)
            try configure export-credentials --format env || refused "the AWS CLI has no credentials"
            eval "$answer"
            ;;
        esac
        [ -n "${AWS_ACCESS_KEY_ID:-}" ] ||
            fail "the AWS CLI has no credentials: run aws configure or aws sso login, or set AWS_PROFILE"
    fi
    if [ -z "${AWS_REGION:-}" ] && command -v aws >/dev/null; then
        need_region
    fi
}
