#!/usr/bin/env bash
# Bakes an image for nodes with Packer: just bake [--arm64] [OPTION…]
#
#   --arm64, --x86-64       the image's processors; x86-64 by default
#   --image-parameter PATH  the parameter whose next candidate the image is, if not /durin/image
#   --instance-type TYPE    what bakes; t3.medium, or t4g.medium for arm64
#   --subnet ID             where to bake, if not in the default VPC
#   --check                 look at the template, and bake nothing
#
# It costs some minutes of an instance, and the image's snapshot. Durin publishes the image when it is done. just deploy-image
# has AWS do the same every week.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
# shellcheck source-path=SCRIPTDIR source=image/versions.sh
. "$root/infra/image/versions.sh"

image_parameter=/durin/image instance_type="" subnet="" check=false
take_arguments '
    --arm64 arm64 flag
    --x86-64 x86_64 flag
    --image-parameter image_parameter parameter
    --instance-type instance_type instance-type
    --subnet subnet subnet
    --check check flag' "$@"
take_architecture
command -v packer >/dev/null || fail "Packer is missing: https://developer.hashicorp.com/packer/install. Without it, just deploy-image bakes in AWS"
need_toolchain
need_region
machine=x86_64 architecture=x86_64 type=t3.medium
! $arm64 || machine=aarch64 architecture=arm64 type=t4g.medium
[ -d "$(cd "$root" && rustc --print target-libdir --target "$machine-unknown-linux-musl")" ] ||
    fail "the Rust toolchain cannot build durin-node for $architecture: rustup target add $machine-unknown-linux-musl"
"$root/infra/node/build.sh"
bundle=$("$root/infra/image/bundle.sh" "$root/target/image" "$machine")
set -- -var "bundle=$bundle" -var "architecture=$architecture" -var "image_parameter=$image_parameter" -var "k3s_version=$k3s_version" \
    -var "region=$region" -var "instance_type=${instance_type:-$type}" ${subnet:+-var "subnet_id=$subnet"}
cd "$root/infra/image"
packer init .
packer validate "$@" .
$check || packer build "$@" .
