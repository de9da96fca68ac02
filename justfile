# Every task a person repeats. `just` alone lists them.

# Tools that are not Rust's own: cargo-lambda, from PyPI, in a folder of its own.
tools := justfile_directory() / "target/tools"

[private]
default:
    @just --list

# Tell how a node survives the reclaim of its spot instance, on a local AWS in virtual time
demo *arguments:
    cargo demo {{arguments}}

# Start a function's real binary, feed it an event of events/, show what it called and changed: just invoke node-lifecycle launch
invoke function event *arguments:
    cargo build --quiet --workspace --bins
    cargo durin invoke {{function}} {{event}} {{arguments}}

# Serve the local AWS on a loopback port, for the AWS CLI, boto3, Terraform or cargo lambda watch
serve *arguments:
    cargo durin serve {{arguments}}

# Build the functions as Lambda runs them; arm64 unless told otherwise: just build --x86-64
build *arguments="--arm64": _cargo-lambda
    PATH="{{tools}}/bin:$PATH" cargo lambda build --release --package durin-node-lifecycle --package durin-node-resync --package durin-spot-interruption {{arguments}}

# Run the functions against a local AWS that `just serve` serves, reloading as you edit; then: cargo lambda invoke durin-node-resync --data-file events/schedule.json
watch endpoint="http://127.0.0.1:4566": _cargo-lambda
    PATH="{{tools}}/bin:$PATH" AWS_ENDPOINT_URL={{endpoint}} AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=durin-watch AWS_SECRET_ACCESS_KEY=any cargo lambda watch --invoke-address 127.0.0.1

# Measure the outage of 1000 interruptions, under Durin and under the usual set-ups, side by side
outage *arguments:
    cargo durin outage {{arguments}}

# Run the whole test suite
test:
    cargo test --workspace

# What CI runs: formatting, lints and the whole test suite
check:
    cargo fmt --check
    cargo clippy --workspace --all-targets -- --deny warnings
    cargo test --workspace

# Record the events of the local AWS's own story into events/ again, after its dynamics changed
record:
    cargo durin record

_cargo-lambda:
    @test -x "{{tools}}/bin/cargo-lambda" || (python3 -m venv "{{tools}}" && "{{tools}}/bin/pip" install --quiet cargo-lambda==1.9.2)
