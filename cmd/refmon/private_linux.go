package main

import (
	"fmt"
	"os"
	"syscall"

	"github.com/refmon/refmon/sd"
)

// ownDescriptors reads the descriptors of a file and its folder, and the file's link count. A missing or rejected
// descriptor is an error. A path without a folder has no parents. A symbolic link is an error. For a directory links
// stays 0.
func ownDescriptors(path, attribute string) (h privateObject, err error) {
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
	// The link count of a directory is that of its subdirectories.
	if status, ok := info.Sys().(*syscall.Stat_t); ok && !h.directory {
		h.links = uint32(status.Nlink)
	}
	return h, nil
}
