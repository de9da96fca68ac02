# A node on a stock image, which is provisioned at each boot: for trying out. `overrides` are the parameters of node.yaml.
# shellcheck shell=bash disable=SC2034,SC2154

# Sets image to Amazon's newest, which becomes a node at each boot.
take_stock_image() {
    architecture=x86_64
    ! $arm64 || architecture=arm64
    call ssm get-parameter --name "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-$architecture" \
        --query Parameter.Value --output text
    image=$answer
}

# is_stock_image OWNER NAME: whether it is Amazon's, as EC2 says, and has nothing of ours.
is_stock_image() {
    case $1=$2 in amazon=al2023-ami-*) ;; *) return 1 ;; esac
}

# provision_at_boot OWNER ARCHITECTURE NAME: has the node's instances fetch the newest bundle, if the image is Amazon's own,
# which has nothing of ours. It stays when a baked image follows: that one leaves it alone, and the next may be stock again.
provision_at_boot() {
    is_stock_image "$1" "$3" || return 0
    bundle_of "$2"
    is_stock=true
    overrides+=("Bucket=$bucket" "BundleSha256=$bundle")
}

# For a node that exists and keeps its image parameter: what that holds may be another image by now.
look_at_provisioning() {
    local owner name
    stack_parameter "$stack" ImageParameter
    # A stack of somebody's own, or an image parameter that is gone: nothing is known of the image.
    [ -n "$answer" ] || return 0
    is_there ParameterNotFound ssm get-parameter --name "$answer" --query Parameter.Value --output text || return 0
    call ec2 describe-images --image-ids "$answer" --output text --query 'Images[0].[ImageOwnerAlias, Architecture, Name]'
    IFS=$'\t' read -r owner architecture name <<<"$answer"
    provision_at_boot "$owner" "$architecture" "$name"
}

# What a stock image means, as long as there is none of your own.
say_stock() {
    $is_stock || return 0
    say "It runs a stock Amazon Linux, which is for trying out: each instance first downloads k3s and is provisioned, minutes that every"
    say "replacement adds to the outage, by an interruption as by a recommendation or a refresh, if the old instance has to go before the"
    say "new one is prepared; and without GitHub and S3 no instance comes up. To bake an image:"
    say "  just deploy-image --now    and nothing else: once it is published, the next instance is launched from it"
}
