package bulk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	filetree "github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

// TestSambaSearchesFolders checks which folders a real server lets a user traverse to a file that Everyone may read.
// The server checks the host's search permission of each folder, by mode and POSIX ACL, and never the folder's own
// descriptor. That descriptor only matters if the server also wrote it into the permissions, which it does not with
// "ignore system acls". who-can gives the same answers for the same files (B-20).
func TestSambaSearchesFolders(t *testing.T) {
	smbd.SkipUnlessDeep(t)
	s := &samba{smbd.Start(t, smbd.Share{Name: "v4"},
		smbd.Share{Name: "v3", Config: "\tacl_xattr:ignore system acls = yes\n"})}
	guest := s.AsGuest.User().SID.String()
	for _, c := range []struct {
		name       string
		mode       os.FileMode
		smb, file  string // the folder's descriptor, set by the server or written as attribute; "": none
		v4, ignore bool   // who passes, in each share
	}{
		{"m755", 0o755, "", "", true, true},
		{"m711", 0o711, "", "", true, true},
		{"m700", 0o700, "", "", false, false},
		{"m744", 0o744, "", "", false, false},
		{"list without traverse", 0o755, "D:P(A;;0x1f01ff;;;SY)(A;;0x120089;;;WD)", "", false, true},
		{"traverse without list", 0o755, "D:P(A;;0x1f01ff;;;SY)(A;;0x20;;;WD)", "", true, true},
		{"traverse denied", 0o755, "D:P(D;;0x20;;;" + guest + ")(A;;0x1f01ff;;;WD)", "", false, true},
		{"closed attribute", 0o755, "", "O:S-1-22-1-0G:S-1-22-2-0D:P(A;;0x1f01ff;;;SY)", true, true},
		{"open attribute", 0o700, "", "O:S-1-22-1-0G:S-1-22-2-0D:P(A;;0x1f01ff;;;WD)", false, false},
	} {
		for share, want := range map[string]bool{"v4": c.v4, "v3": c.ignore} {
			dir := filepath.Join(s.Dir, share, c.name)
			s.must(os.MkdirAll(filepath.Join(dir, "mid"), 0o755))
			for _, f := range []string{"mid", "f", "mid/f"} {
				if f != "mid" {
					s.must(os.WriteFile(filepath.Join(dir, f), nil, 0o666))
				}
				s.Cacls("root", share, c.name+"/"+f, "--sddl", "-S", "D:P(A;;0x1f01ff;;;WD)")
			}
			s.must(os.Chmod(dir, c.mode))
			if c.smb != "" {
				s.Cacls("root", share, c.name, "--sddl", "-S", c.smb)
			}
			if c.file != "" {
				a := ntacl.Attribute{Version: 3, Descriptor: sddl.MustParse(c.file)}
				b := check.Must(a.Append(nil))
				s.must(unix.Setxattr(dir, ntacl.Name, b, 0))
			}
			read := s.readByGuest(dir, share == "v3")
			for _, f := range []string{"f", `mid\f`} {
				out, err := s.Client(smbd.Guest, share, fmt.Sprintf(`get "%s\%s" "%s/out"`, c.name, f, t.TempDir()))
				denied := strings.Contains(out, "NT_STATUS_ACCESS_DENIED")
				if got := err == nil && !denied; got != want || !got && !denied {
					t.Errorf("%s, %s below %q: opened %t, want %t: %v %s", share, f, c.name, got, want, err, out)
				}
				at := filepath.Join(dir, strings.ReplaceAll(f, `\`, "/"))
				if got, ok := read[at]; !ok || got != want {
					t.Errorf("%s, %s below %q: who-can = %t, want %t as the server", share, f, c.name, got, want)
				}
			}
		}
	}
}

// readByGuest returns the objects of a tree that the guest can read, as who-can reports them.
func (s *samba) readByGuest(tree string, ignoreSystemACLs bool) map[string]bool {
	s.T.Helper()
	dir := &directory.Directory{}
	dir.Add(directory.Principal{Name: "guest", Token: s.AsGuest})
	rights := check.Must(words.Parse("read"))
	var out bytes.Buffer
	run := bulk.Run{Directory: dir, Rights: rights, Format: bulk.JSONL, Out: &out, Source: filetree.Files([]string{tree},
		filetree.Options{Recurse: true, Way: true, IgnoreSystemACLs: ignoreSystemACLs})}
	s.must(check.Err(run.Do(context.Background())))
	all := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		var row struct {
			Path, Error string
			Principals  []string
		}
		s.must(json.Unmarshal([]byte(line), &row))
		check.Equal(s.T, row.Error, "", "%s", row.Path)
		all[row.Path] = len(row.Principals) == 1
	}
	return all
}
