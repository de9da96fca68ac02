# What a person types, checked as a whole before anything is done or fetched. `take_arguments` is the way in.
# shellcheck shell=bash

# take_arguments SPECIFICATION ARGUMENT…: sets a variable for each argument, prints the help, or ends with status 2 and
# one sentence. A line of the specification names what is typed, the variable, and the kind of the value (see is_a). It is
# typed before the value, and optional, if it begins with dashes; otherwise the value stands alone, in this order, and has
# to be there. `flag` has no value; `words` are all that is left, joined by spaces; a kind with a + may be repeated, and
# its values are joined by spaces.
take_arguments() {
    local specification=$1 typed value declared variable kind seen=" "
    shift
    for value in "$@"; do
        case $value in --help | -h) help && exit 0 ;; esac
    done
    while [ $# -gt 0 ]; do
        case $1 in
        --*=*)
            declared=$(declaration "$specification" "${1%%=*}")
            [ "${declared##* }" != flag ] || not_understood "${1%%=*} takes no value"
            set -- "${1%%=*}" "${1#*=}" "${@:2}"
            ;;
        esac
        typed=$1
        case $typed in
        -?*)
            declared=$(declaration "$specification" "$typed")
            [ -n "$declared" ] || not_understood "there is no option $typed"
            shift
            ;;
        *)
            declared=$(next_positional "$specification" "$seen")
            [ -n "$declared" ] || not_understood "\"$typed\" is one argument too many"
            ;;
        esac
        read -r typed variable kind <<<"$declared"
        case $kind$seen in
        *+\ * | words\ *) ;;
        *" $typed "*) not_understood "$typed is there twice" ;;
        esac
        seen="$seen$typed "
        if [ "$kind" = flag ]; then
            printf -v "$variable" true
            continue
        fi
        case ${1-} in
        '' | --*) is_a "${kind%+}" "" || not_understood "$typed has no value, and has to be $expected" ;;
        esac
        [ "$kind" = words ] || is_a "${kind%+}" "$1" || not_understood "$typed is \"${1:0:80}\", and has to be $expected"
        case $kind in
        *+ | words) printf -v "$variable" %s "${!variable:+${!variable} }$1" ;;
        *) printf -v "$variable" %s "$1" ;;
        esac
        shift
    done
    declared=$(next_positional "$specification" "$seen")
    read -r typed variable kind <<<"$declared"
    case $declared-$seen in
    -*) ;;
    *-*" $typed "*) is_a "$kind" "${!variable}" || not_understood "$typed is \"${!variable:0:80}\", and has to be $expected" ;;
    *) is_a "$kind" "" || not_understood "$typed is missing, and has to be $expected" ;;
    esac
}

# The script's header.
help() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
}

# not_understood TEXT…: ends with a sentence about the arguments, before anything was done.
not_understood() {
    printf 'error: %s (%s --help lists all)\n' "$*" "${command:-just $(basename "$0" .sh)}" >&2
    exit 2
}

# declaration SPECIFICATION OPTION: the option's line, or nothing.
declaration() {
    local typed rest
    while read -r typed rest; do
        [ "$typed" != "$2" ] || printf '%s %s' "$typed" "$rest"
    done <<<"$1"
}

# next_positional SPECIFICATION SEEN: the line of the first that has not been seen and is no option, or nothing.
next_positional() {
    local typed variable kind
    while read -r typed variable kind; do
        case $typed in -* | '') continue ;; esac
        case $kind$2 in
        words*) ;;
        *" $typed "*) continue ;;
        esac
        printf '%s %s %s' "$typed" "$variable" "$kind"
        return
    done <<<"$1"
}

# named PATH…: the names of files or folders, in a sentence.
named() {
    local path all=""
    for path in "$@"; do
        path=${path##*/}
        all="$all, ${path%.json}"
    done
    printf %s "${all#, }"
}

# is_a KIND VALUE: whether it is one. Sets expected to how one is written. Where AWS reads text as a pattern, these leave
# out what it would read so.
is_a() {
    # Ranges such as a-z mean what they say in this locale alone.
    local LC_ALL=C pattern most=1011 id='([0-9a-f]{8}|[0-9a-f]{17})$'
    case $1 in
    node) pattern='^[a-z][a-z0-9-]{0,62}$' expected="a node's name: lower-case letters, digits and dashes, a letter first, at most 63" ;;
    group) pattern='^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' expected="the name of a node's Auto Scaling group: letters, digits and ._-, at most 128" ;;
    image) pattern="^ami-$id" expected="an image id: ami- and 8 or 17 hexadecimal digits" ;;
    volume) pattern="^vol-$id" expected="a volume id: vol- and 8 or 17 hexadecimal digits" ;;
    snapshot) pattern="^snap-$id" expected="a snapshot id: snap- and 8 or 17 hexadecimal digits" ;;
    subnet) pattern="^subnet-$id" expected="a subnet id: subnet- and 8 or 17 hexadecimal digits" ;;
    security-group) pattern="^sg-$id" expected="a security group id: sg- and 8 or 17 hexadecimal digits" ;;
    # Parameter Store takes /k3s and k3s for one name, and refuses durin/image.
    parameter) pattern='^(/?[A-Za-z0-9_.-]+|(/[A-Za-z0-9_.-]+)+)$' expected="a parameter's name, such as /durin/image: letters, digits and _.-, with a / before each part" ;;
    hosted-zone) pattern='^Z[0-9A-Z]{1,31}$' expected="a hosted zone's id: Z and at most 31 capital letters and digits" ;;
    public-zone) pattern='^(none|Z[0-9A-Z]{1,31})$' expected="a hosted zone's id, Z and at most 31 capital letters and digits; or none" ;;
    kubernetes-node) most=253 pattern='^[a-z]([a-z0-9.-]*[a-z0-9])?$' expected="a node's name in Kubernetes: lower-case letters, digits, dots and dashes, a letter first" ;;
    record) most=253 pattern='^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)+\.?$' expected="a host name, such as k3s.example.internal: letters, digits, dashes and underscores, with dots between" ;;
    email) most=254 pattern='^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$' expected="an address, such as you@example.org" ;;
    instance-type) pattern='^[a-z0-9-]+\.[a-z0-9-]+$' expected="an instance type, such as t3.medium" ;;
    availability-zone) pattern='^[a-z]{2}(-[a-z0-9]+)+[a-z]$' expected="an availability zone, such as eu-central-1a" ;;
    endpoint) pattern='^http://(127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}/?$' expected="a place on this machine, such as http://127.0.0.1:4566" ;;
    boolean) pattern='^(true|false)$' expected="true or false" ;;
    release) most=64 pattern='^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$' expected="a release, such as v$(own_version)" ;;
    log-level) pattern='^(error|warn|info|debug|trace)$' expected="error, warn, info, debug or trace" ;;
    profile) pattern='^[A-Za-z][A-Za-z0-9+=,.@_-]{0,127}$' expected="an instance profile's name: letters, digits and +=,.@_-, a letter first" ;;
    probe) pattern='^[a-z][a-z0-9]*(-[a-z0-9]+)+$' expected="a probe's name, as just prove --list has it" ;;
    drill) pattern='^(interruption|termination)$' expected="interruption or termination" ;;
    folder) pattern='.' expected="a folder that exists" && { [ -d "$2" ] || return 1; } ;;
    # In this locale the letters of other languages are neither.
    words) pattern='[^[:space:][:punct:]]' expected="some words" ;;
    function) pattern='^[a-z-]+$' expected="one of $(named "$root"/functions/*)" && { [ -f "$root/functions/${2#durin-}/Cargo.toml" ] || return 1; } ;;
    event) pattern='.' expected="a file, or one of $(named "$root"/events/*.json)" && { [ -f "$2" ] || [ -f "$root/events/${2%.json}.json" ] || return 1; } ;;
    number:*)
        local least=${1#number:}
        most=${least#*:}
        least=${least%:*} pattern='^(0|[1-9][0-9]{0,8})$' expected="a whole number from $least to $most"
        [[ $2 =~ $pattern ]] && [ "$2" -ge "$least" ] && [ "$2" -le "$most" ]
        return
        ;;
    *) fail "there is no kind $1 of argument" ;;
    esac
    [[ $2 =~ $pattern ]] && [ ${#2} -le "$most" ]
}
