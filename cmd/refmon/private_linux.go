package main

import (
	"fmt"
	"os"
	"syscall"

	"github.com/refmon/refmon/sd"
)

// ownDescriptors reads the descriptor of a file, that of its folder if it has one, and the number of its names. A file
// or folder without a stored descriptor, or with one that its server rejects, is an error. A link is not followed.
// links stays 0 for a directory.
func ownDescriptors(path, attribute string) (h held, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return h, err
	}
	list, err := (&fileFlags{Attribute: attribute}).chain(path)
	if err != nil {
		return h, err
	}
	for _, s := range list[max(len(list)-2, 0):] {
		switch {
		case s.cause != nil:
			return h, fmt.Errorf("%s: %w: its server refuses every user", s.path, s.cause)
		case s.descriptor == nil:
			return h, fmt.Errorf("%s: no descriptor is stored in %s, so its mode and POSIX ACL decide: "+
				"refmon who-can read+write %[1]s -d /etc/passwd -d /etc/group lists who they let in", s.path, attribute)
		}
	}
	last := list[len(list)-1]
	h.object, h.directory = last.descriptor, last.directory
	if n := len(list); n > 1 {
		h.parents = []*sd.Descriptor{list[n-2].descriptor}
	}
	if status, ok := info.Sys().(*syscall.Stat_t); ok && !h.directory { // a directory's count is that of its folders
		h.links = uint32(status.Nlink)
	}
	return h, nil
}
