# Calls of AWS. Each of them leaves what AWS answers in `answer`, in this shell and not in a subshell, whose end would not
# be the script's: so a call that fails ends the script, unless the caller expects just that refusal.
# shellcheck shell=bash

# For patterns such as @(AccessDenied|NotFound).
shopt -s extglob

# call ARGUMENT…: for everything that has to succeed.
call() {
    try "$@" || refused "aws $1 $2 fails"
}

# is_there CODE ARGUMENT…: the same, but false if AWS refuses with that code, which is a pattern.
is_there() {
    local code=$1
    shift
    ! try "$@" || return 0
    [[ $answer == *$code* ]] || refused "aws $1 $2 fails"
    return 1
}

# try ARGUMENT…: false if AWS refuses, with its words in answer.
try() {
    answer=$({ said=$(aws "$@" 2>&1 >&3) || { printf '%s\n' "$said" && exit 1; }; } 3>&1 </dev/null)
}

# refused WHAT: ends the script with what AWS has answered and what a person can do about it.
refused() {
    local said remedy
    said=$(printf '%s' "$answer" | tr -s '[:space:]' ' ')
    # Hundreds of characters that nobody can read.
    said=${said%% Encoded authorization failure message*}
    said=${said# }
    case $said in
    *"nable to locate credentials"* | *"nable to retrieve credentials"* | *"artial credentials"* | *"SSO"* | *oken*expired* | *"refresh failed"* | *ExpiredToken* | *InvalidClientTokenId* | \
        *UnrecognizedClient* | *InvalidAccessKeyId* | *AuthFailure* | *MissingAuthenticationToken* | *"credentials"*"expired"*)
        remedy="Set credentials that AWS accepts in ${region:-this region}: run aws configure or aws sso login, or set AWS_PROFILE"
        ;;
    *"local AWS does not have"*) remedy="The local AWS ends here: whatever comes next needs the real one" ;;
    *"valid region"* | *"rovided region_name"* | *"nvalid endpoint"*) remedy="AWS_REGION has to be a region, such as eu-central-1" ;;
    *"config profile"*"could not be found"*) remedy="AWS_PROFILE has to be one of those that aws configure list-profiles lists" ;;
    *RequestExpired* | *SignatureDoesNotMatch* | *InvalidSignature* | *"ignature expired"* | *"ignature not yet current"*)
        remedy="Is this machine's clock right, and the secret access key whole? Then run the same command again"
        ;;
    *"ould not connect"* | *"ailed to connect"* | *"imeout on endpoint"* | *"onnection was closed"* | *"onnection aborted"* | *"SSL validation"*)
        remedy="Look whether this machine has a network, and whether ${region:-AWS_REGION} is a region; then $again"
        [ -z "${AWS_ENDPOINT_URL-}" ] || remedy="Look whether something listens there, because AWS_ENDPOINT_URL is set, or unset it; then $again"
        ;;
    *AccessDenied* | *UnauthorizedOperation* | *"not authorized"* | *AuthorizationError* | *NotAuthorized*)
        remedy="Your credentials may not do that: get the permission, or set others (AWS_PROFILE); then $again"
        ;;
    *Throttl* | *RequestLimitExceeded* | *"ate exceeded"* | *TooManyRequests* | *ServiceUnavailable* | *Internal*)
        remedy="Wait a minute, and $again"
        ;;
    *) remedy="Once you have fixed that, $again" ;;
    esac
    said=${said:-the AWS CLI does not say why}
    fail "$1: ${said%.}. $remedy"
}

# What a person types after a failure.
again="run the same command again, which resumes where this has ended"
