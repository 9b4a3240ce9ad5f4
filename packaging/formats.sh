#!/bin/bash
# Rehearses an upgrade and a downgrade with the installed packages, as root: formats.sh RELEASES OLD.deb NEW.deb
#
# The programs read the files of each release in the folder RELEASES (testdata/formats). Then the files get the number
# of a later format, and the older package must refuse each one, say what to do, and change nothing. With the newer
# package and the files as they were, everything is there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# serve DIRECTORY starts refmond with a copy of a store of accounts, lists the accounts, and stops it.
serve() {
	local pid
	printf 'state: %s/state\nsocket: %s/s\nadminSocket: %s/a\n' "$1" "$1" "$1" >"$1/refmond.yaml"
	refmond serve --config "$1/refmond.yaml" 2>"$1/log" &
	pid=$!
	for _ in $(seq 300); do
		! grep -q msg=ready "$1/log" || break
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	refmond account --socket "$1/a" list 2>>"$1/log" || true
	kill -INT $pid 2>/dev/null || true
	wait $pid 2>/dev/null || true
}

# later FILE gives a file the number of a later format.
later() {
	python3 -c '
import sys
name = sys.argv[1]
b = bytearray(open(name, "rb").read())
if name.endswith(".log"):  # the version of a segment is in its bytes 4 and 5
    b[4:6] = bytes(2 if x else 0 for x in b[4:6])
else:
    assert b"\"format\":1" in b
    b = b.replace(b"\"format\":1", b"\"format\":2")
open(name, "wb").write(b)' "$1"
}

# refuses PROGRAM… must fail with the remedy.
refuses() {
	local out
	! out=$("$@" 2>&1) || fail "$* takes a later format: $out"
	[[ $out == *"use the release that wrote it"* ]] || fail "$* says $out"
}

for release in "$1"/*/; do
	release=${release%/} at=$work/$(basename "$release")
	mkdir -p "$at/state"
	chmod 700 "$at/state"
	gunzip <"$release/accounts/accounts.db.gz" >"$at/state/accounts.db"
	chmod 600 "$at/state/accounts.db"
	cp -R "$release/audit" "$release/index" "$at/"
	accounts=$(serve "$at")
	[[ $accounts == *alice* ]] || fail "accounts of $release: $accounts $(cat "$at/log")"
	refmon audit verify "$at/audit" >/dev/null || fail "the trail of $release"
	changes=$(refmon-index changes --after 0 --state "$at/index")
	[[ $changes == *gained* ]] || fail "the index of $release: $changes"
	refmon-verify "$release"/certificate/{certificate,certificate.sd,token.json} >/dev/null ||
		fail "the certificate of $release"
	echo "ok  the packages read the accounts, the trail, the index and the certificates of $(basename "$release")"

	dpkg -i "$2" >/dev/null 2>&1 || fail "dpkg -i $2"
	cp -R "$at" "$work/later"
	later "$work/later/state/accounts.db"
	later "$work/later/audit/audit-0000000000000001.log"
	later "$work/later/index/events.jsonl"
	sums=$(cd "$work/later" && sha256sum state/accounts.db audit/*.log index/*)
	listed=$(serve "$work/later")
	[ -z "$listed" ] && grep -q 'accounts.db.*use the release that wrote it' "$work/later/log" ||
		fail "the older refmond with later accounts: $listed $(cat "$work/later/log")"
	refuses refmon audit verify "$work/later/audit"
	refuses refmon-index changes --after 0 --state "$work/later/index"
	[ "$sums" = "$(cd "$work/later" && sha256sum state/accounts.db audit/*.log index/*)" ] || fail "a file was changed"
	dpkg -i "$3" >/dev/null || fail "dpkg -i $3"
	[ "$(serve "$at")" = "$accounts" ] || fail "accounts after the downgrade: $(cat "$at/log")"
	rm -rf "$work/later"
	echo "ok  a downgrade: the older package refuses later formats, says what to do, and changes nothing"
done
