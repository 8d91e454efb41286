# Sourced by tests/run, tests/versions and tests/wheels/run: which tests of the suite wait, and which measure.

# The suite's tests whose figures, or whose load, are about the processors. Here as many run at once as there
# are processors, which is what cargo does, and nothing else. Of the others, which mostly wait, twice as many.
measuring=(
    asgi::lossless
    coroutine::fairness
    coroutine::shortage
    gevent::own_tests
    libraries::crowd
    libraries::matrix::hidden_waits
    libraries::soak
    libraries::stress
    limits::large
    supervisor::crashing
    supervisor::lossless
    supervisor::spread
    supervisor::workers
)
# Makes the machine busy, and so runs alone.
busy=on_a_busy_machine

# All others of the suite, which mostly wait, by a command that takes a test's arguments: twice as many at once.
waiting() { # command...
    RUST_TEST_THREADS=$((2 * $(nproc))) "$@" "${measuring[@]/#/--skip=}" --skip="$busy"
}
