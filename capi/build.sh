#!/bin/bash
# Builds librefmon.so, librefmon-ms.so, their kernel-mode companions librefmonk.so
# and librefmonk-ms.so, the headers and the .pc files into a folder
# (default build/capi): bash capi/build.sh [FOLDER]. Needs Go with cgo and a C
# compiler (CC, default cc); GOFLAGS and CFLAGS count as elsewhere, and OPTIMIZE (-O2) is the level of the C code.
# SANITIZE=address,undefined builds its C with those sanitizers, for programs that are built with them too.
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "$0")/../build/capi}")
cd "$(dirname "$0")"
cc=${CC:-cc}
version=$(cat ../VERSION)
# Go does not see that a header in another folder has changed: a flag tells it.
level=${OPTIMIZE:--O2}
flags="${CFLAGS:-} $level -g -DRM_HEADERS=0x$(cat ./*.h include/refmon/*.h | sha256sum | cut -c1-8)"
export CGO_CFLAGS=$flags
sanitize=()
if [[ -n ${SANITIZE:-} ]]; then
	sanitize=("-fsanitize=$SANITIZE" -fno-omit-frame-pointer -g)
	export CGO_CFLAGS="$flags ${sanitize[*]}" CGO_LDFLAGS="-fsanitize=$SANITIZE"
fi
mkdir -p "$out/lib/pkgconfig" "$out/include"
# Symbolic binding keeps calls within the library from reaching functions of
# the same names in librefmon-ms.so, which have another calling convention.
# Without a build id of Go, which tells of flags with the name of this folder in them, two folders give the same bytes.
CGO_ENABLED=1 go build -buildmode=c-shared -ldflags '-s -w -buildid= -extldflags "-Wl,-Bsymbolic -Wl,-soname,librefmon.so.0"' -o "$out/lib/librefmon.so.0" .
rm -f "$out"/lib/librefmon*.h
ln -sf librefmon.so.0 "$out/lib/librefmon.so"
rm -rf "$out/include/refmon"
cp -R include/refmon "$out/include/"
"$cc" -shared -fPIC "$level" -std=gnu11 -Wall "${sanitize[@]}" -Iinclude -o "$out/lib/librefmonk.so.0" \
	kernel/*.c -Wl,-Bsymbolic -Wl,-soname,librefmonk.so.0 "-Wl,-rpath,\$ORIGIN" -L"$out/lib" -lrefmon -lpthread
ln -sf librefmonk.so.0 "$out/lib/librefmonk.so"
machine=$("$cc" -dumpmachine)
# veneers NAME SOURCE... builds the ms_abi forms twice: as a shared library for
# those who look symbols up, and as an archive, because common Windows headers
# declare imported functions hidden, which only a static definition satisfies.
# The archive comes first in the linker script of the plain name. It is one
# object with weak symbols, so that a program's own functions of these names win.
# It asks for a symbol of the shared library, which therefore stays among the
# libraries of the program, before librefmon.so: what is looked up by name at run
# time has the same calling convention as what was linked.
veneers() {
	local name=$1 flags=(-fPIC "$level" -std=gnu11 -Wall "${sanitize[@]}" -DREFMON_MS_ABI -I. -Iinclude) objects
	shift
	objects=$(mktemp -d)
	for source; do
		"$cc" -c "${flags[@]}" -o "$objects/${source//\//-}.o" "$source"
	done
	local anchor=rm_anchor_${name//-/_}
	echo "const char $anchor = 1;" | "$cc" -c -x c "${flags[@]}" -o "$objects/shared" -
	echo "extern const char $anchor; const char *const ${anchor}_used = &$anchor;" | "$cc" -c -x c "${flags[@]}" -o "$objects/static" -
	"$cc" "${sanitize[@]}" -shared -o "$out/lib/lib$name.so.0" "$objects"/*.o "$objects/shared" -Wl,-Bsymbolic -Wl,-soname,"lib$name.so.0" "-Wl,-rpath,\$ORIGIN" -L"$out/lib" -lrefmon -lpthread
	"$cc" -r -nostdlib -o "$objects/all" "$objects"/*.o "$objects/static"
	nm --defined-only --extern-only --format=posix "$objects/all" | cut -d' ' -f1 > "$objects/names"
	objcopy --weaken-symbols="$objects/names" "$objects/all" "$objects/$name.o"
	rm -f "$out/lib/lib$name.a"
	ar rcs "$out/lib/lib$name.a" "$objects/$name.o"
	echo "GROUP ( lib$name.a lib$name.so.0 )" > "$out/lib/lib$name.so"
	rm -r "$objects"
}
if [[ $machine == x86_64* ]]; then
	veneers refmon-ms stubs_gen.c rtl/*.c win/*.c
	veneers refmonk-ms kernel/*.c
fi
cat > "$out/lib/pkgconfig/refmon.pc" <<PC
prefix=\${pcfiledir}/../..
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: refmon
Description: NT access tokens, impersonation and access checks with the documented C prototypes
Version: $version
Libs: -L\${libdir} -lrefmon
Cflags: -I\${includedir}
PC
sed -e 's/^Name: refmon/&k/' -e 's/^Description: .*/Description: the kernel-mode face of refmon: Ps, Se, Ob and Zw routines/' -e 's/-lrefmon/-lrefmonk &/' \
	"$out/lib/pkgconfig/refmon.pc" > "$out/lib/pkgconfig/refmonk.pc"
echo "built in $out"
