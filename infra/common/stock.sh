# A node on a stock image, which is provisioned at each boot: for trying out. `overrides` are the parameters of node.yaml.
# shellcheck shell=bash disable=SC2034,SC2154

# Sets image to Amazon's newest, which becomes a node at each boot.
take_stock_image() {
    architecture=x86_64
    ! $arm64 || architecture=arm64
    bundle_of "$architecture"
    call ssm get-parameter --name "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-$architecture" \
        --query Parameter.Value --output text
    image=$answer is_stock=true
    overrides+=("Bucket=$bucket" "BundleSha256=$bundle")
}

# For a node that is provisioned at each boot: goes on with the newest bundle, or ends that, once a baked image is there.
look_at_provisioning() {
    local parameter=$image_parameter owner
    stack_parameter "$stack" BundleSha256
    case $answer in '' | none) return ;; esac
    if [ -z "$parameter" ]; then
        stack_parameter "$stack" ImageParameter
        parameter=$answer
    fi
    call ssm get-parameter --name "$parameter" --query Parameter.Value --output text
    call ec2 describe-images --image-ids "$answer" --output text --query 'Images[0].[ImageOwnerAlias, Architecture]'
    IFS=$'\t' read -r owner architecture <<<"$answer"
    if [ "$owner" = amazon ]; then
        bundle_of "$architecture"
        is_stock=true
        overrides+=("Bucket=$bucket" "BundleSha256=$bundle")
    else
        say "The image of $parameter is a baked one by now, so nothing is provisioned at boot any more."
        overrides+=("BundleSha256=none")
    fi
}

# What a stock image means, as long as there is none of your own.
say_stock() {
    $is_stock || return 0
    say "It runs a stock Amazon Linux, which is for trying out: each instance first downloads k3s and is provisioned, minutes that an"
    say "interruption without a successor adds to the outage, and without GitHub and S3 no instance comes up. To bake an image:"
    say "  just deploy-image --now    and the same command as now, once it is published"
}
