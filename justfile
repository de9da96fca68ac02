# Every task that a person repeats. `just` without arguments lists them.

# Tools that are not Rust's own, in a folder of their own.
tools := justfile_directory() / "target/tools"

# From wherever `just` is called: files that are named are looked for there.
durin := "cargo run --manifest-path '" + justfile_directory() + "/Cargo.toml' --bin durin --"

[private]
default:
    @just --list

# Show how a node survives the reclaim of its spot instance, gets a new image, and loses old ones, on a local AWS in virtual time
[no-exit-message, positional-arguments]
demo *arguments:
    cargo demo "$@"

# Feed an event from events/, or a file, to a function's real binary, and show what it did: just invoke node-lifecycle launch
[no-cd, no-exit-message, positional-arguments]
invoke *arguments:
    cargo build --manifest-path '{{justfile_directory()}}/Cargo.toml' --workspace --bins
    {{durin}} invoke "$@"

# Serve the local AWS on a loopback port, for the AWS CLI, boto3 or cargo lambda watch, and show what happens in it
[no-cd, no-exit-message, positional-arguments]
serve *arguments:
    {{durin}} serve "$@"

# In the world of `just serve`: EC2 warns a node's spot instance, and takes its capacity back two minutes later
[no-exit-message, positional-arguments]
interrupt *arguments:
    @cargo durin interrupt "$@"

# In the world of `just serve`: EC2 sends a rebalance recommendation for a node's spot instance
[no-exit-message, positional-arguments]
recommend *arguments:
    @cargo durin recommend "$@"

# In the world of `just serve`: EC2 takes the capacity of a node's spot instance back at once, without a warning
[no-exit-message, positional-arguments]
reclaim *arguments:
    @cargo durin reclaim "$@"

# In the world of `just serve`: the host of a node's instance retires
[no-exit-message, positional-arguments]
retire *arguments:
    @cargo durin retire "$@"

# In the world of `just serve`: the next detachment of a node's volume hangs in `detaching`
[no-exit-message, positional-arguments]
stick-volume *arguments:
    @cargo durin stick-volume "$@"

# In the world of `just serve`: no launch finds capacity (on), or every launch does (off)
[no-exit-message, positional-arguments]
no-capacity *arguments:
    @cargo durin no-capacity "$@"

# In the world of `just serve`: the newest image is bad (on), or every image is good (off)
[no-exit-message, positional-arguments]
bad-image *arguments:
    @cargo durin bad-image "$@"

# In the world of `just serve`: the next event that a rule waits for is lost
[no-exit-message, positional-arguments]
lose-event *arguments:
    @cargo durin lose-event "$@"

# In the world of `just serve`: time runs at another speed, or stands still: just speed 20, just speed 0
[no-exit-message, positional-arguments]
speed *arguments:
    @cargo durin speed "$@"

# In the world of `just serve`: Packer makes a new image
[no-exit-message, positional-arguments]
bake-locally *arguments:
    @cargo durin bake "$@"

# Rehearse a hand-off on real machines (QEMU) with the program and the units that a node runs: just rehearse --list, --all
[no-exit-message, positional-arguments]
rehearse *arguments:
    @cargo durin rehearse "$@"

# Build the functions for Lambda, for arm64 if the toolchain can: just build --x86-64
[no-exit-message, positional-arguments]
build *arguments:
    @infra/build.sh "$@"

# Build durin-node, the part of Durin that goes into a node's image, into target/node
[no-exit-message, positional-arguments]
build-node *arguments:
    @infra/node/build.sh "$@"

# Pack a release: the functions for both of Lambda's processors, durin-node, and SHA256SUMS: just pack DIRECTORY
[no-exit-message, positional-arguments]
pack *arguments:
    @infra/pack.sh "$@"

# Deploy the functions to a region of your AWS account, or only what has changed; asks first
[no-exit-message, positional-arguments]
deploy *arguments:
    @infra/deploy.sh "$@"

# Deploy one node, or change it: just deploy-node home; --help lists the options
[no-exit-message, positional-arguments]
deploy-node *arguments:
    @infra/deploy-node.sh "$@"

# Bake an image for nodes with Packer; Durin publishes it when it is done: just bake --arm64
[no-exit-message, positional-arguments]
bake *arguments:
    @infra/bake.sh "$@"

# Have EC2 Image Builder bake an image for nodes every week: just deploy-image --now; asks first
[no-exit-message, positional-arguments]
deploy-image *arguments:
    @infra/deploy-image.sh "$@"

# Apply what a node's cluster needs to it (infra/cluster): just apply home; asks first
[no-exit-message, positional-arguments]
apply *arguments:
    @infra/apply.sh "$@"

# Bring a node back with the data of a copy; first says what will be missing: just restore-node home --snapshot snap-…
[no-exit-message, positional-arguments]
restore-node *arguments:
    @infra/restore-node.sh "$@"

# Interrupt a node's spot instance for real and measure the outage: just drill home
[no-exit-message, positional-arguments]
drill *arguments:
    @infra/drill.sh "$@"

# Show the state of every node of the region, what is wrong, and what to do; changes nothing: just status home, --json, --local
[no-exit-message, positional-arguments]
status *arguments:
    @infra/nodes.sh status "$@"

# Show what an Auto Scaling group of yours still lacks to be a node; changes nothing: just check-node home
[no-exit-message, positional-arguments]
check-node *arguments:
    @infra/nodes.sh check-node "$@"

# Ask your AWS account what Durin assumes of AWS, for cents, and keep the answers; asks for confirmation first: just prove --list, --local
[no-exit-message, positional-arguments]
prove *arguments:
    @infra/prove.sh "$@"

# Print which images and snapshots stay, which go, and why; removes nothing: just prune-plan --keep-newest 5
[no-exit-message, positional-arguments]
prune-plan *arguments:
    @infra/images.sh prune-plan "$@"

# Publish nothing to an image parameter until it is unpinned: just pin /durin/image 1.34 breaks the ingress
[no-exit-message, positional-arguments]
pin *arguments:
    @infra/images.sh pin "$@"

# List the parameters that are pinned, since when, and why
[no-exit-message, positional-arguments]
pins *arguments:
    @infra/images.sh pins "$@"

# Let images be published to a parameter again
[no-exit-message, positional-arguments]
unpin *arguments:
    @infra/images.sh unpin "$@"

# Put a parameter back to its previous image, and pin it
[no-exit-message, positional-arguments]
rollback *arguments:
    @infra/images.sh rollback "$@"

# Remove one node; its data volume stays unless you name it: just destroy-node home --delete-volume vol-…
[no-exit-message, positional-arguments]
destroy-node *arguments:
    @infra/destroy-node.sh "$@"

# Remove the functions from a region; refuses while there are nodes
[no-exit-message, positional-arguments]
destroy *arguments:
    @infra/destroy.sh "$@"

# Run the functions against the local AWS of `just serve --no-functions`, reloading as you edit; just feed feeds them
[no-exit-message, positional-arguments]
watch *arguments:
    @infra/watch.sh "$@"

# Feed an event from events/, or a file, as if it came now, to a function under `just watch`: just feed node-resync schedule
[no-cd, no-exit-message, positional-arguments]
feed *arguments:
    @'{{justfile_directory()}}/infra/feed.sh' "$@"

# Play random histories of a node and report those that end badly: just simulate --seeds 1..1000, --seed 873 --trace
[no-exit-message, positional-arguments]
simulate *arguments:
    @cargo durin simulate "$@"

# Measure the outage of 1000 interruptions, under Durin and under the usual set-ups, side by side
[no-exit-message, positional-arguments]
outage *arguments:
    cargo durin outage "$@"

# Measure the API calls of hand-offs, against the least that AWS allows; --deaths lets a function die after each of them
[no-exit-message, positional-arguments]
bench-calls *arguments:
    cargo durin bench-calls "$@"

# Measure the removal of 5000 images, with Durin and with the usual tools, side by side (three minutes)
[no-exit-message, positional-arguments]
prune-bench *arguments:
    cargo durin prune-bench "$@"

# Run the whole test suite
test:
    cargo test --workspace

# Run the same checks as CI: formatting, lints and the whole test suite
check:
    .ci/run

# Break each line of the decisions in turn, and list the breaks that no test notices (most of an hour)
[no-exit-message, positional-arguments]
mutants *arguments: _cargo-mutants
    PATH="{{tools}}/bin:$PATH" cargo mutants --package durin-decisions --package durin-node --output target "$@"

# Record the events of the local AWS's own story into events/ again, after its dynamics have changed
record:
    cargo durin record

_cargo-mutants:
    @test -x "{{tools}}/bin/cargo-mutants" || cargo install --locked --root "{{tools}}" cargo-mutants@27.1.0
