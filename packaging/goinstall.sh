#!/bin/bash
# Tests `go install …@latest` for the programs of both modules: bash packaging/goinstall.sh
# It tags a clone of this repository with packaging/release.sh and serves the tags from a file-based module proxy.
# Without a repository to clone it prints the reason and exits with 77.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
module=github.com/refmon/refmon version=0.0.0-rehearsal.$$
git rev-parse -q --verify HEAD >/dev/null 2>&1 || { echo "SKIPPED: this is not a clone of the repository"; exit 77; }
work=$(mktemp -d)
cache=$(go env GOMODCACHE)
cleanup() { # also removes the test version from the module cache
	for path in "$cache/github.com/refmon/"*"@v$version" "$cache/github.com/refmon/refmon/"*"@v$version"; do
		[ ! -d "$path" ] || { chmod -R u+w "$path" && rm -rf "$path"; }
	done
	rm -rf "$cache"/cache/download/github.com/refmon/refmon{,/server}/@v/{"v$version".*,list,list.lock}
	rmdir -p "$cache"/cache/download/github.com/refmon/refmon/{server/,}@v "$cache/github.com/refmon/refmon" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

git clone -q --shared . "$work/clone"
cd "$work/clone"
export GIT_AUTHOR_NAME=refmon GIT_AUTHOR_EMAIL=refmon@localhost GIT_COMMITTER_NAME=refmon GIT_COMMITTER_EMAIL=refmon@localhost
REHEARSE=1 bash packaging/release.sh "$version" >/dev/null
bash packaging/goproxy.sh "$work/proxy" . "v$version" "v$version"
bash packaging/goproxy.sh "$work/proxy" server "v$version" "server/v$version"
cd "$work"
# Other modules come from the cache, or else from the usual proxy.
export GOPROXY=file://$work/proxy,file://$cache/cache/download,$(go env GOPROXY) GONOSUMDB=$module,$module/server
export GOBIN=$work/bin GOFLAGS=-mod=mod GOWORK=off
go install "$module/cmd/refmon@latest" "$module/cmd/refmon-verify@latest"
go install "$module/server/cmd/refmond@latest"
here=$OLDPWD
bin/refmond --demo >demo 2>&1 &
demo=$!
for _ in $(seq 600); do ! grep -q 'Ctrl-C ends' demo || break; sleep 0.1; done
REFMON_SOCKET=$(sed -nE 's/.*REFMON_SOCKET=(.*)/\1/p' demo) python3 "$here/packaging/pages.py" "$here/docs/README.md" 'go '
kill -INT "$demo"
wait "$demo" || { cat demo; exit 1; }
for told in "$(bin/refmon version)" "$(bin/refmond version)"; do
	[[ $told == *" v$version "* ]] || { echo "FAILED: $told"; exit 1; }
	echo "ok  go install …@latest: $told"
done
