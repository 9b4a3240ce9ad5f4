package mount

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
)

// TestNotMade: attributes of the host that say more than a descriptor are not kept, nor links that others made, and
// programs are told in the words for a file system without them.
func TestNotMade(t *testing.T) {
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	w.file("d/f", "", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	at := filepath.Join(w.at, "d/f")
	const entry = "\x00\x07\x00\xff\xff\xff\xff" // behind its tag
	for name, value := range map[string]string{"trusted.x": "x", "security.ima": "x",
		"security.capability":     "\x00\x00\x00\x02" + strings.Repeat("\x01\x00\x00\x00", 4), // version 2
		"system.posix_acl_access": "\x02\x00\x00\x00\x01" + entry + "\x04" + entry + "\x20" + entry,
	} {
		if err := unix.Setxattr(at, name, []byte(value), 0); !errors.Is(err, unix.EOPNOTSUPP) {
			t.Errorf("M-22: setting %s: %v", name, err)
		}
	}
	w.must(os.Symlink("/etc/passwd", filepath.Join(w.root, "d/link")))
	w.sees(0, "f", "ls", "d")
	w.refused(0, "Permission denied", "cat", "d/link")
	w.refused(0, "Permission denied", "readlink", "-v", "d/link")
}

// TestSpecialBits: whatever changes the contents of a file through the mount clears its set-uid
// and set-gid bits below (F-125), for the host's kernel leaves that to us.
func TestSpecialBits(t *testing.T) {
	for name, plain := range map[string]bool{"past the mount": false, "plain": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = plain })
			for name, script := range map[string]string{
				"overwrite": "dd if=/dev/zero of=f count=1 conv=notrunc status=none", "append": "echo x >> f", "empty": ": > f",
				"truncate": "truncate -s 1 f", "reserve": "fallocate -l 4096 f", "give up": "fallocate -p -o 0 -l 4096 f",
				"map": `python3 -c 'import mmap; f = open("f", "r+b"); m = mmap.mmap(f.fileno(), 4); m[0:1] = b"m"; m.flush()'`,
			} {
				if _, err := exec.LookPath("python3"); err != nil && name == "map" {
					t.Log("no python3 to map a file with: ", err)
					continue
				}
				w.file("f", "text", "O:BAG:SYD:P(A;;FA;;;WD)")
				w.must(unix.Chmod(filepath.Join(w.root, "f"), 0o6755))
				w.sees(bob, "", "sh", "-c", script)
				info, err := os.Stat(filepath.Join(w.root, "f"))
				w.must(err)
				if special := info.Mode() & (os.ModeSetuid | os.ModeSetgid); special != 0 {
					t.Errorf("F-125: %s leaves %v", name, special)
				}
				w.must(os.Remove(filepath.Join(w.root, "f")))
			}
		})
	}
}
