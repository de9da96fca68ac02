# The bundles: what makes a machine a node (infra/image), in the bucket from which instances fetch it.
# shellcheck shell=bash

# make_bundles FOLDER INTO: packs one for each architecture for which the folder has a durin-node. Sets bundles to a line each:
# how AWS calls the architecture, the file, its SHA-256. The folder may have none.
make_bundles() {
    local architecture file
    bundles=""
    for architecture in x86_64 aarch64; do
        [ -e "$1/durin-node-$architecture" ] || continue
        file=$(DURIN_NODE_BINARIES=$1 "$root/infra/image/bundle.sh" "$2" "$architecture") ||
            fail "the bundle for $architecture cannot be packed"
        bundles="$bundles${bundles:+$'\n'}${architecture/aarch64/arm64} $file $(openssl dgst -sha256 -r "$file" | cut -d ' ' -f 1)"
    done
}

# The name of the parameter and output of durin-bucket that has an architecture's SHA-256.
bundle_key() {
    case $1 in
    x86_64) echo BundleX8664 ;;
    arm64) echo BundleArm64 ;;
    esac
}

# deploy_bundles: makes the bucket, and puts there what make_bundles has packed, unless it is there.
deploy_bundles() {
    local architecture file sha parameters=() bucket
    while read -r architecture file sha; do
        [ -z "$architecture" ] || parameters+=("$(bundle_key "$architecture")=$sha")
    done <<<"$bundles"
    deploy_stack durin-bucket bucket.yaml ${parameters[@]+"${parameters[@]}"}
    stack_output durin-bucket Bucket
    bucket=$answer
    while read -r architecture file sha; do
        [ -n "$architecture" ] || continue
        if is_there 404 s3api head-object --bucket "$bucket" --key "instances/$sha.tar"; then
            say "Bundle for $architecture: unchanged"
        else
            say "Bundle for $architecture: put into $bucket"
            call s3api put-object --bucket "$bucket" --key "instances/$sha.tar" --body "$file"
        fi
    done <<<"$bundles"
}

# bundle_of ARCHITECTURE: sets bucket, and bundle to the SHA-256 of the newest one there, or fails.
bundle_of() {
    stack_exists durin-bucket || fail "there is no bucket for instances to fetch from: first just deploy"
    stack_output durin-bucket Bucket
    # shellcheck disable=SC2034
    bucket=$answer
    stack_output durin-bucket "$(bundle_key "$1")"
    # shellcheck disable=SC2034
    bundle=$answer
    [ -n "$answer" ] || fail "durin-node was not built for $1 when the functions were deployed: rustup target add ${1/arm64/aarch64}-unknown-linux-musl, and just deploy"
}

# Deletes the bucket with all that is in it, in every version.
delete_bucket() {
    local bucket key version
    stack_exists durin-bucket || { delete_stack durin-bucket && return; }
    stack_output durin-bucket Bucket
    bucket=$answer
    if is_there NoSuchBucket s3api list-object-versions --bucket "$bucket" --output text \
        --query '[Versions, DeleteMarkers][][].[Key, VersionId]'; then
        while IFS=$'\t' read -r key version; do
            case $key in '' | None) continue ;; esac
            call s3api delete-object --bucket "$bucket" --key "$key" --version-id "$version"
        done <<<"$answer"
    fi
    delete_stack durin-bucket
}
