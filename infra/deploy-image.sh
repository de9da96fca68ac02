#!/usr/bin/env bash
# Has EC2 Image Builder bake an image for nodes every week: just deploy-image [--now] [OPTION…]
#
#   --arm64, --x86-64       the image's processors; x86-64 by default
#   --image-parameter PATH  the parameter whose next candidate each image is, if not /durin/image
#   --subnet ID             where to bake; it has to reach GitHub, S3 and Systems Manager; by default the network of the nodes
#   --security-group ID     a security group there, if you name a subnet
#   --now                   bake the first one at once; it takes about half an hour
#   --remove                remove the pipeline; images stay
#   --yes                   do not ask
#
# Run it again after just deploy, so that the next image has the newest durin-node and k3s.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
# shellcheck source-path=SCRIPTDIR source=image/versions.sh
. "$root/infra/image/versions.sh"

image_parameter=/durin/image subnet="" security_group="" zone="" now=false remove=false
take_arguments '
    --arm64 arm64 flag
    --x86-64 x86_64 flag
    --image-parameter image_parameter parameter
    --subnet subnet subnet
    --security-group security_group security-group
    --now now flag
    --remove remove flag
    --yes yes flag' "$@"
take_architecture
architecture=x86_64 type=t3.medium
! $arm64 || architecture=arm64 type=t4g.medium
# One for each parameter: /durin/image is durin-bake-durin-image.
stack=durin-bake$(printf '%s' "/${image_parameter#/}" | tr -c 'A-Za-z0-9' '-')

need_aws
# /images/k3s and /images-k3s have one stack name.
if stack_exists "$stack"; then
    stack_parameter "$stack" ImageParameter
    [ "$answer" = "$image_parameter" ] ||
        fail "the stack $stack is $answer's, and would be $image_parameter's too: give one of the two parameters another name"
fi
if $remove; then
    say "This will delete the stack $stack, if it exists. Images stay, and are published and removed as before."
    confirm "Go on?"
    delete_stack "$stack"
    exit
fi
bundle_of "$architecture"
find_network
# Whatever is baked has a name of its own, for each parameter: Image Builder never changes what has one, nor makes it twice.
content=$({ printf '%s' "$bundle $image_parameter" && cat "$root/infra/image/builder.yaml"; } | openssl dgst -sha256 -r | cut -c 1-12)
say "This will create or update:"
[ -n "$subnet" ] || say "  stack     durin-network: a VPC with one public subnet in $zone"
say "  stack     $stack: an Image Builder pipeline, on Sundays at 3 UTC, for images of $architecture that $image_parameter gets"
say "  role      for the instance that bakes: to fetch what it bakes in, and to be reached by Image Builder"
say "  price     half an hour of a $type a week, and the snapshots of the images (DEPLOY.md, 6)"
confirm "Go on?"
make_network
deploy_stack "$stack" image/builder.yaml "ImageParameter=$image_parameter" "Architecture=$architecture" "Bucket=$bucket" \
    "BundleSha256=$bundle" "Content=$content" "K3sVersion=$k3s_version" "InstanceType=$type" "SubnetId=$subnet" "SecurityGroupId=$security_group"
if $now; then
    stack_output "$stack" PipelineArn
    call imagebuilder start-image-pipeline-execution --image-pipeline-arn "$answer" --query imageBuildVersionArn --output text
    say "Image Builder bakes $answer. When it is done, Durin publishes it."
fi
say ""
say "The pipeline is there. An image in use now: aws ssm get-parameter --name $image_parameter"
