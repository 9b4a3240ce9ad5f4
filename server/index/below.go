package index

import (
	"path"
	"slices"
	"strings"
)

// folders has the names in each folder that leads to a document. The key of a folder is its path with a slash at the
// end. It finds the documents below a folder without a search of all documents.
type folders map[string]map[string]struct{}

// link adds a document's path, with all folders above. The folders need not be documents. A known document has no
// effect.
func (f folders) link(at string) {
	for at != "" && at != "/" {
		dir, name := path.Split(at)
		known := f[dir] != nil
		if !known {
			f[dir] = map[string]struct{}{}
		}
		f[dir][name] = struct{}{}
		if known || dir == "" {
			return
		}
		at = dir[:len(dir)-1]
	}
}

// unlink removes a former document. It then removes each folder above that has become empty and is no document. is
// reports whether a path is a document. unlink does nothing if the path still is one or has members.
func (f folders) unlink(at string, is func(at string) bool) {
	for len(f[at+"/"]) == 0 && !is(at) {
		dir, name := path.Split(at)
		delete(f[dir], name)
		if len(f[dir]) > 0 || dir == "" {
			return
		}
		delete(f, dir)
		at = dir[:len(dir)-1]
	}
}

// under returns the documents at and below a path. A folder comes before its members, and members are in the order of
// their names. is reports whether a path is a document. Without documents the result is nil.
func (f folders) under(at string, is func(at string) bool) (out []string) {
	if is(at) {
		out = append(out, at)
	}
	folder := strings.TrimSuffix(at, "/") + "/" // the folder / has its slash
	names := make([]string, 0, len(f[folder]))
	for name := range f[folder] {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		out = append(out, f.under(folder+name, is)...)
	}
	return out
}
