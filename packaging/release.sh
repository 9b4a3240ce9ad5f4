#!/bin/bash
# Tags a release of both modules: bash packaging/release.sh [VERSION] (default: the contents of VERSION).
#
# The tag v0.1.0 is the commit that is checked out. server/go.mod uses the root module through a
# replace line, which `go install …@version` rejects. The tag server/v0.1.0 is therefore a separate
# commit after it, outside the branch, whose server/go.mod requires v0.1.0 and has no replace line.
# The script computes the checksum of v0.1.0 for its go.sum as the go command does. It pushes
# nothing; its last line prints the command for that. REHEARSE=1 skips the checks of CHANGELOG.md
# and VERSION.
set -euo pipefail
version=${1:-$(cat VERSION)}
module=github.com/refmon/refmon
cd "$(git rev-parse --show-toplevel)"
die() { echo "release.sh: $*" >&2; exit 1; }
[ -z "$(git status --porcelain)" ] || die "the working tree has changes that are not committed"
! git rev-parse -q --verify "refs/tags/v$version" >/dev/null || die "v$version is there already"
if [ -z "${REHEARSE:-}" ]; then
	[ "$version" = "$(cat VERSION)" ] || die "VERSION says $(cat VERSION)"
	grep -q "^## $version\b" CHANGELOG.md || die "CHANGELOG.md has no section $version"
fi
work=$(mktemp -d)
cleanup() {
	git worktree remove --force "$work/tree" 2>/dev/null || true
	chmod -R u+w "$work" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

bash packaging/goproxy.sh "$work/proxy" . "v$version" HEAD
told=$(cd "$work" && GOFLAGS=-mod=mod GOWORK=off GONOSUMDB=$module GONOSUMCHECK=1 GOPROXY=file://$work/proxy GOMODCACHE=$work/cache \
	go mod download -json "$module@v$version")
sum=$(sed -nE 's/.*"Sum": "(.*)".*/\1/p' <<<"$told")
mod=$(sed -nE 's/.*"GoModSum": "(.*)".*/\1/p' <<<"$told")
[ -n "$sum" ] && [ -n "$mod" ] || die "the go command gives no sum: $told"

git worktree add -q --detach "$work/tree" HEAD
(
	cd "$work/tree/server"
	go mod edit -dropreplace="$module" -require="$module@v$version"
	printf '%s v%s %s\n%s v%s/go.mod %s\n' "$module" "$version" "$sum" "$module" "$version" "$mod" >>go.sum
	LC_ALL=C sort -o go.sum go.sum
	git commit -q -m "server: asks for $module v$version" go.mod go.sum
	git tag -a -m "server of refmon $version" "server/v$version"
)
git tag -a -m "refmon $version" "v$version"
echo "v$version and server/v$version are tagged; publish them with"
echo "  git push origin v$version server/v$version"
