package tree

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
)

// Folder is a folder on the way to an object.
type Folder struct {
	Path       string
	Mode       uint32         // permission bits, setuid, setgid and sticky
	Descriptor *sd.Descriptor // FILE_TRAVERSE is the host's search permission
}

// FoldersTo returns the folders that the host searches to open a path, each once, starting at the root of the file
// system (B-20). It includes the folders that symbolic links lead through. who maps ids to accounts; nil means S-1-22.
// It fails if the path does not exist, a folder cannot be read or the path has more than 40 links. A relative path
// starts at the current directory.
func FoldersTo(path string, who ntacl.Accounts) (out []Folder, err error) {
	if !filepath.IsAbs(path) {
		at, err := os.Getwd()
		if err != nil {
			return nil, fmt.Errorf("%s: folders on the way: %w", path, err)
		}
		path = at + string(filepath.Separator) + path
	}
	at := filepath.VolumeName(path) + string(filepath.Separator)
	rest := namesOf(path[len(filepath.VolumeName(path)):])
	seen := map[string]bool{}
	for links := 0; len(rest) > 0; {
		if !seen[at] {
			seen[at] = true
			info, d, err := searchOf(osTree{}, at, who)
			if err != nil {
				return nil, fmt.Errorf("%s: search permission: %w", at, err)
			}
			out = append(out, Folder{at, info.Mode, d})
		}
		next := filepath.Join(at, rest[0]) // at has no links left, so ".." is the folder above
		rest = rest[1:]
		info, err := os.Lstat(next)
		if err != nil {
			return nil, err
		}
		if info.Mode()&os.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return nil, fmt.Errorf("%s: folders on the way: more than %d symbolic links", path, maxLinks)
		}
		target, err := os.Readlink(next)
		if err != nil {
			return nil, err
		}
		if filepath.IsAbs(target) {
			at = filepath.VolumeName(target) + string(filepath.Separator)
			target = target[len(filepath.VolumeName(target)):]
		}
		rest = append(namesOf(target), rest...)
	}
	return out, nil
}

// maxLinks is how many symbolic links Linux follows in one path.
const maxLinks = 40

// namesOf returns the names in a path, without empty ones and ".".
func namesOf(path string) []string {
	names := strings.FieldsFunc(path, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(byte(r)) })
	return slices.DeleteFunc(names, func(s string) bool { return s == "." })
}

// searchOf returns information about a folder and the descriptor of its search permission. who maps ids to accounts
// and may be nil. A missing ACL is not an error.
func searchOf(t ntacl.Tree, path string, who ntacl.Accounts) (info ntacl.Info, d *sd.Descriptor, err error) {
	if info, err = t.Lstat(path); err != nil {
		return info, nil, err
	}
	acl, err := t.Attribute(nil, path, "system.posix_acl_access")
	if err != nil {
		return info, nil, err
	}
	d, err = newSearchDescriptor(info, acl, who)
	return info, d, err
}

// way returns the folders on the way to a path that the caller named, from the root of the file system. It returns
// nil for a path without folders.
func (f *files) way(path string) (w *objects.Way, err error) {
	list, err := FoldersTo(path, f.opt.Accounts)
	for _, folder := range list {
		w = f.ways.With(w, folder.Descriptor)
	}
	return w, err
}

// way returns the folders on the way to a file of a batch, above and below the root of the walk. An error about the
// folders above the root counts for each file.
func (r *fileReader) way(from *found, path string) (*objects.Way, error) {
	below, ok := r.reader.Tree.(interface{ name(path string) string })
	if !ok {
		return r.files.way(path)
	}
	if r.root != from.below {
		r.root, r.ways = from.below, map[string]*objects.Way{}
	}
	name := below.name(path)
	if name == "" || from.err != nil {
		return from.above, from.err
	}
	return r.foldersAbove(from, path[:len(path)-len(name)], name)
}

// foldersAbove returns the folders that lead to a file: those of from.above, then root and the folders below root.
// name is the file's path below root. Results are cached, errors are not.
func (r *fileReader) foldersAbove(from *found, root, name string) (w *objects.Way, err error) {
	at := strings.LastIndexByte(name, '/')
	folder := name[:max(at, 0)]
	if w := r.ways[folder]; w != nil {
		return w, nil
	}
	if w = from.above; folder != "" {
		if w, err = r.foldersAbove(from, root, folder); err != nil {
			return nil, err
		}
	}
	_, d, err := searchOf(r.reader.Tree, root+folder, r.files.opt.Accounts)
	if err != nil {
		return nil, err
	}
	if len(r.ways) >= maxPlain {
		clear(r.ways)
	}
	w = r.files.ways.With(w, d)
	r.ways[folder] = w
	return w, nil
}
