package mount

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestThreeShells: three users of this host, each in a shell on the mount, see what the
// descriptors that were set through a file server give them (M-1).
func TestThreeShells(t *testing.T) {
	needs(t)
	s := smbd.Start(t, smbd.Share{Name: "share", Config: "\tacl_xattr:ignore system acls = yes\n"})
	root := filepath.Join(s.Dir, "share")
	const carol = 61003
	for name, text := range map[string]string{
		"plan":    "D:P(A;;0x1f01ff;;;S-1-22-1-61001)(A;;0x120089;;;S-1-22-1-61002)",
		"payroll": "D:P(D;;0x1f01ff;;;S-1-22-1-61002)(A;;0x120089;;;WD)",
		"staff":   "D:P(A;;0x1f01ff;;;S-1-22-2-62001)(A;;0x120089;;;S-1-22-1-61003)",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte("of "+name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.Cacls("root", "share", name, "--sddl", "-S", text)
	}
	w := newWorld(t, func(c *hostfs.Config, _ *Config) { c.Path, c.IgnorePosix = root, true })
	can := 0
	for _, name := range []string{"plan", "payroll", "staff"} {
		value := make([]byte, 1<<16)
		n, err := unix.Getxattr(filepath.Join(root, name), ntacl.Name, value)
		w.must(err)
		a, err := ntacl.Decode(value[:n])
		w.must(err)
		for _, uid := range []uint32{alice, bob, carol} {
			r, err := people{}.LogOn(uid, uid)
			w.must(err)
			tok, err := token.New(r.Token)
			w.must(err)
			for _, op := range []struct {
				script string
				want   winnt.AccessMask
			}{
				{"cat " + name, winnt.FILE_READ_DATA | winnt.SYNCHRONIZE},
				{": >> " + name, winnt.FILE_APPEND_DATA | winnt.SYNCHRONIZE},
			} {
				d, err := access.Check(tok, a.Descriptor, op.want, winnt.FileObject)
				w.must(err)
				out, err := w.run(uid, "sh", "-c", op.script)
				if (err == nil) != d.Allowed() || err != nil && !strings.Contains(out, "Permission denied") {
					t.Errorf("uid %d: %s: %q, %v; the check allows it: %t", uid, op.script, out, err, d.Allowed())
				}
				if d.Allowed() {
					can++
				}
			}
		}
	}
	// alice: both on plan and staff, reads payroll; bob: reads plan; carol: reads payroll and staff.
	if can != 8 {
		t.Errorf("%d of 18 are allowed, want 8", can)
	}
}
