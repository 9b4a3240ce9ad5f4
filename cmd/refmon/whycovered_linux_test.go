package main

import (
	"testing"

	"github.com/refmon/refmon/internal/mountinfo"
	"github.com/refmon/refmon/internal/test/check"
)

// TestTopmostMountShowsPath checks that the deepest directory counts, and of two mounts on one directory the later one,
// whatever the order of other mounts is.
func TestTopmostMountShowsPath(t *testing.T) {
	const ours = "fuse.refmon"
	mounts := func(pairs ...string) (list []mountinfo.Mount) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, mountinfo.Mount{Point: pairs[i], Type: pairs[i+1]})
		}
		return list
	}
	for path, want := range map[string]string{"/srv/plan": "/srv", "/srv": "/srv", "/srv2/plan": "", "/": "",
		"/srv/usb/plan": "", "/srv/usb2": "/srv"} {
		for _, list := range [][]mountinfo.Mount{mounts("/", "ext4", "/srv", ours, "/srv/usb", "ext4"),
			mounts("/srv/usb", "ext4", "/srv", ours, "/", "ext4"),
			mounts("/", "ext4", "/srv", "ext4", "/srv", ours, "/srv/usb", ours, "/srv/usb", "ext4")} {
			check.Equal(t, refmonMount(list, path), want, "mount that shows %s of %v", path, list)
		}
	}
	covered := mounts("/", "ext4", "/srv", ours, "/srv", "ext4", "/srv/in", ours)
	check.Equal(t, refmonMount(covered, "/srv/plan"), "", "mount of refmond that another one covers")
	check.Equal(t, refmonMount(covered, "/srv/in/plan"), "/srv/in", "mount in a covering one")
	check.Equal(t, refmonMount(mounts("/", ours), "/plan"), "/", "mount on the root")
	check.Equal(t, refmonMount(nil, "/plan"), "", "no mounts")
}
