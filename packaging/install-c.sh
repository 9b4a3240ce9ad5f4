#!/bin/bash
# Installs the C libraries that capi/build.sh built: install-c.sh BUILT DESTDIR PREFIX LIBDIR.
# It writes PREFIX and LIBDIR into the .pc files, so LIBDIR need not be below PREFIX.
set -euo pipefail
built=$1 dest=$2 prefix=$3 libdir=$4
lib=$dest$libdir
install -d "$lib/pkgconfig" "$dest$prefix/include/refmon"
install -m 0644 "$built"/include/refmon/*.h "$dest$prefix/include/refmon/"
for f in "$built"/lib/*; do
	case $f in
	*.so.0) install -m 0755 "$f" "$lib/" ;;
	*/pkgconfig) ;;
	*) if [ -L "$f" ]; then cp -d "$f" "$lib/"; else install -m 0644 "$f" "$lib/"; fi ;;
	esac
done
# escaped PATH writes a path for a .pc file, in which a blank ends a word, as the replacement of a sed command.
escaped() { printf %s "$1" | sed -e 's/[ \t\\#]/\\&/g' -e 's/[\\&#]/\\&/g'; }
for f in "$built"/lib/pkgconfig/*.pc; do
	sed -e "s#^prefix=.*#prefix=$(escaped "$prefix")#" -e "s#^libdir=.*#libdir=$(escaped "$libdir")#" "$f" >"$lib/pkgconfig/${f##*/}"
	chmod 0644 "$lib/pkgconfig/${f##*/}"
done
