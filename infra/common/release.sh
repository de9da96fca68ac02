# A release: the functions as archives that Lambda takes, and durin-node, each by its SHA-256.
# shellcheck shell=bash

# The version of this checkout, whose templates fit the release of that version and no other.
own_version() {
    sed -n 's/^version = "\([0-9][0-9A-Za-z.-]*\)"$/\1/p' "$root/Cargo.toml" | sed -n 1p
}

# Where releases are: DURIN_RELEASES, or those of the repository that this checkout comes from, on GitHub.
releases() {
    local origin
    if [ -n "${DURIN_RELEASES-}" ]; then
        echo "${DURIN_RELEASES%/}"
        return
    fi
    origin=$(git -C "$root" config --get remote.origin.url 2>/dev/null) || true
    case $origin in
    https://github.com/*) origin=${origin#https://github.com/} ;;
    git@github.com:*) origin=${origin#git@github.com:} ;;
    *) fail "this checkout does not come from GitHub, so set DURIN_RELEASES to the place of the releases, such as https://github.com/OWNER/NAME/releases/download" ;;
    esac
    origin=${origin%/}
    echo "https://github.com/${origin%.git}/releases/download"
}

# fetch_release VERSION ARCHITECTURE INTO: fetches the functions for Lambda's architecture and durin-node for each one, and
# believes no file whose SHA-256 is not in SHA256SUMS, nor that list, if GitHub's CLI is here and finds no provenance for it.
fetch_release() {
    local from name files=() there
    [ "$1" = "v$(own_version)" ] ||
        fail "the release $1 needs its own templates and scripts, and this checkout is v$(own_version): git checkout $1"
    command -v curl >/dev/null || fail "curl is missing, which fetches the release"
    from=$(releases)/$1
    while read -r name _; do
        files+=("$name-$2.zip")
    done < <(functions)
    files+=(durin-node-x86_64 durin-node-aarch64)
    for name in SHA256SUMS "${files[@]}"; do
        curl --fail --location --silent --show-error --retry 3 --output "$3/$name" "$from/$name" ||
            fail "$from/$name cannot be fetched: is $1 a release? Then run the same command again"
    done
    check_provenance "$from" "$3/SHA256SUMS"
    for name in "${files[@]}"; do
        there=$(openssl dgst -sha256 -r "$3/$name" | cut -d ' ' -f 1)
        grep -qxF -e "$there  $name" "$3/SHA256SUMS" ||
            fail "$name is not what SHA256SUMS of the release $1 says: fetch it again, and if it stays so, do not use this release"
    done
}

# check_provenance FROM FILE: that the repository's own workflow has made it.
check_provenance() {
    local repository=${1#https://github.com/}
    repository=${repository%%/releases/*}
    case $1 in https://github.com/*) ;; *) say "Not checked: the release's provenance, because it is not from GitHub." && return ;; esac
    if ! command -v gh >/dev/null; then
        say "Not checked: the release's provenance, for which GitHub's CLI is missing (gh attestation verify SHA256SUMS --repo $repository)."
        return
    fi
    gh attestation verify "$2" --repo "$repository" >/dev/null ||
        fail "GitHub knows of no workflow of $repository that has made SHA256SUMS: run gh auth login, and if it stays so, do not use this release"
}

# settings MANIFEST: sets memory, timeout, and variables, which are NAME=value a line, to what the manifest says.
settings() {
    memory=$(sed -n '/^\[package\.metadata\.lambda\.deploy\]$/,/^\[/s/^memory = \([0-9]*\)$/\1/p' "$1")
    timeout=$(sed -n '/^\[package\.metadata\.lambda\.deploy\]$/,/^\[/s/^timeout = \([0-9]*\)$/\1/p' "$1")
    variables=$(sed -n '/^\[package\.metadata\.lambda\.deploy\.env\]$/,/^\[[^p]/s/^\([A-Za-z0-9_]*\) = "\(.*\)"$/\1=\2/p' "$1")
}

# deploy_archive NAME MANIFEST ARCHIVE ARCHITECTURE MORE: has Lambda run the archive, as the manifest says, unless it does so. MORE
# are variables besides the manifest's, which are NAME=value a line.
deploy_archive() {
    local name=$1 archive=$3 architecture=$4 role variable asked="" wanted json="" count=0 memory timeout variables
    role=arn:$partition:iam::$account:role/$name-$region
    settings "$2"
    variables=$variables${variables:+$'\n'}$5
    wanted="$(openssl dgst -sha256 -binary "$archive" | openssl base64) provided.al2023 $role $memory $timeout $architecture"
    while read -r variable; do
        count=$((count + 1))
        asked="$asked, Environment.Variables.${variable%%=*}"
        wanted="$wanted ${variable#*=}"
        json="$json${json:+, }\"${variable%%=*}\": \"${variable#*=}\""
    done <<<"$variables"
    if is_there ResourceNotFoundException lambda get-function-configuration --function-name "$name" --output text --query \
        "[CodeSha256, Runtime, Role, MemorySize, Timeout, Architectures[0]$asked, length(keys(Environment.Variables || \`{}\`))]"; then
        if [ "$(tr '\t' ' ' <<<"$answer")" = "$wanted $count" ]; then
            say "Function $name: unchanged"
            return
        fi
        say "Function $name: deploy"
        call lambda update-function-code --function-name "$name" --zip-file "fileb://$archive" --architectures "$architecture"
        wait_for_function "$name"
        call lambda update-function-configuration --function-name "$name" --runtime provided.al2023 --role "$role" \
            --memory-size "$memory" --timeout "$timeout" --environment "{\"Variables\": {$json}}"
        wait_for_function "$name"
        return
    fi
    say "Function $name: deploy"
    for _ in 1 2 3 4 5 6; do
        try lambda create-function --function-name "$name" --runtime provided.al2023 --handler bootstrap --role "$role" \
            --zip-file "fileb://$archive" --architectures "$architecture" --memory-size "$memory" --timeout "$timeout" \
            --environment "{\"Variables\": {$json}}" && wait_for_function "$name" && return
        # IAM takes some seconds to make a new role known.
        case $answer in *"cannot be assumed"*) sleep 5 ;; *) break ;; esac
    done
    refused "the function $name could not be deployed"
}

# Lambda refuses a change while another is under way, for some seconds.
wait_for_function() {
    for _ in $(seq 60); do
        call lambda get-function-configuration --function-name "$1" --output text --query '[State, LastUpdateStatus]'
        case $answer in *Pending* | *InProgress*) sleep 2 ;; *) return 0 ;; esac
    done
    fail "Lambda is still changing the function $1: run the same command again in a minute"
}
