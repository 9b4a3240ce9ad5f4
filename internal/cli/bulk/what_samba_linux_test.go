package bulk_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// behindTheServer changes POSIX permissions without the server, and compares the server's answer for the file with
// ours. verified is true if the server checks them.
func (s *samba) behindTheServer(share string, verified bool) {
	s.T.Helper()
	const name = "changed"
	path := filepath.Join(s.Dir, share, name)
	intact := s.Cacls("root", share, name, "--numeric")
	var as syscall.Stat_t
	s.must(syscall.Stat(path, &as))
	for _, c := range []struct {
		what   string
		mode   uint32
		uid    int
		reader []string // one of ours, if the permissions count
		stale  bool
	}{
		{"setuid", as.Mode&0o777 | 0o4000, 12345, nil, false},
		{"open to all", 0o666, 12345, []string{"alice", "bob", "carol"}, true},
		{"closed", 0o600, 12345, nil, true},
		{"another owner", 0o640, 23456, nil, true},
		{"as before", as.Mode & 0o7777, 12345, nil, false},
	} {
		s.must(os.Chown(path, c.uid, 12346))
		s.must(syscall.Chmod(path, c.mode))
		shown := s.Cacls("root", share, name, "--numeric")
		if stale := shown != intact; stale != (c.stale && verified) {
			s.T.Fatalf("%s: the server shows\n%s\nwant the behaviour of the case", c.what, shown)
		}
		rows, notes := s.whoCanRead(share)
		switch {
		case !verified || !c.stale:
			check.That(s.T, len(notes) == 0 && slices.Equal(rows[name], []string{"bob"}),
				"%s: notes %v, readers %v, want the attribute's descriptor to count", c.what, notes, rows[name])
		default:
			if len(notes) != 1 || !strings.HasPrefix(notes[name], "hash mismatch") || !slices.Equal(rows[name], c.reader) &&
				len(rows[name])+len(c.reader) > 0 {
				s.T.Errorf("%s: notes %v, readers %v, want %v", c.what, notes, rows[name], c.reader)
			}
			s.samePermissions(path, sddl.MustParse(s.exported(path)), shown)
		}
	}
}

// directories compares directories without the attribute, one of them with a default ACL, with the server's output
// (F-109).
func (s *samba) directories(share string) {
	s.T.Helper()
	// user::rwx, user:12345:r-x, group::r-x, mask rwx, other ---
	inherited := []byte("\x02\x00\x00\x00\x01\x00\x07\x00\xff\xff\xff\xff\x02\x00\x05\x00\x39\x30\x00\x00" +
		"\x04\x00\x05\x00\xff\xff\xff\xff\x10\x00\x07\x00\xff\xff\xff\xff\x20\x00\x00\x00\xff\xff\xff\xff")
	for name, mode := range map[string]os.FileMode{"plain directory": 0o755, "directory with defaults": 0o710} {
		path := filepath.Join(s.Dir, share, name)
		s.must(os.Mkdir(path, mode))
		s.must(os.Chown(path, 12345, 12346))
		s.must(os.Chmod(path, mode))
		info, value := ntacl.Info{Directory: true, Mode: uint32(mode), UID: 12345, GID: 12346}, []byte(nil)
		if mode == 0o710 {
			value = inherited
			s.must(unix.Setxattr(path, "system.posix_acl_default", value, 0))
		}
		d := check.Must(ntacl.PosixDirectory(info, nil, value, nil))
		s.samePermissions(path, d, s.Cacls("root", share, name, "--numeric"))
		// An export has less for children than the server gives them (B-111).
		check.Equal(s.T, s.exported(path), check.Must(sddl.Format(ntacl.PassedOn(d, false), sddl.Options{})), "export of %s",
			path)
		s.must(os.Remove(path))
	}
}

// otherVerbs runs the other commands on the share: a user's rights, the deciding entry, the effect of a change
// through the server, and a report.
func (s *samba) otherVerbs(share string) {
	s.T.Helper()
	root := filepath.Join(s.Dir, share)
	file := filepath.Join(root, "a group")
	if out, code := s.refmon("what-can", "alice", file, "-f", "jsonl"); code != 0 ||
		!strings.Contains(out, `"granted":"0x001f01fd"`) {
		s.T.Errorf(`what-can: exit code %d, %s, want 0 and "granted":"0x001f01fd"`, code, out)
	}
	// the server puts SYSTEM first
	if out, code := s.refmon("access", file, "--as", "alice", "--want", "read"); code != 0 ||
		!strings.HasPrefix(out, "GRANTED") || !strings.Contains(out, "entry 3 of the DACL allows it") {
		s.T.Errorf("access: exit code %d, output %s, want 0 and GRANTED", code, out)
	}
	if out, code := s.refmon("access", file, "--as", "alice", "--want", "read", "--share", "D:(A;;RC;;;WD)"); code != 1 ||
		!strings.HasPrefix(out, "DENIED by the share\n") {
		s.T.Errorf("access through a share that grants READ_CONTROL: exit code %d, %s, want 1, text starting with %q",
			code, out, "DENIED by the share\n")
	}
	export := func(name string) string {
		s.T.Helper()
		out, code := s.refmon("acl", "export", root, "-r")
		check.RequireThat(s.T, code == 0, "acl export: exit code %d, %s, want 0", code, out)
		name = filepath.Join(s.Dir, name)
		s.must(os.WriteFile(name, []byte(out), 0o644))
		return name
	}
	before := export("before.jsonl")
	s.Cacls("root", share, "a group", "--sddl", "-S", "D:P(A;;0x120089;;;S-1-5-21-1-2-3-1108)(A;;0x1f01ff;;;SY)")
	after := export("after.jsonl")
	out, code := s.refmon("diff", before, after, "-f", "jsonl")
	want := fmt.Sprintf(`{"principal":"alice","path":%q,"gained":"0x00000000","lost":"0x001f01fd","cause":"entry `+
		`removed: `, file)
	gained := fmt.Sprintf(`{"principal":"bob","path":%q,"gained":"0x00120089","lost":"0x00000000","cause":"entry added: `,
		file)
	check.That(s.T, code == 1 && strings.Count(out, `{"principal"`) == 2 && strings.Contains(out, want) &&
		strings.Contains(out, gained), "diff: exit code %d\n%swant the rows\n%s\n%s", code, out, want, gained)
	page := filepath.Join(s.Dir, share+".html")
	if out, code := s.refmon("report", root, "-r", "--out", page); code != 0 ||
		!strings.Contains(out, fmt.Sprintf("%d objects", len(sambaFiles)+1)) {
		s.T.Errorf("report: exit code %d, output %s, want 0 and the number of objects", code, out)
	}
	if b, err := os.ReadFile(page); err != nil || !strings.Contains(string(b), "<code>"+file+"</code>") {
		s.T.Errorf("report: %v, page of %d bytes, want the file in it", err, len(b))
	}
}

// refmon runs a verb with the directory, and gives its output and exit code.
func (s *samba) refmon(args ...string) (string, int) {
	s.T.Helper()
	refmon := filepath.Join(s.Dir, "refmon")
	if args[0] != "acl" {
		args = append(args, "-d", refmon+".json")
	}
	out, err := exec.Command(refmon, args...).Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return string(out) + string(exit.Stderr), exit.ExitCode()
	case err != nil:
		s.T.Fatal(err)
	}
	return string(out), 0
}

// samePermissions compares the descriptor built from a file's permissions with the server's output, in any order,
// because all entries allow.
func (s *samba) samePermissions(path string, d *sd.Descriptor, shown string) {
	s.T.Helper()
	mine := strings.Split(numeric(&ntacl.Attribute{Descriptor: d}), "\n")
	theirs := strings.Split(shown, "\n")
	slices.Sort(mine)
	slices.Sort(theirs)
	if !slices.Equal(mine, theirs) {
		s.T.Errorf("%s: the permissions amount to\n%s\nthe server shows\n%s", path, strings.Join(mine, "\n"),
			strings.Join(theirs, "\n"))
	}
}

// exported returns the descriptor of a file as refmon acl export writes it.
func (s *samba) exported(path string) string {
	s.T.Helper()
	out := check.Must(exec.Command(filepath.Join(s.Dir, "refmon"), "acl", "export", path).Output())
	first, _, _ := bytes.Cut(out, []byte("\n")) // the last line counts the others
	var row struct{ SD string }
	s.must(json.Unmarshal(first, &row))
	return row.SD
}
