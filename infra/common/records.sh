# The records of a node: its name, and the TXT record that claims the name. `node` is the node's name.
# shellcheck shell=bash

# A host name as Route 53 has it: in lower case, with a dot at the end.
canonical() {
    printf '%s.' "${1%.}" | tr '[:upper:]' '[:lower:]'
}

# values_of ZONE NAME CONDITION: the values of the name's records for which the condition holds, on one line of answer, with
# tabs between. Of an alias, what it is one for.
values_of() {
    call route53 list-resource-record-sets --hosted-zone-id "$1" --start-record-name "$2" --max-items 20 --output text \
        --query "ResourceRecordSets[?Name=='$(canonical "$2")' && ($3)].[ResourceRecords[].Value || [AliasTarget.DNSName]][][]"
    answer=$(sed '/^None$/d' <<<"$answer" | paste -s -d $'\t' -)
}

# deletions ZONE NAME: the change batch that deletes what Durin has written under the name, exactly as it stands, in answer:
# the A record with its one address, and the TXT record that claims the name for the node. Nothing if the name is another's.
deletions() {
    local name ttl count value changes=""
    name=$(canonical "$2")
    only_record "$1" "_durin.$name" TXT
    read -r ttl count value <<<"$answer"
    if [ -n "$ttl" ]; then
        answer=""
        [ "$count $value" = "1 \"node=$node\"" ] || return 0
        changes=", $(deletion "_durin.$name" TXT "$ttl" "\\\"node=$node\\\"")"
    fi
    only_record "$1" "$name" A
    read -r ttl count value <<<"$answer"
    [ "${count:-0}" != 1 ] || changes="$changes, $(deletion "$name" A "$ttl" "$value")"
    answer=${changes:+"{\"Changes\": [${changes#, }]}"}
}

# only_record ZONE NAME TYPE: its TTL, its number of values, and the first of them, in answer; nothing if there is none, or
# an alias.
only_record() {
    call route53 list-resource-record-sets --hosted-zone-id "$1" --start-record-name "$2" --start-record-type "$3" \
        --max-items 1 --output text \
        --query "ResourceRecordSets[?Name=='$2' && Type=='$3' && ResourceRecords].[TTL, length(ResourceRecords), ResourceRecords[0].Value]"
    answer=$(sed '/^None$/d' <<<"$answer")
}

deletion() {
    printf '{"Action": "DELETE", "ResourceRecordSet": {"Name": "%s", "Type": "%s", "TTL": %s, "ResourceRecords": [{"Value": "%s"}]}}' "$@"
}
