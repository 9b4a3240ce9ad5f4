package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/server/gateway/dav"
)

// Limits of names.
const (
	longestPath = 4096 // bytes, decoded
	longestName = 255  // bytes, the limit of Linux file systems
	deepest     = 128  // components
)

// uploadPrefix starts the names of unfinished uploads. Listings leave them out and requests cannot name them.
const uploadPrefix = nt.UploadPrefix

// place names a file in a tree that the gateway serves. The zero value is the root above the trees.
type place struct {
	tree string // "": the root
	path string // below the tree, with backslashes; "": the tree itself
}

// object returns the file's path in refmond's object namespace, such as \??\tree\dir\file. For a tree it ends in a
// backslash.
func (p place) object() string {
	return `\??\` + p.tree + `\` + p.path
}

// above returns the parent directory and the last component of the path. For a tree's root it returns that root and
// "".
func (p place) above() (place, string) {
	at := strings.LastIndexByte(p.path, '\\')
	if at < 0 {
		return place{p.tree, ""}, p.path
	}
	return place{p.tree, p.path[:at]}, p.path[at+1:]
}

// below returns the place of the member called name in the directory p. p is in a tree or a tree's root, not the root
// above the trees. name is not checked.
func (p place) below(name string) place {
	if p.path == "" {
		return place{p.tree, name}
	}
	return place{p.tree, p.path + `\` + name}
}

// href returns the place as an escaped URL path, which ends in a slash if dir is set. The root above the trees is
// "/". Each component is escaped on its own.
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

// parsePlace converts the path of a URL to a place; the file need not exist. dir reports a final slash, which is
// dropped. "/" is a place without a tree. The error says what is wrong with a path that is too long or deep, is not
// UTF-8, or could be resolved in two ways, as with ".." or an encoded slash (G-10).
func parsePlace(u *url.URL) (p place, dir bool, err error) {
	text := u.Path
	switch {
	case len(text) > longestPath:
		return p, false, fmt.Errorf("it has more than %d bytes", longestPath)
	case !strings.HasPrefix(text, "/"):
		return p, false, errors.New("it does not begin with a slash")
	case !utf8.ValidString(text):
		return p, false, errors.New("it is not UTF-8")
	case strings.ContainsAny(text, "\x00\\") || strings.Contains(strings.ToLower(u.RawPath), "%2f"):
		return p, false, errors.New("it has a backslash, a NUL or an encoded slash")
	}
	dir = strings.HasSuffix(text, "/")
	text = strings.TrimSuffix(text[1:], "/")
	if text == "" && len(u.Path) == 1 {
		return p, true, nil
	}
	parts := strings.Split(text, "/")
	if len(parts) > deepest {
		return p, false, fmt.Errorf("it has more than %d names", deepest)
	}
	for _, part := range parts {
		// Another program could resolve such a path differently, so it is rejected, never normalized (G-10).
		if part == "" || part == "." || part == ".." {
			return p, false, fmt.Errorf("one of its names is %q", part)
		}
		if len(part) > longestName {
			return p, false, fmt.Errorf("one of its names has more than %d bytes", longestName)
		}
	}
	return place{parts[0], strings.Join(parts[1:], `\`)}, dir, nil
}

// parseFile converts the path of a URL to a place, as [parsePlace] does; slash reports a final slash. refused is nil
// on success. It is a 400 refusal for an invalid or ambiguous path (G-10) and for a name that Windows forbids (G-11).
func parseFile(u *url.URL) (at place, slash bool, refused dav.Refusal) {
	at, slash, err := parsePlace(u)
	if err != nil {
		return at, slash, dav.Refuse(http.StatusBadRequest, "this path is not a valid path of a file: "+err.Error())
	}
	for part := range strings.SplitSeq(at.path, `\`) {
		if why := forbidden(part); why != "" {
			return at, slash, dav.Refuse(http.StatusBadRequest, "Windows does not allow this name: "+why)
		}
	}
	return at, slash, nil
}

// forbidden returns a text that says why Windows forbids a path component, or "" if it is allowed or empty (MS-FSCC
// 2.1.5.2). Reserved device names such as NUL are allowed. Characters beyond ASCII are allowed.
func forbidden(part string) string {
	const reserved = `"*/:<>?\|`
	switch {
	case part == "":
		return ""
	case strings.ContainsAny(part, reserved):
		return "it has one of the characters " + reserved
	case strings.ContainsFunc(part, func(r rune) bool { return r < ' ' }):
		return "it has a control character"
	case strings.HasSuffix(part, ".") || strings.HasSuffix(part, " "):
		return "it ends in a dot or a space"
	}
	return ""
}

// possible reports whether the gateway lets clients use the path. It returns false for names that Windows forbids and
// for those of unfinished uploads (G-11). It does not check the tree's name or whether the file exists.
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
