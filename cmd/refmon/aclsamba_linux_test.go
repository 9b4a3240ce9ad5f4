package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/smbd"
)

// A real file server shows what refmon acl wrote past it, in the version in which it was
// found, and a server that goes by permissions believes it (F-170, F-171).
func TestSambaOffline(t *testing.T) {
	s := smbd.Start(t, smbd.Share{Name: "v4"},
		smbd.Share{Name: "v3", Config: "\tacl_xattr:ignore system acls = yes\n"})
	for _, share := range []string{"v4", "v3"} {
		if out, err := s.Client("root", share, "mkdir d; cd d; put /etc/hostname f"); err != nil {
			t.Fatalf("smbclient: %v\n%s", err, out)
		}
		s.Cacls("root", share, "d", "--sddl", "-S", "D:PAI(A;OICI;0x1200a9;;;AU)(A;OICI;0x1f01ff;;;BA)")
		dir := filepath.Join(s.Dir, share, "d")
		file := filepath.Join(dir, "f")
		if err := os.WriteFile(filepath.Join(dir, "bare"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			args, shown []string // what the server then shows of the DACL
			name        string
		}{
			{[]string{"set", file, "O:S-1-22-1-1D:P(A;;0x1f01ff;;;WD)"}, []string{"S-1-1-0:0/0x0/0x001f01ff"}, "f"},
			{[]string{"inherit", file}, []string{"S-1-1-0:0/0x0/0x001f01ff", "S-1-5-11:0/0x10/0x001200a9",
				"S-1-5-32-544:0/0x10/0x001f01ff"}, "f"},
			{[]string{"reset", file}, []string{"S-1-5-11:0/0x10/0x001200a9", "S-1-5-32-544:0/0x10/0x001f01ff"}, "f"},
			{[]string{"reset", filepath.Join(dir, "bare")},
				[]string{"S-1-5-11:0/0x10/0x001200a9", "S-1-5-32-544:0/0x10/0x001f01ff"}, "bare"},
		} {
			var out, complaint bytes.Buffer
			args := append([]string{"acl", c.args[0], "--offline"}, c.args[1:]...)
			if code := run(args, &streams{out: &out, err: &complaint}); code != exitGranted ||
				!strings.Contains(complaint.String(), "no rule was asked") {
				t.Errorf("%q: exit %d, %s", args, code, complaint.String())
			}
			got := s.Cacls("root", share, "d/"+c.name, "--numeric")
			want := "ACL:" + strings.Join(c.shown, "\nACL:") + "\n"
			if _, acl, _ := strings.Cut(got, "\nACL:"); "ACL:"+acl != want {
				t.Errorf("%s: %s: the server shows\n%s\nwant\n%s", share, c.args[0], got, want)
			}
			if c.name == "f" && !strings.Contains(got, "OWNER:S-1-22-1-1\n") {
				t.Errorf("%s: %s: the owner is not what was set:\n%s", share, c.args[0], got)
			}
		}
	}
}
