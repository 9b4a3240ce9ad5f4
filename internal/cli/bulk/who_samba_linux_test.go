package bulk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// samba is a server with the helpers of the tests.
type samba struct{ *smbd.Server }

func (s *samba) must(err error) {
	s.T.Helper()
	check.NoError(s.T, err)
}

// sambaShares are a folder with the server's default attribute, which complements the POSIX permissions, and one
// whose attribute replaces them.
var sambaShares = []struct {
	name, config string
	version      uint16
}{
	{"v4", "", 4},
	{"v3", "\tacl_xattr:ignore system acls = yes\n", 3},
}

// sambaFiles are the descriptors that are set through SMB, with the principals of sambaDirectory that can read the
// file, determined manually. Masks are numbers, because the server's FA differs from Windows'. GUEST means the
// account's SID.
var sambaFiles = []struct {
	path, sddl string
	readers    []string
}{
	{"open", "D:P(A;;0x120089;;;WD)", []string{"alice", "bob", "carol"}},
	{"denied first", "D:P(D;;0x120089;;;S-1-5-21-1-2-3-2001)(A;;0x1f01ff;;;WD)", []string{"bob", "carol"}},
	{"a group", "D:P(D;;0x2;;;S-1-5-21-1-2-3-1107)(A;;0x1f01ff;;;S-1-5-21-1-2-3-2001)(A;;0x1f01ff;;;SY)",
		[]string{"alice"}},
	{"named", "D:P(A;;0x1f01ff;;;S-1-5-21-1-2-3-1108)(D;;0x6;;;GUEST)(A;;0x12019f;;;GUEST)", []string{"bob"}},
	{"owned", "O:S-1-22-1-1G:S-1-22-2-1D:P(A;;0x80;;;WD)", nil},
	{"owner rights", "O:S-1-22-1-1G:S-1-22-2-1D:P(A;;0x20080;;;OW)(A;;0x81;;;AU)", nil},
	{"none", "D:P", nil},
	{"changed", "O:S-1-22-1-12345G:S-1-22-2-12346D:P(A;;0x120089;;;S-1-5-21-1-2-3-1108)(A;;0x1f01ff;;;SY)",
		[]string{"bob"}},
	{"folder", "D:PAI(A;OICI;0x1f01ff;;;BA)(A;OICIIO;0x1f01ff;;;CO)(A;CI;0x1200a9;;;AU)",
		[]string{"alice", "bob", "carol"}},
	{"folder/below", "D:AI(A;;0x1f01ff;;;S-1-5-21-1-2-3-1107)(A;ID;0x1f01ff;;;BA)(A;ID;0x1200a9;;;S-1-5-21-1-2-3-1107)",
		[]string{"alice", "carol"}},
}

const sambaDirectory = `{"domain": "S-1-5-21-1-2-3",
 "users": [{"name": "alice", "sid": "S-1-5-21-1-2-3-1107", "memberOf": ["Engineering"]},
           {"name": "bob", "sid": "S-1-5-21-1-2-3-1108"},
           {"name": "carol", "sid": "S-1-5-21-1-2-3-1109", "memberOf": ["BA"]}],
 "groups": [{"name": "Engineering", "sid": "S-1-5-21-1-2-3-2001"}]}`

// Descriptors that are set through SMB are read from the files as the server shows them. The maximum access that the
// server computes for an account equals that of the access check. who-can walks the share.
func TestWhoCanMatchesSambaMaximumAccess(t *testing.T) {
	smbd.SkipUnlessDeep(t)
	var shares []smbd.Share
	for _, share := range sambaShares {
		shares = append(shares, smbd.Share{Name: share.name, Config: share.config})
	}
	s := &samba{smbd.Start(t, shares...)}
	for _, share := range sambaShares {
		t.Run(share.name, func(t *testing.T) {
			s.T = t
			s.fill(share.name)
			for _, f := range sambaFiles {
				a := s.readBack(share.name, f.path, share.version)
				if share.version == 3 { // else POSIX permissions count too
					s.compareMaximum(share.name, f.path, a)
				}
			}
			s.compareWhoCan(share.name)
			s.behindTheServer(share.name, share.version == 4)
			if share.version == 4 {
				s.directories(share.name)
			}
			s.otherVerbs(share.name)
		})
	}
}

// fill creates the files and sets their descriptors through SMB. The share's own descriptor allows only
// administrators to delete files.
func (s *samba) fill(share string) {
	s.T.Helper()
	s.Cacls("root", share, "/", "--sddl", "-S", "D:P(A;;0x1f01ff;;;BA)(A;;0x1200a9;;;WD)")
	for _, f := range sambaFiles {
		path := filepath.Join(s.Dir, share, f.path)
		if f.path == "folder" {
			s.must(os.Mkdir(path, 0o755))
		} else {
			s.must(os.WriteFile(path, nil, 0o644))
		}
		text := strings.ReplaceAll(f.sddl, "GUEST", s.AsGuest.User().SID.String())
		s.Cacls("root", share, f.path, "--sddl", "-S", text)
	}
}

// readBack decodes the attribute of a file and compares it with the given descriptor and with the server's answer.
func (s *samba) readBack(share, path string, version uint16) *ntacl.Attribute {
	s.T.Helper()
	raw := make([]byte, 1<<16)
	n := check.Must(unix.Getxattr(filepath.Join(s.Dir, share, path), ntacl.Name, raw))
	raw = raw[:n]
	a, err := ntacl.Decode(raw)
	check.RequireThat(s.T, err == nil, "reading %s: %v, want no error", path, err)
	check.That(s.T, a.Version == version && a.HashType == ntacl.HashSHA256,
		"%s: attribute of version %d, hash type %d, want %d and %d", path, a.Version, a.HashType, version, ntacl.HashSHA256)
	if again, err := a.Append(nil); err != nil || !bytes.Equal(again, raw) {
		s.T.Errorf("%s: written again:\n%x, %v, want %x, nil\nwas:\n%x", path, again, err, raw, raw)
	}
	got, want := numeric(a), s.Cacls("root", share, path, "--numeric")
	check.That(s.T, got == want, "%s: the attribute holds\n%s, want %s\nsmbcacls shows\n%s", path, got, want, want)
	return a
}

// numeric prints an attribute as smbcacls --numeric prints a descriptor.
func numeric(a *ntacl.Attribute) string {
	var b strings.Builder
	d := a.Descriptor
	fmt.Fprintf(&b, "REVISION:1\nCONTROL:0x%x\nOWNER:%s\nGROUP:%s\n", uint16(d.Control()), d.Owner(), d.Group())
	for _, e := range d.DACL().All() {
		fmt.Fprintf(&b, "ACL:%s:%d/0x%x/0x%08x\n", e.SID(), e.Type(), e.Flags(), uint32(e.Mask()))
	}
	return b.String()
}

// compareMaximum compares the maximum access that the server computes for an account with the access check.
func (s *samba) compareMaximum(share, path string, a *ntacl.Attribute) {
	s.T.Helper()
	d := check.Must(access.Check(s.AsGuest, a.Descriptor, winnt.MAXIMUM_ALLOWED, winnt.FileObject))
	text, _ := sddl.Format(a.Descriptor, sddl.Options{})
	want := uint32(0)
	out, err := s.TryCacls(smbd.Guest, share, path, "--maximum-access")
	if err == nil {
		_, last, _ := strings.Cut(out, "Maximum access: ")
		_, err := fmt.Sscanf(last, "%v", &want)
		check.That(s.T, err == nil && want != 0, "%s: smbcacls --maximum-access printed\n%s\nwant a mask", path, out)
	} else if !strings.Contains(out, "NT_STATUS_ACCESS_DENIED") {
		s.T.Errorf("%s: smbcacls --maximum-access: %v\n%s, want text containing \"NT_STATUS_ACCESS_DENIED\"", path,
			err, out)
	}
	check.That(s.T, d.Granted == winnt.AccessMask(want),
		"%s: %s: the check grants %#x, the server %#x", path, text, d.Granted, want)
}

// compareWhoCan runs the verb on the share's folder.
func (s *samba) compareWhoCan(share string) {
	s.T.Helper()
	got, notes := s.whoCanRead(share)
	for _, f := range sambaFiles {
		if who, ok := got[f.path]; !ok || !slices.Equal(who, f.readers) && len(who)+len(f.readers) > 0 {
			s.T.Errorf("%s: who-can read = %v, want %v", f.path, who, f.readers)
		}
	}
	if len(got) != len(sambaFiles)+1 { // and the share itself
		s.T.Errorf("who-can returned %d objects, want %d", len(got), len(sambaFiles)+1)
	}
	check.That(s.T, len(notes) == 0, "notes on unchanged files: %v, want none", notes)
}

// whoCanRead runs the verb on the share's folder: the readers of each file, and
// notes on some.
func (s *samba) whoCanRead(share string) (readers map[string][]string, notes map[string]string) {
	s.T.Helper()
	refmon := filepath.Join(s.Dir, "refmon")
	if _, err := os.Stat(refmon); err != nil {
		programs.Install(s.T, s.Dir, "refmon")
		s.must(os.WriteFile(refmon+".json", []byte(sambaDirectory), 0o644))
	}
	root := filepath.Join(s.Dir, share)
	cmd := exec.Command(refmon, "who-can", "read", root, "--recurse", "--directory", refmon+".json", "--format", "jsonl")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	check.RequireThat(s.T, err == nil, "refmon who-can: %v, want no error\n%s", err, stderr.String())
	readers, notes = map[string][]string{}, map[string]string{}
	for line := range strings.Lines(string(out)) {
		var row struct {
			Path, Error, Note string
			Principals        []string
		}
		s.must(json.Unmarshal([]byte(line), &row))
		check.Equal(s.T, row.Error, "", "%s", row.Path)
		rel := check.Must(filepath.Rel(root, row.Path))
		readers[rel] = row.Principals
		if strings.Contains(row.Note, "hash") {
			notes[rel] = row.Note
		}
	}
	return readers, notes
}
