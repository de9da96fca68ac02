#!/usr/bin/env bash
# Applies what a node's cluster needs (infra/cluster) to it: just apply NAME [OPTION…]. kubectl has to reach the node (DEPLOY.md, 4).
#
#   --xmpp-domain NAME  also the example, an XMPP server for this domain, which has to be in the zone that you gave
#                       just deploy-node with --certificate-zone
#   --email ADDRESS     where Let's Encrypt writes about certificates; for the example
#   --node-name NAME    the node's name in Kubernetes, if it is not NAME because you brought an existing server along
#   --print             print the manifests instead, for a repository of yours; asks no cluster
#   --yes               do not ask
#
# Run it again after a change; it removes nothing.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

xmpp_domain="" email="" node_name="" print=false
take_arguments '
    NAME node node
    --xmpp-domain xmpp_domain record
    --email email email
    --node-name node_name kubernetes-node
    --print print flag
    --yes yes flag' "$@"
[ -z "$xmpp_domain" ] || [ -n "$email" ] || not_understood "--xmpp-domain needs --email"
xmpp_domain=${xmpp_domain%.}
stack=durin-node-$node

# What the node's stack says, which is what its role may do.
look_at_node() {
    stack_exists "$stack" || fail "there is no node $node here: first just deploy-node $node"
    stack_output "$stack" HostedZoneId
    zone=$answer
    stack_parameter "$stack" RecordName
    record=$answer
    stack_parameter "$stack" ServiceNames
    service_names=$answer
    stack_parameter "$stack" CertificateZoneId
    certificate_zone=$answer
    stack_parameter "$stack" EbsCsi
    ebs_csi=$answer
    [ "$service_names" = true ] ||
        fail "the node may not write its services' names: just deploy-node $node --service-names true"
    [ -z "$xmpp_domain" ] || [ -n "$certificate_zone" ] ||
        fail "the node may not prove that $xmpp_domain is yours: just deploy-node $node --certificate-zone Z…, the public zone that $xmpp_domain is in"
}

# refuse_a_namesake NODE: another region or account may have a cluster whose node is called so. durin-node leaves in it which
# instance serves.
refuse_a_namesake() {
    local instance
    instance=$(kubectl get node "$1" --output 'jsonpath={.metadata.annotations.durin/instance}' </dev/null) ||
        fail "kubectl does not say which instance serves as the node $1: run the same command again"
    [ -n "$instance" ] || { say "note: nothing in the cluster says which instance serves, so this may be another node $1" && return; }
    call autoscaling describe-auto-scaling-groups --auto-scaling-group-names "$node" --output text \
        --query "AutoScalingGroups[0].Instances[?InstanceId=='$instance'].InstanceId"
    [ "$answer" = "$instance" ] ||
        fail "the cluster that kubectl reaches is served by $instance, which is no instance of the group $node in $region: set KUBECONFIG to the node's. If the node has just moved, wait a minute, and run the same command again"
}

# write_overlay NAME TEXT: a kustomization over a folder of infra/cluster, for this node. Sets overlay to its path.
write_overlay() {
    overlay=$root/target/cluster/$node/$1
    mkdir -p "$overlay"
    cat >"$overlay/kustomization.yaml"
}

write_overlays() {
    write_overlay platform <<PLATFORM
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../../../infra/cluster/platform
$([ "$ebs_csi" != true ] || echo "  - ../../../../infra/cluster/ebs-csi")
configMapGenerator:
  - name: settings
    namespace: external-dns
    literals:
      - NODE=$node
      - REGION=$region
      - SERVICE_ZONE_ID=$zone
$([ "$ebs_csi" != true ] || cat <<EBS
replacements:
  - source:
      kind: ConfigMap
      name: settings
      fieldPath: data.REGION
    targets:
      - select:
          kind: HelmChart
          name: aws-ebs-csi-driver
        fieldPaths: [spec.set.controller\\.region]
        options:
          create: true
EBS
)
PLATFORM
    [ -n "$xmpp_domain" ] || return 0
    write_overlay services <<SERVICES
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../../../infra/cluster/services
patches:
  - target:
      kind: ClusterIssuer
    patch: |-
      - {op: replace, path: /spec/acme/email, value: "$email"}
      - {op: replace, path: /spec/acme/solvers/0/dns01/route53/region, value: "$region"}
      - {op: replace, path: /spec/acme/solvers/0/dns01/route53/hostedZoneID, value: "$certificate_zone"}
  - target:
      kind: Certificate
    patch: |-
      - {op: replace, path: /spec/dnsNames/0, value: "$xmpp_domain"}
  - target:
      kind: Service
    patch: |-
      - {op: replace, path: /metadata/annotations/external-dns.alpha.kubernetes.io~1hostname, value: "xmpp.${record#*.}"}
      - {op: replace, path: /metadata/annotations/external-dns.alpha.kubernetes.io~1target, value: "$record"}
  - target:
      kind: Deployment
    patch: |-
      - {op: replace, path: /spec/template/spec/containers/0/env/0/value, value: "$xmpp_domain"}
SERVICES
}

# of_cluster WHAT ARGUMENT…: kubectl, of whose failure a sentence is made.
of_cluster() {
    local what=$1
    shift
    kubectl "$@" </dev/null || fail "$what. Look whether kubectl get nodes answers, and run the same command again"
}

# in_host_network NAMESPACE DEPLOYMENT PATCH: waits for what a chart makes, and patches it.
in_host_network() {
    for _ in $(seq 120); do
        if kubectl --namespace "$1" get deployment "$2" >/dev/null 2>&1 </dev/null; then
            of_cluster "the deployment $2 could not be patched" --namespace "$1" patch deployment "$2" --type strategic --patch-file "$root/infra/cluster/$3"
            return
        fi
        sleep 5
    done
    fail "the chart that makes $2 is not there after ten minutes: kubectl --namespace kube-system get helmcharts,jobs,pods"
}

command -v kubectl >/dev/null || fail "kubectl is missing: https://kubernetes.io/docs/tasks/tools/"
if $print; then need_aws >/dev/null; else need_aws; fi
zone="" record="" service_names="" certificate_zone="" ebs_csi="" overlay=""
look_at_node
write_overlays
overlays=$root/target/cluster/$node
if $print; then
    kubectl kustomize "$overlays/platform"
    [ -z "$xmpp_domain" ] || { echo --- && kubectl kustomize "$overlays/services"; }
    {
        say "Charts make the rest, which then needs the host's network, or it gets no credentials. Once they are there:"
        say "  kubectl --namespace cert-manager patch deployment cert-manager --type strategic --patch-file infra/cluster/cert-manager-in-host-network.yaml"
        [ "$ebs_csi" != true ] ||
            say "  kubectl --namespace kube-system patch deployment ebs-csi-controller --type strategic --patch-file infra/cluster/ebs-csi-in-host-network.yaml"
    } >&2
    exit
fi
nodes=$(kubectl get nodes --output name </dev/null) || fail "kubectl does not reach the cluster: DEPLOY.md, 4, says how"
[ "$nodes" = "node/${node_name:-$node}" ] ||
    fail "the cluster that kubectl reaches is not the node ${node_name:-$node}, but has ${nodes//$'\n'/, }: set KUBECONFIG to the node's, or pass --node-name if it is called so in Kubernetes"
refuse_a_namesake "${node_name:-$node}"
say "This will apply to the node $node:"
say "  platform  a storage class; cert-manager${certificate_zone:+, for names in the zone $certificate_zone}; external-dns, for the zone $zone"
[ "$ebs_csi" != true ] || say "  ebs-csi   the EBS CSI driver"
[ -z "$xmpp_domain" ] || say "  services  an issuer, and an XMPP server for $xmpp_domain, by the name xmpp.${record#*.}"
confirm "Go on?"
of_cluster "the platform could not be applied" apply --server-side --force-conflicts --kustomize "$overlays/platform"
in_host_network cert-manager cert-manager cert-manager-in-host-network.yaml
[ "$ebs_csi" != true ] || in_host_network kube-system ebs-csi-controller ebs-csi-in-host-network.yaml
if [ -n "$xmpp_domain" ]; then
    # It is asked before an issuer or a certificate is stored.
    of_cluster "cert-manager does not start" --namespace cert-manager rollout status deployment cert-manager-webhook --timeout 10m
    of_cluster "the services could not be applied" apply --server-side --force-conflicts --kustomize "$overlays/services"
    say "The certificate takes some minutes: kubectl --namespace xmpp get certificate"
    say "Then make an account: kubectl --namespace xmpp exec --stdin --tty deployment/prosody --container prosody -- prosodyctl adduser YOU@$xmpp_domain"
fi
say "The cluster has what $overlays says; keep that folder, or make it again."
