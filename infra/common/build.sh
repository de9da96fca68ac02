# The functions, and how they are built.
# shellcheck shell=bash

# Every function's package name and manifest, a line each: every folder with a manifest is deployed.
functions() {
    local manifest
    for manifest in "$root"/functions/*/Cargo.toml; do
        printf '%s %s\n' "$(sed -n '/^name = /{s/^name = "\(.*\)"$/\1/p;q;}' "$manifest")" "$manifest"
    done
}

arm64=false x86_64=false
# Tools that are not Rust's own have a folder of their own.
PATH=$root/target/tools/bin:$PATH

# Whether it is there, in a version whose answers are understood.
has_cargo_lambda() {
    cargo lambda --version 2>/dev/null | grep -q '^cargo-lambda 1\.9\.'
}

# Fetches cargo-lambda from PyPI, which has a compiler for each architecture, unless it is there.
need_cargo_lambda() {
    ! has_cargo_lambda || return 0
    say "Tool cargo-lambda: fetch into target/tools, 470 MB"
    { python3 -m venv "$root/target/tools" && "$root/target/tools/bin/pip" install --quiet cargo-lambda==1.9.2; } ||
        fail "cargo-lambda cannot be fetched, for which Python 3 needs venv (Debian, Ubuntu: apt install python3-venv)"
}

need_toolchain() {
    command -v cargo >/dev/null || fail "the Rust toolchain is missing: https://rustup.rs"
}

# Settles architecture by what a person has typed; empty if nothing.
take_architecture() {
    architecture=""
    ! $arm64 || architecture=--arm64
    ! $x86_64 || architecture=--x86-64
    ! $arm64 || ! $x86_64 || not_understood "--arm64 and --x86-64 exclude each other"
}

# Whether the Rust toolchain can build for aarch64 or x86_64.
can_build_for() {
    [ -d "$(cd "$root" && rustc --print target-libdir --target "$1-unknown-linux-gnu")" ]
}

# Settles architecture, which may be empty: arm64 by default, x86-64 where the toolchain lacks the target.
choose_architecture() {
    if [ -z "$architecture" ]; then
        architecture=--arm64
        if ! can_build_for aarch64; then
            architecture=--x86-64
            say "The Rust toolchain cannot build for arm64, for which Lambda charges a fifth less, so this builds for x86-64. For arm64:"
            say "  rustup target add aarch64-unknown-linux-gnu"
        fi
    fi
    local target=x86_64
    [ "$architecture" = --x86-64 ] || target=aarch64
    can_build_for $target ||
        fail "the Rust toolchain cannot build for ${architecture#--}: rustup target add $target-unknown-linux-gnu"
}

# Builds every function for the architecture.
build_functions() {
    local packages=() name
    while read -r name _; do
        packages+=(--package "$name")
    done < <(functions)
    # If a target were missing, cargo-lambda would change the toolchain without asking: choose_architecture has checked.
    (cd "$root" && cargo lambda build --release "$architecture" --skip-target-check --lambda-dir "$root/target/lambda" "${packages[@]}")
}

# Builds durin-node for the architectures that the toolchain has the target for. Without any, nothing is provisioned here.
build_durin_node() {
    "$root/infra/node/build.sh" || say "durin-node is not built: see above."
}
