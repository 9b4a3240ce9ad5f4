package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/winnt"
)

// A real file server shows what refmon acl wrote to the backing files, in the version in which it found it. A server
// that uses permissions accepts it too (F-170, F-171).
func TestSambaShowsDescriptorsOfRefmonACL(t *testing.T) {
	smbd.SkipUnlessDeep(t)
	s := smbd.Start(t, smbd.Share{Name: "v4"},
		smbd.Share{Name: "v3", Config: "\tacl_xattr:ignore system acls = yes\n"})
	for _, share := range []string{"v4", "v3"} {
		if out, err := s.Client("root", share, "mkdir d; cd d; put /etc/hostname f"); err != nil {
			t.Fatalf("smbclient: %v\n%s", err, out)
		}
		s.Cacls("root", share, "d", "--sddl", "-S", "D:PAI(A;OICI;0x1200a9;;;AU)(A;OICI;0x1f01ff;;;BA)")
		dir := filepath.Join(s.Dir, share, "d")
		file := filepath.Join(dir, "f")
		check.NoError(t, os.WriteFile(filepath.Join(dir, "bare"), nil, 0o644))
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
				!strings.Contains(complaint.String(), "without an access check") {
				t.Errorf("%q: exit %d, want 0 and a note: %s", args, code, complaint.String())
			}
			got := s.Cacls("root", share, "d/"+c.name, "--numeric")
			want := "ACL:" + strings.Join(c.shown, "\nACL:") + "\n"
			if _, acl, _ := strings.Cut(got, "\nACL:"); "ACL:"+acl != want {
				t.Errorf("%s: %s: the server shows\n%s\nwant\n%s", share, c.args[0], got, want)
			}
			check.That(t, c.name != "f" || strings.Contains(got, "OWNER:S-1-22-1-1\n"),
				"%s: %s: the file server shows another owner, want OWNER:S-1-22-1-1:\n%s", share, c.args[0], got)
		}
		decidedAlike(t, s, share)
	}
}

// decidedAlike compares the access check with the server for descriptors with generic bits that were set offline. The
// server does not map generic bits itself (F-201).
func decidedAlike(t *testing.T, s *smbd.Server, share string) {
	t.Helper()
	guest := access.Subject{Primary: s.AsGuest}
	bob := s.AsGuest.User().SID.String()
	file := filepath.Join(s.Dir, share, "generic")
	for _, dir := range []string{filepath.Dir(file), filepath.Dir(filepath.Dir(file))} {
		if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // permissions are to decide nothing
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		text string
		read bool
	}{
		{"D:P(D;;GR;;;" + bob + ")(A;;FA;;;WD)", false},
		{"D:P(D;;GA;;;" + bob + ")(A;;FA;;;WD)", false},
		{"D:P(D;OICIIO;GA;;;" + bob + ")(A;;FA;;;WD)", true},
		{"D:P(A;;GR;;;" + bob + ")", true},
		{"D:P(A;;GA;;;" + bob + ")", true},
		{"D:P(A;;GX;;;" + bob + ")", false},
		{"D:P(A;OICIIO;GA;;;" + bob + ")", false},
		{"D:P(A;;GR;;;" + bob + ")(A;;FR;;;S-1-5-5-0-1001)", true},
	} {
		_ = os.Remove(file)                                                               // the first round finds no file
		err := errors.Join(os.WriteFile(file, []byte("x"), 0o600), os.Chmod(file, 0o777)) //nolint:gosec // likewise
		check.NoError(t, err)
		var out, complaint bytes.Buffer
		args := []string{"acl", "set", "--offline", file, "O:S-1-22-1-1G:S-1-22-2-1" + c.text}
		if code := run(args, &streams{out: &out, err: &complaint}); code != exitGranted {
			t.Fatalf("%q: exit %d, %s, want %d", args, code, complaint.String(), exitGranted)
		}
		o, err := hostfs.OpenOffline(file, hostfs.Config{IgnorePosix: share == "v3"})
		check.NoError(t, err)
		ours := fileaccess.Can(&guest, o.Descriptor(), winnt.FILE_READ_DATA, nil) == winnt.FILE_READ_DATA
		o.Close()
		said, err := s.Client(smbd.Guest, share, "get generic /dev/null")
		if theirs := err == nil; ours != c.read || theirs != c.read {
			t.Errorf("F-201: %s: %s: read here: %t, read at the server: %t, want %t\n%s",
				share, c.text, ours, theirs, c.read,
				said)
		}
	}
}
