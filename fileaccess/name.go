package fileaccess

import (
	"strings"
	"unicode/utf8"
)

// maxName is the longest component and the longest stream name, in UTF-16
// units (MS-FSCC 2.1.5).
const maxName = 255

// ValidName reports whether a path below the root of a share is well formed (MS-FSCC
// 2.1.5): components separated by single backslashes, each of 1 to 255 UTF-16 units
// without control characters and without any of " * / : < > ? |; "." and ".." are not
// allowed. The last component may be followed by a stream name and a stream type, and
// one backslash may end the path. The empty path is the root.
func ValidName(path string) bool {
	if path == "" || path == `\` {
		return true
	}
	path = strings.TrimSuffix(path, `\`)
	for {
		i := strings.IndexByte(path, '\\')
		if i < 0 {
			break
		}
		if !validComponent(path[:i]) {
			return false
		}
		path = path[i+1:]
	}
	file, stream, has := strings.Cut(path, ":")
	return validComponent(file) && (!has || validStream(stream))
}

// validComponent reports whether s is a valid name of a file or directory. "", "." and ".." are not. It has at most
// maxName bytes in ASCII. For other text validText decides.
func validComponent(s string) bool {
	if s == "." || s == ".." {
		return false
	}
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] >= utf8.RuneSelf:
			return validText(s, forbiddenInNames, 0x20)
		case !nameBytes[s[i]]:
			return false
		}
	}
	return len(s) <= maxName
}

// forbiddenInNames are the printable characters that no component has.
const forbiddenInNames = `"*/:<>?|`

// nameBytes tells the ASCII characters that a component may have. Each lookup checks its name several times, and each
// listing all names of a directory.
var nameBytes = func() (t [utf8.RuneSelf]bool) {
	for c := range byte(utf8.RuneSelf) {
		t[c] = c >= 0x20 && strings.IndexByte(forbiddenInNames, c) < 0
	}
	return t
}()

// validStream reports whether the text after the first colon is valid: a stream name, or a name and a type, of which at
// most one is empty. Only $DATA and $INDEX_ALLOCATION are types. They and the index name $I30 match in any case.
func validStream(s string) bool {
	name, kind, has := strings.Cut(s, ":")
	if !validText(name, `/:`, 1) {
		return false
	}
	if !has {
		return name != ""
	}
	return strings.EqualFold(kind, "$DATA") ||
		strings.EqualFold(kind, "$INDEX_ALLOCATION") && (name == "" || strings.EqualFold(name, "$I30"))
}

// validText reports whether s has at most maxName UTF-16 units, no forbidden character and none below least. An empty
// text is valid. Malformed UTF-8 is not an error.
func validText(s, forbidden string, least byte) bool {
	units := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < least || strings.IndexByte(forbidden, c) >= 0 {
				return false
			}
			units++
			continue
		}
		if utf8.RuneStart(c) { // one unit a character, two above the basic plane
			units++
			if c >= 0xF0 {
				units++
			}
		}
	}
	return units <= maxName
}

// Unparsed returns the part of the name after component at (Decision.StoppedAt), with its
// leading backslash, or "" after the last component. A negative at gives the whole name. After
// STATUS_STOPPED_ON_SYMLINK the client must resolve this part again.
func (r *Request) Unparsed(at int) string {
	rest := strings.TrimPrefix(r.Name, `\`)
	if at < 0 {
		return `\` + rest
	}
	for ; at >= 0; at-- {
		i := strings.IndexByte(rest, '\\')
		if i < 0 {
			return ""
		}
		rest = rest[i+1:]
	}
	return r.Name[len(r.Name)-len(rest)-1:]
}
