#!/bin/bash
# Installs the packages in a fresh Debian root, uses them there, upgrades and removes them, as root:
#
#   bash packaging/test.sh [FOLDER]
#
# If rpm is installed, it then tests the rpm packages in an overlay of this system's root (rpm.sh).
# FOLDER has the packages; by default it builds them for this machine with QUICK=1. REFMON_ROOT=ROOT uses
# and changes an existing root with gcc, libc6-dev, pkgconf and python3 instead of a new one.
# Without debootstrap or its mirror it prints the reason and exits with 77.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ "$(id -u)" = 0 ] || { echo "SKIPPED: a Debian root is made by root alone"; exit 77; }
# Use /dev/shm if it has 2 GiB free. In containers it often has 64 MiB.
room=${TMPDIR:-/tmp}
[ ! -w /dev/shm ] || [ "$(df --output=avail -k /dev/shm | tail -n 1)" -lt 2000000 ] || room=/dev/shm
work=$(mktemp -d -p "$room")
trap 'rm -rf --one-file-system "$work"' EXIT
root=${REFMON_ROOT:-$work/root}
arch=$(dpkg --print-architecture)

main() {
	local making= packages=${1:-}
	if [ -z "${REFMON_ROOT:-}" ]; then
		debian >"$work/debootstrap.log" 2>&1 &
		making=$!
	fi
	if [ -z "$packages" ]; then
		packages=$work/packages
		QUICK=1 TARGETS=linux/$arch FORMATS="deb rpm" bash packaging/build.sh "$packages" >"$work/build.log" 2>&1 ||
			{ cat "$work/build.log"; exit 1; }
	fi
	if [ -n "$making" ] && ! wait "$making"; then
		tail -n 5 "$work/debootstrap.log"
		echo "SKIPPED: debootstrap makes no Debian root here"
		exit 77
	fi
	pip
	mkdir -p "$root/packages/old"
	cp "$packages"/*.deb "$packages"/*.whl "$root/packages/"
	cp capi/tests/example.c packaging/*.py packaging/inside.sh packaging/formats.sh "$root/packages/"
	cp -R testdata/formats "$root/packages/"
	previous "$packages"/refmond_*.deb
	printf '#!/bin/sh\necho "policy-rc.d was asked: $*" >>/packages/asked\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod +x "$root/usr/sbin/policy-rc.d"
	unshare --mount --pid --fork --kill-child sh -euc '
		mount -t proc proc "$0/proc"
		mount -t tmpfs tmpfs "$0/tmp"
		exec chroot "$0" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
			bash /packages/inside.sh "$1"' "$root" "$(cat VERSION)"
	TMPDIR=$work bash packaging/rpm.sh "$packages" || [ $? = 77 ]
}

# debian creates a root of this machine's Debian release from its mirror.
debian() {
	command -v debootstrap >/dev/null ||
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap; } || return 1
	local mirror suite
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mirror=$( (cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true) |
		sed -nE 's/^(deb .*|URIs: *)(https?:[^ ]*).*/\2/p' | head -n 1)
	debootstrap --variant=minbase --include=gcc,libc6-dev,pkgconf,python3 "$suite" "$root" "$mirror"
}

# pip installs the Python package from a copy of its sources, without a network. Without pip it prints a line.
pip() {
	python3 -m pip --version >/dev/null 2>&1 || { echo "    no pip here: the package was not installed by it"; return 0; }
	cp -R clients/python "$work/sources"
	python3 -m pip install -q --disable-pip-version-check --no-index --root-user-action=ignore --target "$work/pip" "$work/sources"
	PYTHONPATH=$work/pip python3 -c '
import importlib.metadata, sys, refmon.native
assert importlib.metadata.version("refmon") == sys.argv[1] and refmon.native.__file__.startswith(sys.argv[2])' "$(cat VERSION)" "$work/pip"
	echo "ok  python3 -m pip install --no-index clients/python"
}

# previous PACKAGE creates a package of an earlier version, whose program gets another inode.
previous() {
	dpkg-deb -R "$1" "$work/old"
	sed -i 's/^Version: .*/Version: 0.0.1/' "$work/old/DEBIAN/control"
	dpkg-deb -Zgzip -z1 -b "$work/old" "$root/packages/old/refmond.deb" >/dev/null
	rm -rf "$work/old"
}

main "$@"
