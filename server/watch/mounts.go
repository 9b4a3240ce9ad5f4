package watch

import (
	"errors"
	"strings"
)

var errForeign = errors.New("another file system or folder is mounted here, which is not a part of this tree")

// covers reports whether another file system hides a path. covered means that the path is a mount point or below one;
// point means that it is a mount point itself. A nil table covers nothing. The path must be absolute, without a slash
// at its end.
func (m *mountTable) covers(path string) (covered, point bool) {
	if m == nil || len(m.points) == 0 {
		return false, false
	}
	if _, point = m.points[path]; point {
		return true, true
	}
	for at := strings.LastIndexByte(path, '/'); at > 0; at = strings.LastIndexByte(path[:at], '/') {
		if _, covered = m.points[path[:at]]; covered {
			return true, false
		}
	}
	return false, false
}
