#!/usr/bin/env bash
# Holds the runtime against tools that find what tests don't: loom, valgrind, the sanitizers, Miri.
# Each step that lacks its tool is skipped and says so. Needs bash, rustup, and for a first build the network.
#
#     tests/soundness.sh [loom|memcheck|address|thread|miri]...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target="$(rustc -vV | sed -n 's/^host: //p')"
features=(--package hotpath-runtime --features global-allocator,reader)
counters="$(mktemp -d)"
trap 'rm -rf "$counters"' EXIT

# What a process may do: the scenarios of hotpath-runtime/tests/lifecycle.rs.
scenarios=(fork exit nested late threads "thread in child" exec closed unwinding outlived signals churn deep)

skip() { printf '\n== %s skipped: %s\n' "$1" "$2"; }
say() { printf '\n== %s\n' "$*"; }

# The newest executable of a test target in a target directory.
executable() { # TARGET_DIR TEST
    find "$1" -path '*/deps/*' -name "$2-*" -type f -perm -u+x -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-
}

each_scenario() { # COMMAND...
    for scenario in "${scenarios[@]}"; do
        say "$1: $scenario"
        rm -rf "$counters"/*
        LIFECYCLE_SCENARIO="$scenario" LIFECYCLE_SHORT=1 CARGO_HOTPATH_DIR="$counters" \
            "$@" --exact child --test-threads=1 >"$counters/out" 2>&1 \
            || { cat "$counters/out"; exit 1; }
    done
}

loom() {
    say "loom: every order in which threads may hand over"
    RUSTFLAGS="--cfg loom" cargo test --package hotpath-runtime --lib --target-dir target/loom handover
}

memcheck() {
    command -v valgrind >/dev/null || { skip memcheck "no valgrind"; return; }
    cargo test "${features[@]}" --test lifecycle --no-run --target-dir target/memcheck
    each_scenario valgrind --quiet --error-exitcode=9 --fair-sched=yes \
        "$(executable target/memcheck lifecycle)"
}

nightly_has() { cargo +nightly --version >/dev/null 2>&1; }

address() {
    nightly_has || { skip address "no nightly toolchain"; return; }
    say "AddressSanitizer: the fault and lifecycle suites"
    # Leaks are looked for nowhere: what the runtime maps it keeps, and the tests leak their tables.
    RUSTFLAGS="-Zsanitizer=address" ASAN_OPTIONS=detect_leaks=0 cargo +nightly test "${features[@]}" \
        --target "$target" --target-dir target/address --test lifecycle --test faults -- \
        --skip calls_take_no_memory
    say "AddressSanitizer: the unit tests"
    # It puts what is on the stack elsewhere, whose depth then says nothing.
    RUSTFLAGS="-Zsanitizer=address" ASAN_OPTIONS=detect_leaks=0 cargo +nightly test "${features[@]}" \
        --target "$target" --target-dir target/address --lib -- --skip takes_little_more_stack
}

thread() {
    nightly_has || { skip thread "no nightly toolchain"; return; }
    [[ -d "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library" ]] \
        || { skip thread "no rust-src: rustup component add --toolchain nightly rust-src"; return; }
    # The standard library too: its locks and threads are what orders the accesses.
    RUSTFLAGS="-Zsanitizer=thread" cargo +nightly test "${features[@]}" -Zbuild-std \
        --target "$target" --target-dir target/thread --test lifecycle --no-run
    # Forks of programs with threads are beyond this tool, and so are handlers at any instant.
    scenarios=(fork outlived churn unwinding deep)
    TSAN_OPTIONS="halt_on_error=1 exitcode=9" each_scenario "$(executable target/thread lifecycle)"
}

miri() {
    cargo +nightly miri --version >/dev/null 2>&1 \
        || { skip miri "rustup component add --toolchain nightly miri"; return; }
    # What needs no probe: it knows neither the processor's counter nor hooks of exits and forks.
    cargo +nightly miri test --package hotpath-runtime --features reader --target-dir target/miri \
        --lib -- clock::rate sys::system
}

for step in "${@:-loom memcheck address thread miri}"; do
    for one in $step; do "$one"; done
done
say "all sound"
