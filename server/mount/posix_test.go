package mount

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hanwen/go-fuse/v2/posixtest"
)

// unfit are the tests of go-fuse that say nothing about the mount. XAttrLarge skips itself on ext4, here as without the
// mount: 8 KiB of attributes do not fit there (M-35).
var unfit = map[string]string{
	"FcntlFlockLocksFile": "it fails on ext4, too: both locks are of one process",
	"OpenSymlinkRace":     "it fails on ext4, too: it wants what O_NOFOLLOW forbids",
}

// TestPosix: go-fuse's tests of a file system pass through the mount, for a user with
// full control; names go at once (M-20).
func TestPosix(t *testing.T) {
	w := newWorld(t)
	w.dir("all", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	for _, name := range slices.Sorted(maps.Keys(posixtest.All)) {
		t.Run(name, func(t *testing.T) {
			if why := unfit[name]; why != "" {
				t.Skip(why)
			}
			dir := filepath.Join(w.at, "all", name)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			posixtest.All[name](t, dir)
		})
	}
}
