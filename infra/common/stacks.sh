# CloudFormation's stacks.
# shellcheck shell=bash

# A stack's status, or NONE, in answer. A failed question is an error and not NONE.
stack_status() {
    # Another sentence that ends like this is about a token of single sign-on.
    is_there "(ValidationError)*does not exist" cloudformation describe-stacks --stack-name "$1" \
        --query 'Stacks[0].StackStatus' --output text || answer=NONE
}

# stack_output STACK KEY, stack_parameter STACK KEY: a value, or nothing, in answer.
stack_output() {
    call cloudformation describe-stacks --stack-name "$1" --query "Stacks[0].Outputs[?OutputKey=='$2'].[OutputValue]" --output text
}
stack_parameter() {
    call cloudformation describe-stacks --stack-name "$1" --output text \
        --query "Stacks[0].Parameters[?ParameterKey=='$2'].[ParameterValue]"
}

# Whether a stack has been created, whatever came after.
stack_exists() {
    stack_status "$1"
    case $answer in
    NONE | REVIEW_IN_PROGRESS | CREATE_FAILED | ROLLBACK_* | DELETE_*) return 1 ;;
    *) return 0 ;;
    esac
}

# Brings a stack to where it can be created or updated: waits for a running operation, for an hour at most, and deletes
# the remains of a first creation that failed, because CloudFormation does not update them any more.
settle_stack() {
    for _ in $(seq 360); do
        stack_status "$1"
        case $answer in
        REVIEW_IN_PROGRESS | CREATE_FAILED | ROLLBACK_COMPLETE | ROLLBACK_FAILED | DELETE_FAILED)
            say "  $1 is $answer: deleting its remains first"
            delete_stack "$1"
            return
            ;;
        *_IN_PROGRESS) sleep 10 ;;
        UPDATE_ROLLBACK_FAILED | UPDATE_FAILED)
            fail "the stack $1 is $answer, which you have to fix: aws cloudformation continue-update-rollback --stack-name $1"
            ;;
        *) return ;;
        esac
    done
    fail "the stack $1 has been $answer for an hour"
}

# deploy_stack NAME TEMPLATE [KEY=VALUE…]: creates or updates the stack; parameters that are not named keep their
# values.
deploy_stack() {
    local name=$1 template=$2
    shift 2
    say "Stack $name"
    settle_stack "$name"
    # Bash 3 takes an empty "$@" for unset where it is an option's value.
    [ $# -eq 0 ] || set -- --parameter-overrides "$@"
    # It takes minutes, so what it says meanwhile is shown at once.
    { answer=$(aws cloudformation deploy --stack-name "$name" --template-file "$root/infra/$template" \
        --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM --no-fail-on-empty-changeset "$@" 2>&1 >&3 </dev/null); } 3>&1 ||
        stack_failed "$name" deployed FAILED
}

# Deletes a stack, if it exists, and waits until it is gone.
delete_stack() {
    stack_status "$1"
    [ "$answer" != NONE ] || return 0
    say "Stack $1: delete"
    call cloudformation delete-stack --stack-name "$1"
    try cloudformation wait stack-delete-complete --stack-name "$1" || stack_failed "$1" deleted DELETE_FAILED
}

# stack_failed NAME DONE STATUS: ends the script with why the stack could not be deployed or deleted; events whose status
# is like that say more.
stack_failed() {
    local why=$answer
    ! try cloudformation describe-stack-events --stack-name "$1" --max-items 50 --output text --query \
        "StackEvents[?contains(ResourceStatus, '$3')].[LogicalResourceId, ResourceStatusReason]" || sed '/^None$/d' <<<"$answer" >&2
    answer=$why
    refused "the stack $1 could not be $2"
}
