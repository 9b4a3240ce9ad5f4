package dav

import (
	"net/url"
	"strings"
)

// Path names a resource: "/" for the root, else decoded segments, each after a slash. A FileSystem converts URLs to
// paths. The zero value is not a path.
type Path string

// Root is the path of the root.
const Root Path = "/"

// Parent returns the folder of a resource. The root's parent is the root.
func (p Path) Parent() Path {
	i := strings.LastIndexByte(string(p), '/')
	if i <= 0 {
		return Root
	}
	return p[:i]
}

// Join returns the path of a member of a folder. name is one decoded segment; Join does not check it.
func (p Path) Join(name string) Path {
	if p == Root {
		return Path("/" + name)
	}
	return p + "/" + Path(name)
}

// Under reports whether a path is top or below it.
func (p Path) Under(top Path) bool {
	return p == top || top == Root || strings.HasPrefix(string(p), string(top)) && p[len(top)] == '/'
}

// Href returns the escaped URL path. It ends in a slash if folder is set (RFC 4918, 5.2).
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
