#!/usr/bin/env bash
# Asks an AWS account what Durin assumes of AWS, and keeps the answers in proof/: just prove [--read | --cheap | --full]
#
#   --read           only what changes nothing; the default
#   --cheap          also with parameters, a hosted zone, launch templates and an empty group, for cents
#   --full           also with a small group, instances and a volume, for less than a dollar
#   --only PROBE     only this probe; you may repeat this option
#   --subnet SUBNET  where to make whatever needs a network; by default in the first default subnet
#   --instance-profile NAME  the profile of the instances that it launches, so that Systems Manager knows them; a node's will do
#   --again          ask again even what has been answered today
#   --yes            do not ask for confirmation
#   --local          ask the local AWS instead, in virtual time; needs no account
#   --list           print every probe, with what it assumes, calls, makes and costs; ask nothing
#   --report         print what is proved, refuted and not proved; ask nothing
#   --clean          remove what any run has left behind in this region; ask nothing
#
# It resumes where it was stopped, and first removes what was left behind. Everything that it makes has the tag durin:proof, or
# durin-proof in its name, and is removed again. The status is 1 if something is refuted or left behind, and 3 if nothing could
# be asked.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

read=false cheap=false full=false here=false list=false report=false clean=false again=false only="" subnet="" profile=""
take_arguments '
    --read read flag
    --cheap cheap flag
    --full full flag
    --only only probe+
    --subnet subnet subnet
    --instance-profile profile profile
    --again again flag
    --yes yes flag
    --local here flag
    --list list flag
    --report report flag
    --clean clean flag' "$@"

one=0
for level in $read $cheap $full; do ! $level || one=$((one + 1)); done
[ $one -le 1 ] || not_understood "--read, --cheap and --full exclude each other"
one=0
for task in $here $list $report $clean; do ! $task || one=$((one + 1)); done
[ $one -le 1 ] || not_understood "--local, --list, --report and --clean exclude each other"

arguments=()
for level in read cheap full list report clean again yes; do ! ${!level} || arguments+=("--$level"); done
for probe in $only; do arguments+=(--only "$probe"); done
[ -z "$subnet" ] || arguments+=(--subnet "$subnet")
[ -z "$profile" ] || arguments+=(--instance-profile "$profile")

need_toolchain
cd "$root"
if $here; then
    exec cargo durin prove "${arguments[@]+"${arguments[@]}"}"
fi
$list || $report || take_credentials

# Credentials that may hardly do anything, to see how EC2 refuses; only a user with access keys gets them, and one probe wants
# them. Nothing has to be removed: they expire.
limit() {
    local policy='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:DetachVolume", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/durin:volume": "data"}}}]}'
    if try sts get-federation-token --name durin-prove --duration-seconds 900 --policy "$policy" --output text \
        --query 'Credentials.[AccessKeyId, SecretAccessKey, SessionToken]'; then
        export DURIN_PROVE_LIMITED=$answer
    fi
}
$list || $report || $clean || ! command -v aws >/dev/null || limit
exec cargo prove "${arguments[@]+"${arguments[@]}"}"
