#!/bin/bash
# Installs the rpm packages, uses them, installs them a second time and removes them, as root: rpm.sh FOLDER
#
# It needs the program rpm, which Debian also has. It does not change this system: it installs into an overlay of the
# root in a mount namespace of its own. The overlay's upper layer shows the files that the packages leave behind.
# Without rpm or such an overlay it prints the reason and exits with 77.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
packages=$(realpath "$1") version=$(cat VERSION)
command -v rpm >/dev/null || { echo "SKIPPED: there is no rpm here"; exit 77; }
if [ -z "${REFMON_LAYER:-}" ]; then
	layer=$(mktemp -d)
	trap 'rm -rf --one-file-system "$layer"' EXIT
	REFMON_LAYER=$layer unshare --mount --pid --fork --kill-child bash "$0" "$packages"
	exit
fi

layer=$REFMON_LAYER
root=$layer/root
mkdir "$root" "$layer/upper" "$layer/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$root" ||
	{ echo "SKIPPED: a root over this one cannot be mounted here"; exit 77; }
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"
mkdir "$root/tmp/packages"
cp "$packages"/*."$(uname -m)".rpm capi/tests/example.c "$root/tmp/packages/"

fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
# The packages depend on Fedora's package names, which rpm cannot find on Debian. Hence --nodeps.
rpms() { inside rpm --dbpath /tmp/rpmdb "$@" >"$layer/log" 2>&1 || { cat "$layer/log"; fail "rpm $*"; }; }
# left lists the files in the overlay, except those of the user database and the loader.
left() {
	(cd "$layer/upper" && find . ! -type d -print) |
		grep -vE '^\./(etc/(passwd|group|shadow|gshadow|subuid|subgid|ld\.so\.cache|\.pwd\.lock)-?|var/(cache|log)/.*)$' | sort
}

rpms -i --nodeps $(cd "$root/tmp/packages" && ls ./*.rpm | sed 's#^\.#/tmp/packages#')
[ "$(inside rpm --dbpath /tmp/rpmdb -qa | grep -c refmon)" = 4 ] || fail "$(inside rpm --dbpath /tmp/rpmdb -qa)"
inside rpm --dbpath /tmp/rpmdb -V --nodeps refmon refmond librefmon0 librefmon-dev || fail "rpm -V"
for p in refmon refmon-verify refmond refmon-gateway refmon-index; do
	told=$(inside "/usr/bin/$p" version) || fail "$p version"
	[[ $told == "$p v$version "* ]] || fail "$told: the packages are version $version"
done
[ "$(stat -c '%a' "$root/var/lib/refmon")" = 700 ] && inside id refmond >/dev/null || fail "the state folder, or its user"
story=$(inside sh -c 'cd /usr/share/doc/refmon && refmon run examples/impersonation.star')
[[ $story == *STATUS_ACCESS_DENIED* ]] || fail "refmon run: $story"
echo "ok  rpm -i, -V; the programs say v$version; refmon run"
told=$(inside sh -c 'export PKG_CONFIG_PATH=/usr/lib64/pkgconfig LD_LIBRARY_PATH=/usr/lib64; cd /tmp &&
	cc packages/example.c -I/usr/include/refmon -I/usr/include -L/usr/lib64 -lrefmon -o example && ./example | sed -n 2p')
[ "$told" = "as the process: 0x00000000" ] || fail "the C example says $told"
echo "ok  the C example with the library in /usr/lib64"

echo "limits: {connections: 77}" >"$root/etc/refmon/refmond.yaml"
rpms -U --nodeps --replacepkgs $(cd "$root/tmp/packages" && ls ./*.rpm | sed 's#^\.#/tmp/packages#')
[ "$(cat "$root/etc/refmon/refmond.yaml")" = "limits: {connections: 77}" ] || fail "the upgrade changed the configuration"
echo evidence >"$root/var/lib/refmon/trail"
rpms -e --nodeps refmon refmond librefmon0 librefmon-dev
told=$(left | tr '\n' ' ')
[ "$told" = "./etc/refmon/refmond.yaml.rpmsave ./var/lib/refmon/trail " ] || fail "removal leaves $told"
echo "ok  a second rpm leaves the configuration; removal leaves it as .rpmsave, and the state folder"
