# Sourced by examples/try and tests/setup: which Debian packages are missing, and installing them.

python=${UNICORO_TEST_PYTHON:-python3}

# What it takes to build: a C linker and the libpython of the interpreter.
build_packages() {
    command -v cc >/dev/null || echo gcc libc6-dev
    # Debian's own python3 comes in parts; one built from source (pyenv, uv) is whole.
    case "$(readlink -f "$(command -v "$python" || echo /usr/bin/python3)")" in
        /usr/bin/python3*)
            dpkg -s python3-venv >/dev/null 2>&1 || echo python3 python3-venv
            dpkg -s libpython3-dev >/dev/null 2>&1 || echo libpython3-dev
            ;;
    esac
}

# Installs the packages that are named in its one argument; nothing happens if it names none.
install_packages() {
    local packages=$1
    [ -n "$packages" ] || return 0
    echo "installing" $packages
    if [ "$(id -u)" != 0 ]; then
        echo "run this as root once, or install:" $packages >&2
        exit 1
    fi
    apt-get update -qq
    # shellcheck disable=SC2086 # one word is one package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages \
        </dev/null >/dev/null
}
