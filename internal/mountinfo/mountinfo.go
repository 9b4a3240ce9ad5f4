// Package mountinfo reads the mounts that this process sees on Linux. On other systems [Read] fails.
package mountinfo

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Mount describes one mount. Names are decoded.
type Mount struct {
	ID, Parent   string // of the mount and of the mount that it is on
	Device       string // the file system's device number, as "major:minor"
	Root, Point  string // the mounted directory in its file system, and where this process sees it
	Type, Source string // for example "fuse.refmon" and the tree's name
}

// Read returns the mounts of this process's namespace in the kernel's order: of two mounts on one directory, the later
// one covers the earlier. A malformed line is an error.
func Read() ([]Mount, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return Parse(string(text))
}

// Parse reads a table in the form of proc_pid_mountinfo(5).
func Parse(text string) (list []Mount, err error) {
	for line := range strings.Lines(text) {
		mount, system, ok := strings.Cut(line, " - ")
		// The kernel escapes blanks in a name, but not Unicode spaces, at which strings.Fields splits.
		m, s := strings.Split(mount, " "), strings.Split(system, " ")
		if !ok || len(m) < 6 || len(s) < 3 {
			return nil, fmt.Errorf("/proc/self/mountinfo: malformed line %q", line)
		}
		list = append(list, Mount{ID: m[0], Parent: m[1], Device: m[2], Root: decode(m[3]), Point: decode(m[4]),
			Type: decode(s[0]), Source: decode(s[1])})
	}
	return list, nil
}

// decode replaces each backslash and three octal digits by the byte. It leaves a malformed escape unchanged.
func decode(text string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, `\`)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		if n, err := strconv.ParseUint(rest[:min(3, len(rest))], 8, 8); err == nil && len(rest) >= 3 {
			out.WriteByte(byte(n))
			rest = rest[3:]
		} else {
			out.WriteByte('\\')
		}
		text = rest
	}
}
