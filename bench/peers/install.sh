#!/usr/bin/env bash
# Installs the peers that Debian ships: Samba's headers and libraries, its
# Python binding, and what cgo needs to call them. Needs root; asks for nothing.
# A peer that cannot be installed is left out of the run, with the reason.
set -u
packages=(gcc libc6-dev pkg-config samba-libs samba-dev libtalloc-dev python3-samba)
missing=()
for p in "${packages[@]}"; do
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0
command -v apt-get >/dev/null || { echo "no apt-get here: install ${missing[*]} yourself" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "not root, so nothing was installed; missing: ${missing[*]}" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; }
install || { apt-get update -qq && install; }
