# What the image has of others, by version and SHA-256: k3s-io/k3s's release assets `k3s` and `k3s-arm64`, as the release's
# sha256sum-amd64.txt and sha256sum-arm64.txt have them. A new version is new lines here; `just bake` says if they do not fit.
# shellcheck shell=sh disable=SC2034
k3s_version=v1.36.4+k3s1
k3s_sha256_x86_64=835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f
k3s_sha256_aarch64=c920706346d5ad4e5cd3c7bf1bb09ce71ebe07fec829e513e40f1caf98aed8bb
