#!/usr/bin/env bash
# Installs what Motley needs to be built and run, and with --tests what its tests need. Does nothing when all is
# there.
#
#   tools/setup.sh [--tests] [--toolchain FOLDER]
#
# Knows Debian 12, Debian 13 and Ubuntu 24.04; needs root or sudo only where a package is missing. Debian 12's
# shader compiler knows neither cooperative matrices nor integer dot products, so there it also unpacks Debian 13's
# compiler, Vulkan headers and volk into FOLDER (default: $MOTLEY_TOOLCHAIN_DIR or build/toolchain); the system
# stays as it is.
# Exit status: 0 ready, 1 something is missing and could not be installed, 2 usage.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
toolchain=${MOTLEY_TOOLCHAIN_DIR:-$root/build/toolchain}
log=$root/build/setup.log
tests=

packages=(
  g++ cmake ninja-build pkg-config
  glslc glslang-tools libshaderc-dev spirv-headers spirv-tools
  libvulkan-dev libvulkan-volk-dev mesa-vulkan-drivers
  libfmt-dev nlohmann-json3-dev libcli11-dev libpcre2-dev
)
toolchain_packages=(glslc libshaderc1 libc6 libgcc-s1 libstdc++6 libvulkan-dev libvulkan-volk-dev)
test_packages=(git jq libgtest-dev libbenchmark-dev vulkan-validationlayers clang-tidy)

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $*"; exit 1; }

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --tests) tests=yes ;;
      --toolchain) toolchain=${2:?--toolchain needs a folder}; shift ;;
      -h|--help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
      *) say "setup: unknown argument '$1'; usage: tools/setup.sh [--tests] [--toolchain FOLDER]"; exit 2 ;;
    esac
    shift
  done
  case $toolchain in
    /*) ;;
    *) toolchain=$PWD/$toolchain ;;  # what is unpacked there is run from other folders
  esac
}

# Prints "debian 12" and the like.
system_name() {
  ( # shellcheck source=/dev/null
    . /etc/os-release 2>/dev/null || true
    echo "${ID:-unknown system}${VERSION_ID:+ $VERSION_ID}" )
}

# Some of the tests' packages depend on the system: SwiftShader's driver lies in chromium-common, which Ubuntu ships
# only as a snap, and the layout check wants clang-format 14, which Debian 13 no longer has.
add_test_packages() {
  packages+=("${test_packages[@]}")
  case $1 in
    'debian 12') packages+=(clang-format chromium-common) ;;
    'debian '*) packages+=(chromium-common) ;;
    'ubuntu '*) packages+=(clang-format-14) ;;
  esac
}

# Prints those of its arguments that are not installed.
missing_packages() {
  local installed name
  installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null) || true
  for name in "$@"; do
    [[ $'\n'$installed$'\n' == *$'\n'"installed $name"$'\n'* ]] || printf '%s ' "$name"
  done
}

# On a system without dpkg the commands tell whether somebody has installed things by hand; CMake names the rest.
check_by_hand() {
  local command missing=
  for command in g++ cmake ninja pkg-config glslc; do
    command -v "$command" >/dev/null || missing+="$command "
  done
  [ -z "$missing" ] || fail "missing: $missing
Packages are installed by themselves on Debian 12, Debian 13 and Ubuntu 24.04 only. Here, please install by hand
what these Debian packages hold, then run the command again: ${packages[*]}"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l \
    apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" </dev/null >>"$log" 2>&1
}

install_packages() {
  local system=$1; shift
  case $system in
    'debian 12'|'debian 13'|'ubuntu 24.04') ;;
    *) fail "$system is not one of Debian 12, Debian 13 and Ubuntu 24.04, so nothing is installed by itself.
Please install by hand: $*" ;;
  esac
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
    fail "neither root nor sudo here. Please have these packages installed: $*"
  say "Installing $*"
  : >"$log"
  apt update || true  # one broken source among many need not matter: the installation shows
  apt install --no-install-recommends "$@" && return
  grep '^E:' "$log" | tail -n 5 >&2
  fail "apt-get install failed (all it said: $log). Once the cause is mended, run the command again."
}

# Prints the address of the mirror that this Debian itself is installed from.
# shellcheck disable=SC2016  # apt-get fills in the fields
system_mirror() {
  apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "bookworm" || $1 == "oldstable" || $1 == "stable" { print $2; exit }'
}

# Writes an apt configuration whose lists, cache and only source (Debian 13) lie in the folder $1. The system's
# download settings, such as a proxy, go along; its hooks do not.
write_private_apt() {
  local folder=$1 mirror=$2 key=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$folder/lists/partial" "$folder/archives/partial"
  : >"$folder/status"
  echo "deb [signed-by=$key] $mirror trixie main" >"$folder/sources.list"
  apt-config dump | grep '^Acquire::' | grep -v -e ::IndexTargets -e ::Languages -e ::Changelogs >"$folder/apt.conf"
  cat >>"$folder/apt.conf" <<CONF
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Dir::State "$folder";
Dir::State::status "$folder/status";
Dir::State::lists "$folder/lists";
Dir::Cache "$folder";
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::SourceList "$folder/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
CONF
}

# Debian 13's programs want its C library, so the compiler is started by the loader that came with it.
write_glslc() {
  cat >"$1/bin/glslc" <<'SH'
#!/bin/sh
root=${0%/*}/../root
set -- "$root"/usr/bin/glslc "$@"
for libraries in "$root"/usr/lib/*-linux-gnu*; do
  for loader in "$libraries"/ld-linux*.so.*; do
    exec "$loader" --library-path "$libraries" "$@"
  done
done
SH
  chmod +x "$1/bin/glslc"
}

# Fills the empty folder $1. Every step may fail (no network, a mirror without Debian 13).
unpack_toolchain() {
  local folder=$1 mirror deb
  mirror=$(system_mirror)
  if [ -z "$mirror" ]; then echo "no Debian mirror in apt's sources"; return 1; fi
  write_private_apt "$folder/apt" "$mirror" || return 1
  ( export APT_CONFIG=$folder/apt/apt.conf
    cd "$folder/apt" && apt-get -q update && apt-get -q download "${toolchain_packages[@]}" ) || return 1
  for deb in "$folder"/apt/*.deb; do
    dpkg-deb -x "$deb" "$folder/root" || return 1
  done
  mkdir "$folder/bin" && mv "$folder/root/usr/include" "$folder/include" && write_glslc "$folder" &&
    "$folder/bin/glslc" --version && rm -rf "$folder/apt" "$folder/root/usr/share"
}

# A failure costs only the optional kernel flavours. It is remembered, so that the next run does not wait again.
install_toolchain() {
  if [ -x "$toolchain/bin/glslc" ] || [ -e "$toolchain.failed" ]; then return; fi
  mkdir -p "$(dirname "$toolchain")"
  local work
  work=$(mktemp -d "$toolchain.XXXXXX")
  # shellcheck disable=SC2064  # the folder's name as it is now
  trap "rm -rf '$work'" EXIT
  chmod 755 "$work"
  say "Installing Debian 13's shader compiler into $toolchain (the system stays as it is)"
  if unpack_toolchain "$work" >>"$log" 2>&1 </dev/null; then
    rm -rf "$toolchain"
    mv "$work" "$toolchain"
    return
  fi
  : >"$toolchain.failed"
  say "Note: that failed (see $log), so kernels for cooperative matrices and integer dot products are left out;"
  say "      all else works. To try again, remove $toolchain.failed"
}

main() {
  parse_arguments "$@"
  local system missing
  system=$(system_name)
  [ -z "$tests" ] || add_test_packages "$system"
  if command -v dpkg-query >/dev/null; then
    missing=$(missing_packages "${packages[@]}")
    mkdir -p "$root/build"
    # shellcheck disable=SC2086  # one word a package
    [ -z "$missing" ] || install_packages "$system" $missing
  else
    check_by_hand
  fi
  [ "$system" != 'debian 12' ] || install_toolchain
}

main "$@"
