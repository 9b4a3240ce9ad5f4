#!/bin/bash
# Adds one version of a module of this repository to a folder that the go command can use as a
# module proxy (GOPROXY=file://FOLDER): goproxy.sh FOLDER MODULE-FOLDER VERSION REVISION
# MODULE-FOLDER is . or server. The archive has the same files as one that the go command creates
# from the repository: the folder without the modules below it.
set -euo pipefail
folder=$1 at=$2 version=$3 revision=$4
module=github.com/refmon/refmon tree=$revision
if [ "$at" != . ]; then
	module+=/$at
	tree+=:$at
fi
files=$folder/$module/@v
mkdir -p "$files"
without=()
while read -r nested; do
	[ "$nested" = go.mod ] || without+=(":(exclude)${nested%/go.mod}")
done < <(git ls-tree -r --name-only "$tree" | grep -E '(^|/)go\.mod$')
git archive --format=zip --prefix="$module@$version/" -o "$files/$version.zip" "$tree" -- . "${without[@]}"
git show "$revision:$( [ "$at" = . ] || echo "$at/")go.mod" >"$files/$version.mod"
echo "{\"Version\":\"$version\",\"Time\":\"$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd "$revision")\"}" >"$files/$version.info"
echo "$version" >>"$files/list"
