# CloudFormation's stacks.
# shellcheck shell=bash

# A stack's status, or NONE. A failed question is an error and not NONE.
stack_status() {
    local answer
    if answer=$(aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' --output text 2>&1); then
        printf '%s\n' "$answer"
    else
        case $answer in *"does not exist"*) echo NONE ;; *) fail "$answer" ;; esac
    fi
}

# stack_output STACK KEY, stack_parameter STACK KEY: a value, or nothing.
stack_output() {
    aws cloudformation describe-stacks --stack-name "$1" --query "Stacks[0].Outputs[?OutputKey=='$2'].[OutputValue]" --output text
}
stack_parameter() {
    aws cloudformation describe-stacks --stack-name "$1" --output text \
        --query "Stacks[0].Parameters[?ParameterKey=='$2'].[ParameterValue]"
}

# Whether a stack has been created, whatever came after.
stack_exists() {
    local status
    status=$(stack_status "$1") || exit 1
    case $status in
    NONE | REVIEW_IN_PROGRESS | CREATE_FAILED | ROLLBACK_* | DELETE_*) return 1 ;;
    *) return 0 ;;
    esac
}

# Brings a stack to where it can be created or updated: waits for a running operation, for an hour at most, and deletes
# the remains of a first creation that failed, because CloudFormation does not update them any more.
settle_stack() {
    local status=NONE
    for _ in $(seq 360); do
        status=$(stack_status "$1") || exit 1
        case $status in
        REVIEW_IN_PROGRESS | CREATE_FAILED | ROLLBACK_COMPLETE | ROLLBACK_FAILED | DELETE_FAILED)
            say "  $1 is $status: deleting its remains first"
            delete_stack "$1"
            return
            ;;
        *_IN_PROGRESS) sleep 10 ;;
        UPDATE_ROLLBACK_FAILED | UPDATE_FAILED)
            fail "the stack $1 is $status, which you have to fix: aws cloudformation continue-update-rollback --stack-name $1"
            ;;
        *) return ;;
        esac
    done
    fail "the stack $1 has been $status for an hour"
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
    aws cloudformation deploy --stack-name "$name" --template-file "$root/infra/$template" \
        --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM --no-fail-on-empty-changeset "$@" || {
        aws cloudformation describe-stack-events --stack-name "$name" --max-items 50 --output text --query \
            "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId, ResourceStatusReason]" >&2 || true
        fail "the stack $name could not be deployed; once you have fixed that, the same command resumes here"
    }
}

# Deletes a stack, if it exists, and waits until it is gone.
delete_stack() {
    local status
    status=$(stack_status "$1") || exit 1
    [ "$status" != NONE ] || return 0
    say "Stack $1: delete"
    aws cloudformation delete-stack --stack-name "$1"
    aws cloudformation wait stack-delete-complete --stack-name "$1" || {
        aws cloudformation describe-stack-events --stack-name "$1" --max-items 50 --output text --query \
            "StackEvents[?ResourceStatus=='DELETE_FAILED'].[LogicalResourceId, ResourceStatusReason]" >&2 || true
        fail "the stack $1 could not be deleted; once you have fixed that, the same command resumes here"
    }
}
