#!/bin/sh
# Makes sure that Debian packages are installed: installs what is missing when root, and says what to install when not.
#   packages.sh PACKAGE…
set -eu

missing=""
for package in "$@"; do
    status=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "This machine lacks system packages. Install them and repeat the command:" >&2
    echo "    sudo apt-get install$missing" >&2
    exit 1
fi
echo "Installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # One word for each package.
apt-get install -qq --yes --no-install-recommends $missing </dev/null >/dev/null
