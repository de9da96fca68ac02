# The records of a node: its name, and the TXT record that claims the name. `node` is the node's name.
# shellcheck shell=bash

# A host name as Route 53 has it: in lower case, with a dot at the end.
canonical() {
    printf '%s.' "${1%.}" | tr '[:upper:]' '[:lower:]'
}

# values_of ZONE NAME CONDITION: the values of the name's records for which the condition holds, on one line, with tabs
# between. Of an alias, what it is one for.
values_of() {
    local found
    found=$(aws route53 list-resource-record-sets --hosted-zone-id "$1" --start-record-name "$2" --max-items 20 --output text \
        --query "ResourceRecordSets[?Name=='$(canonical "$2")' && ($3)].[ResourceRecords[].Value || [AliasTarget.DNSName]][][]")
    sed '/^None$/d' <<<"$found" | paste -s -d $'\t' -
}

# deletions ZONE NAME: the change batch that deletes what Durin has written under the name, exactly as it stands: the A record
# with its one address, and the TXT record that claims the name for the node. Nothing if the name is another's.
deletions() {
    local name ttl count value address changes=""
    name=$(canonical "$2")
    read -r ttl count value < <(only_record "$1" "_durin.$name" TXT)
    if [ -n "$ttl" ]; then
        [ "$count $value" = "1 \"node=$node\"" ] || return 0
        changes=", $(deletion "_durin.$name" TXT "$ttl" "\\\"node=$node\\\"")"
    fi
    read -r ttl count address < <(only_record "$1" "$name" A)
    [ "${count:-0}" != 1 ] || changes="$changes, $(deletion "$name" A "$ttl" "$address")"
    [ -z "$changes" ] || printf '{"Changes": [%s]}\n' "${changes#, }"
}

# only_record ZONE NAME TYPE: its TTL, its number of values, and the first of them; nothing if there is none, or an alias.
only_record() {
    aws route53 list-resource-record-sets --hosted-zone-id "$1" --start-record-name "$2" --start-record-type "$3" \
        --max-items 1 --output text \
        --query "ResourceRecordSets[?Name=='$2' && Type=='$3' && ResourceRecords].[TTL, length(ResourceRecords), ResourceRecords[0].Value]" |
        sed '/^None$/d'
}

deletion() {
    printf '{"Action": "DELETE", "ResourceRecordSet": {"Name": "%s", "Type": "%s", "TTL": %s, "ResourceRecords": [{"Value": "%s"}]}}' "$@"
}
