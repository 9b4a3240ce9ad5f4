package dav

import (
	"net/url"
	"strings"
)

// Path names a resource: "/" for the root, else decoded segments, each after a slash, and no final slash. A
// FileSystem converts URLs to paths. The zero value "" is not a path.
type Path string

// Root is the path of the root.
const Root Path = "/"

// Parent returns the path of the folder that contains p. The parent of the root is the root.
func (p Path) Parent() Path {
	i := strings.LastIndexByte(string(p), '/')
	if i <= 0 {
		return Root
	}
	return p[:i]
}

// Join returns the path of the member called name in the folder p. name is one decoded segment, which Join does not
// check.
func (p Path) Join(name string) Path {
	if p == Root {
		return Path("/" + name)
	}
	return p + "/" + Path(name)
}

// Under reports whether p equals top or is a descendant of it. Every path is under the root.
func (p Path) Under(top Path) bool {
	return p == top || top == Root || strings.HasPrefix(string(p), string(top)) && p[len(top)] == '/'
}

// Href returns the path as an escaped URL path. If folder is set, it ends in a slash (RFC 4918, 5.2). The root is "/"
// in either case.
func (p Path) Href(folder bool) string {
	if p == Root {
		return "/"
	}
	var b strings.Builder
	for part := range strings.SplitSeq(string(p[1:]), "/") {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(part))
	}
	if folder {
		b.WriteByte('/')
	}
	return b.String()
}
