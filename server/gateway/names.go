package gateway

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/fileaccess"
)

// Bounds of names.
const (
	longestPath = 4096 // bytes, decoded
	longestName = 255  // bytes, as the file systems of Linux have it
	deepest     = 128  // components
)

// uploadPrefix begins the names of files that are being uploaded. They are in no listing
// and cannot be asked for.
const uploadPrefix = ".~refmon-"

// place is a name that a request means: a file of a tree, or the root above the trees.
type place struct {
	tree string // "": the root
	path string // below the tree, with backslashes; "": the tree itself
}

// object returns the name by which refmond knows the file.
func (p place) object() string {
	if p.path == "" {
		return `\??\` + p.tree + `\`
	}
	return `\??\` + p.tree + `\` + p.path
}

// above returns the directory that the name is in, and the name there.
func (p place) above() (place, string) {
	at := strings.LastIndexByte(p.path, '\\')
	if at < 0 {
		return place{p.tree, ""}, p.path
	}
	return place{p.tree, p.path[:at]}, p.path[at+1:]
}

// below returns a name in a directory.
func (p place) below(name string) place {
	if p.path == "" {
		return place{p.tree, name}
	}
	return place{p.tree, p.path + `\` + name}
}

// href returns the name as a path of HTTP, which ends in / for a directory.
func (p place) href(dir bool) string {
	if p.tree == "" {
		return "/"
	}
	var b strings.Builder
	b.WriteString("/" + url.PathEscape(p.tree))
	if p.path != "" {
		for part := range strings.SplitSeq(p.path, `\`) {
			b.WriteString("/" + url.PathEscape(part))
		}
	}
	if dir {
		b.WriteByte('/')
	}
	return b.String()
}

// parsePlace reads the path of a URL. ok says that the path means one place whatever reads
// it: no dots, doubled or encoded slashes, backslashes, NUL or broken UTF-8 (G-10). A
// place that no file can be at is the zero tree with a path, which nothing finds.
func parsePlace(u *url.URL) (p place, dir, ok bool) {
	text := u.Path
	if len(text) > longestPath || !strings.HasPrefix(text, "/") || !utf8.ValidString(text) ||
		strings.ContainsAny(text, "\x00\\") || strings.Contains(strings.ToLower(u.RawPath), "%2f") {
		return p, false, false
	}
	dir = strings.HasSuffix(text, "/")
	text = strings.TrimSuffix(text[1:], "/")
	if text == "" {
		return p, true, len(u.Path) == 1
	}
	parts := strings.Split(text, "/")
	if len(parts) > deepest {
		return p, false, false
	}
	for _, part := range parts {
		// A name that two readers may take for two places is refused, never cleaned up (G-10).
		if part == "" || part == "." || part == ".." || len(part) > longestName {
			return p, false, false
		}
	}
	p = place{parts[0], strings.Join(parts[1:], `\`)}
	return p, dir, true
}

// possible reports whether a file can have the name: Windows has no such names, and those
// of uploads are the gateway's own (G-11).
func (p place) possible() bool {
	if p.path == "" {
		return true
	}
	for part := range strings.SplitSeq(p.path, `\`) {
		if strings.HasPrefix(part, uploadPrefix) || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") {
			return false
		}
	}
	return !strings.Contains(p.path, ":") && fileaccess.ValidName(p.path)
}
