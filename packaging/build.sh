#!/bin/bash
# Builds the files of a release into a folder (default dist): archives, deb and rpm packages, the
# Python package, the checksums and the bill of materials.
#
#   bash packaging/build.sh [FOLDER]
#
# If all of them could be built, they replace the files of an earlier release in the folder. It refuses a folder with
# other files.
# TARGETS (linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64) selects the systems, FORMATS
# (tar deb rpm) the files for each. Two runs on one machine with the same compilers give the same bytes.
# The C library is built for Linux if a C compiler for the target is installed. Otherwise the script prints that it
# is left out. QUICK=1 omits -trimpath and the bill of materials, so that packages for tests use the build cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
dist=$(realpath -m "${1:-dist}")
targets=${TARGETS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64}
formats=${FORMATS:-tar deb rpm}
VERSION=$(cat VERSION)
# All files get the time of the commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y VERSION)}
export VERSION SOURCE_DATE_EPOCH TZ=UTC LC_ALL=C
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/release
flags=(-trimpath -buildvcs=false)
[ -z "${QUICK:-}" ] || flags=(-buildvcs=false)

main() {
	mkdir -p "$dist" "$out"
	[ -z "$(others)" ] || { echo "$dist has other things in it: $(others | head -n 3)" >&2; exit 1; }
	local target
	for target in $targets; do build "${target%/*}" "${target#*/}"; done
	[[ $targets != *linux* ]] || python_package
	[ -n "${QUICK:-}" ] || materials
	(cd "$out" && sha256sum -- * >"$work/SHA256SUMS")
	# At each step SHA256SUMS has all files in the folder, so that a run after an interruption replaces them.
	find "$dist" -mindepth 1 ! -name SHA256SUMS -delete
	cp "$work/SHA256SUMS" "$dist/"
	cp "$out"/* "$dist/"
	cat "$dist/SHA256SUMS"
}

# others lists what the folder has besides an earlier release. A folder that has SHA256SUMS may be one of downloads.
others() {
	ls -A "$dist" | grep -vxF -e SHA256SUMS -f <(sed -nE 's/^[0-9a-f]{64}  //p' "$dist/SHA256SUMS" 2>/dev/null) || true
}

# build OS ARCH builds everything for one system.
build() {
	local os=$1 arch=$2 bin=$work/$1-$2/bin suffix=
	mkdir -p "$bin"
	[ "$os" != windows ] || suffix=.exe
	local programs=(./cmd/refmon ./cmd/refmon-verify) server=(./cmd/refmond ./cmd/refmon-gateway ./cmd/refmon-index) p
	compile . "$os" "$arch" "$bin" "${programs[@]}"
	[ "$os" != windows ] || compile record "$os" "$arch" "$bin" ./cmd/refmon-record
	# The servers run on Linux only.
	[ "$os" != linux ] || compile server "$os" "$arch" "$bin" "${server[@]}"
	[ "$os" != linux ] || library "$arch"
	! wanted tar || archive "$os" "$arch" "$suffix"
	[ "$os" = linux ] || return 0
	stage "$arch"
	! wanted deb || packages deb "$arch"
	! wanted rpm || packages rpm "$arch"
}

wanted() { [[ " $formats " == *" $1 "* ]]; }

# compile MODULE OS ARCH FOLDER PACKAGE... builds programs without cgo into FOLDER.
compile() {
	local module=$1 os=$2 arch=$3 bin=$4
	shift 4
	GOOS=$os GOARCH=$arch CGO_ENABLED=0 GOWORK=off go -C "$module" build "${flags[@]}" \
		-ldflags "-s -w -buildid= -X main.release=v$VERSION" -o "$bin/" "$@"
}

# library ARCH builds the C libraries. Without a compiler for ARCH it prints a line and succeeds.
library() {
	local arch=$1 cc=${CC:-cc}
	[ "$arch" = "$(go env GOHOSTARCH)" ] || case $arch in
	arm64) cc=aarch64-linux-gnu-gcc ;;
	amd64) cc=x86_64-linux-gnu-gcc ;;
	esac
	command -v "$cc" >/dev/null || { echo "no $cc here: the C library for linux/$arch is not made"; return 0; }
	local flags
	flags=$([ -n "${QUICK:-}" ] || echo -trimpath)
	CC=$cc GOARCH=$arch GOFLAGS="${GOFLAGS:-} -buildvcs=false $flags" CFLAGS=$([ -n "${QUICK:-}" ] || echo "-ffile-prefix-map=$PWD=.") \
		bash capi/build.sh "$work/linux-$arch/capi" >/dev/null
}

# documents FOLDER copies the documentation and the examples.
documents() {
	mkdir -p "$1"
	cp README.md CHANGELOG.md SECURITY.md LICENSE "$1/"
	cp -R docs examples "$1/"
	rm -rf "$1/docs/adr" "$1"/docs/*.go "$1"/examples/*_test.go "$1/examples/webdav" "$1/examples/sftp"
	find "$1" -name '__pycache__' -prune -exec rm -rf {} +
}

# same FOLDER gives the folder and everything below it the time of the release.
same() {
	find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

# archive OS ARCH SUFFIX creates the archive of a system: zip for Windows, tar.gz for others.
archive() {
	local os=$1 arch=$2 name=refmon_${VERSION}_$1_$2 folder
	folder=$work/archive/$name
	mkdir -p "$folder"
	cp "$work/$os-$arch"/bin/* "$folder/"
	documents "$folder"
	if [ "$os" = linux ]; then
		cp -R clients/python "$folder/python"
		cp -R server/systemd "$folder/systemd"
		rm "$folder"/systemd/*.go
		[ ! -d "$work/linux-$arch/capi" ] || cp -R "$work/linux-$arch/capi" "$folder/c"
	fi
	find "$folder" -name '__pycache__' -prune -exec rm -rf {} +
	same "$folder"
	if [ "$os" = windows ]; then
		python3 packaging/zip.py "$out/$name.zip" "$work/archive" "$name"
	else
		tar -C "$work/archive" --sort=name --owner=0 --group=0 --numeric-owner --format=gnu -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
	fi
}

# stage ARCH arranges the files as the packages install them. The library is separate, because deb
# and rpm install it into different folders.
stage() {
	local arch=$1 root=$work/linux-$1/root doc
	mkdir -p "$root"/usr/bin "$root"/etc/refmon "$root"/etc/apparmor.d "$root"/usr/lib/{systemd/system,sysusers.d,tmpfiles.d}
	cp "$work/linux-$arch"/bin/* "$root/usr/bin/"
	documents "$root/usr/share/doc/refmon"
	for p in refmond librefmon0 librefmon-dev python3-refmon; do
		doc=$root/usr/share/doc/$p
		mkdir -p "$doc"
		cp packaging/copyright "$doc/copyright"
	done
	mv "$root/usr/share/doc/refmon/LICENSE" "$work/LICENSE"
	cp packaging/copyright "$root/usr/share/doc/refmon/copyright"
	cp capi/tests/example.c "$root/usr/share/doc/librefmon-dev/"
	cp server/systemd/refmond-{trees,directory}.conf "$root/usr/share/doc/refmond/"
	for p in refmond.service refmond.socket refmond-mount@.service refmon-gateway.service \
		refmon-index-{broker,keep,watch,directory,work,follow}.service; do
		sed 's#/usr/local/bin/#/usr/bin/#' "server/systemd/$p" >"$root/usr/lib/systemd/system/$p"
	done
	for p in refmond refmon-gateway refmond-mount refmon-index; do cp "server/systemd/$p.sysusers" "$root/usr/lib/sysusers.d/$p.conf"; done
	cp server/systemd/refmond.tmpfiles "$root/usr/lib/tmpfiles.d/refmond.conf"
	cp server/cmd/refmond/refmond.yaml "$root/etc/refmon/refmond.yaml"
	cp server/cmd/refmon-gateway/refmon-gateway.yaml "$root/etc/refmon/gateway.yaml"
	cp packaging/apparmor/* "$root/etc/apparmor.d/"
	same "$root"
}

# packages FORMAT ARCH creates the packages of one format.
packages() {
	local format=$1 arch=$2 name list="refmon refmond" here
	here=$work/linux-$arch/$format
	[ ! -d "$work/linux-$arch/capi" ] || list+=" librefmon0 librefmon-dev"
	[ "$format" != deb ] || list+=" python3-refmon"
	mkdir -p "$here"
	cp -a "$work/linux-$arch/root/." "$here/"
	local triplet=x86_64-linux-gnu
	[ "$arch" = amd64 ] || triplet=aarch64-linux-gnu
	export LIBDIR=/usr/lib/$triplet ARCH=$arch ROOT=$here GLIBC=2.34
	[ "$format" = deb ] || LIBDIR=/usr/lib64
	if [ -d "$work/linux-$arch/capi" ]; then
		bash packaging/install-c.sh "$work/linux-$arch/capi" "$here" /usr "$LIBDIR"
		GLIBC=$(objdump -T "$here$LIBDIR"/librefmon*.so.0 2>/dev/null | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1 | cut -d_ -f2)
		GLIBC=${GLIBC:-2.34}
	fi
	mkdir -p "$here/usr/lib/python3/dist-packages"
	cp -R clients/python/refmon "$here/usr/lib/python3/dist-packages/"
	find "$here" -name '__pycache__' -prune -exec rm -rf {} +
	same "$here"
	for name in $list; do
		ARCH=$arch
		if [ "$name" = python3-refmon ]; then
			[ ! -e "$out/python3-refmon_${VERSION}_all.deb" ] || continue
			ARCH=all
		fi
		"$(nfpm)" package --config "packaging/nfpm/$name.yaml" --packager "$format" --target "$out/" >/dev/null
	done
}

# nfpm builds the packager in the version of tools/dist/go.mod and prints its path.
nfpm() {
	local dir
	dir=${REFMON_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/refmon-tools}/$( (go version; cat tools/dist/go.mod tools/dist/go.sum) | sha256sum | cut -c1-16)
	[ -x "$dir/nfpm" ] || { mkdir -p "$dir" && GOWORK=off go -C tools/dist build -o "$dir/nfpm" github.com/goreleaser/nfpm/v2/cmd/nfpm >&2; }
	echo "$dir/nfpm"
}

# python_package creates the wheel for pip.
python_package() {
	python3 clients/python/backend.py "$out"
}

# materials writes the bill of materials: the modules in each program.
materials() {
	python3 packaging/sbom.py "$VERSION" "$SOURCE_DATE_EPOCH" "$work"/*/bin/* >"$out/refmon_$VERSION.cdx.json"
}

main
