package tree

import "strings"

// Contains reports whether path is root or a descendant of root. It compares the texts of clean paths with slashes and
// reads no file system.
func Contains(root, path string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(root, "/"))
}
