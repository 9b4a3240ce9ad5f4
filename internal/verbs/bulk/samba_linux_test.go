package bulk_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// What TestSamba needs besides root; Debian's packages samba,
// samba-vfs-modules and smbclient.
var sambaPrograms = []string{"smbd", "smbpasswd", "pdbedit", "smbcacls"}

// guest is the account that asks the server for its rights: one that every
// Debian system has, and that root's files give nothing.
const guest = "daemon"

// samba is a smbd of this test alone, on a loopback address of its own, so
// that another one on the machine does not matter.
type samba struct {
	t        *testing.T
	dir      string // scratch folder: configuration, state and shares
	address  string
	password string
	asGuest  *token.Token // what the server makes of guest
}

// sambaShares are one folder with the attribute as the server writes it by
// default, beside the POSIX permissions, and one where it replaces them.
var sambaShares = []struct {
	name, config string
	version      uint16
}{
	{"v4", "", 4},
	{"v3", "\tacl_xattr:ignore system acls = yes\n", 3},
}

// sambaFiles are the descriptors that are set through SMB, and which of the
// principals of sambaDirectory can read the file, worked out by hand. Masks
// are numbers: the server's SDDL knows another FA than Windows'. GUEST stands
// for the account's SID.
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

// A real server: descriptors set through SMB are read back from the files and
// are those the server shows; the maximum access it computes for an account is
// that of the access check; who-can walks the share.
func TestSamba(t *testing.T) {
	if testing.Short() {
		sambaSkip(t, "it starts a server")
	}
	s := startSamba(t, nil, guest)
	for _, share := range sambaShares {
		t.Run(share.name, func(t *testing.T) {
			s.t = t
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

// sambaSkip says why there is no server; where one is required, it fails.
func sambaSkip(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("REFMON_SAMBA") == "required" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// startSamba starts a server with accounts besides root, and with what configure adds to its
// configuration in a folder.
func startSamba(t *testing.T, configure func(dir string) string, users ...string) *samba {
	t.Helper()
	for _, p := range sambaPrograms {
		if _, err := exec.LookPath(p); err != nil {
			sambaSkip(t, "no %s here: install the packages samba, samba-vfs-modules and smbclient", p)
		}
	}
	if os.Getuid() != 0 {
		sambaSkip(t, "not root: a server on port 445 and the attribute %s need it", ntacl.Name)
	}
	seed := uint32(os.Getpid() + len(t.Name())) // an address for each test
	s := &samba{t: t, dir: t.TempDir(), password: fmt.Sprintf("pass-%d", seed),
		address: fmt.Sprintf("127.%d.%d.%d", 64+seed>>14&31, seed>>7&127, 1+seed&127)}
	free, err := net.Listen("tcp", s.address+":445")
	if err != nil {
		sambaSkip(t, "port 445 of %s is taken, perhaps by a server on all addresses: %v", s.address, err)
	}
	s.must(free.Close())
	probe := filepath.Join(s.dir, "probe")
	s.must(os.WriteFile(probe, nil, 0o600))
	if err := unix.Setxattr(probe, ntacl.Name, []byte{0}, 0); err != nil {
		sambaSkip(t, "the attribute %s cannot be set in %s: %v", ntacl.Name, s.dir, err)
	}
	for _, dir := range []string{s.dir, filepath.Dir(s.dir)} {
		s.must(os.Chmod(dir, 0o755)) // the guest's server process goes through them
	}
	s.configure()
	if configure != nil {
		f, err := os.OpenFile(s.config(), os.O_APPEND|os.O_WRONLY, 0)
		s.must(err)
		_, err = f.WriteString(configure(s.dir))
		s.must(errors.Join(err, f.Close()))
	}
	for _, user := range append([]string{"root"}, users...) {
		cmd := exec.Command("smbpasswd", "-c", s.config(), "-s", "-a", user)
		cmd.Stdin = strings.NewReader(s.password + "\n" + s.password + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("smbpasswd -a %s: %v\n%s", user, err, out)
		}
	}
	s.serve()
	if slices.Contains(users, guest) {
		s.asGuest = s.tokenOf(guest)
	}
	return s
}

func (s *samba) config() string { return filepath.Join(s.dir, "smb.conf") }

func (s *samba) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// configure writes a configuration that touches nothing outside the scratch
// folder.
func (s *samba) configure() {
	var b strings.Builder
	fmt.Fprintf(&b, "[global]\n\tnetbios name = REFMONTEST\n\tworkgroup = REFMONGROUP\n\tserver role = standalone "+
		"server\n"+
		"\tinterfaces = %s/8\n\tbind interfaces only = yes\n\tsmb ports = 445\n\tdisable netbios = yes\n"+
		"\tpassdb backend = tdbsam\n\tload printers = no\n\tdisable spoolss = yes\n\trpc start on demand helpers = "+
		"no\n\tlog file = %s/log.%%m\n", s.address, s.dir)
	for _, option := range []string{"private dir", "lock directory", "state directory", "cache directory", "pid directory",
		"ncalrpc dir"} {
		dir := filepath.Join(s.dir, strings.ReplaceAll(option, " ", "-"))
		s.must(os.Mkdir(dir, 0o755))
		fmt.Fprintf(&b, "\t%s = %s\n", option, dir)
	}
	for _, share := range sambaShares {
		dir := filepath.Join(s.dir, share.name)
		s.must(os.Mkdir(dir, 0o755))
		s.must(os.Chmod(dir, 0o755))
		fmt.Fprintf(&b, "[%s]\n\tpath = %s\n\tread only = no\n\tadmin users = root\n\tvfs objects = acl_xattr\n%s",
			share.name, dir, share.config)
	}
	s.must(os.WriteFile(s.config(), []byte(b.String()), 0o600))
}

// serve starts the server and waits until it answers.
func (s *samba) serve() {
	s.t.Helper()
	var log bytes.Buffer
	smbd := exec.Command("smbd", "-F", "--no-process-group", "-s", s.config(), "--debug-stdout")
	smbd.Env = append(os.Environ(), "_NO_WINBINDD=1") // another server's winbindd is not asked
	smbd.Stdout, smbd.Stderr = &log, &log
	smbd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	smbd.WaitDelay = 5 * time.Second // of a child that holds the output open
	s.must(smbd.Start())
	ended := make(chan struct{})
	go func() { smbd.Wait(); close(ended) }()
	s.t.Cleanup(func() {
		smbd.Process.Signal(syscall.SIGTERM) // it ends its children
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			syscall.Kill(-smbd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
	})
	for range 200 {
		if c, err := net.DialTimeout("tcp", s.address+":445", time.Second); err == nil {
			c.Close()
			return
		}
		select {
		case <-ended:
			s.t.Fatalf("smbd ended:\n%s", log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	s.t.Fatalf("smbd does not answer at %s:445", s.address)
}

// tokenOf is the token that the server makes of a local account: its SID, its
// group, the SIDs of its Unix ids and those of a network logon.
func (s *samba) tokenOf(user string) *token.Token {
	s.t.Helper()
	out, err := exec.Command("pdbedit", "-s", s.config(), "-u", user, "-v").Output()
	s.must(err)
	spec := token.Spec{}
	for _, m := range regexp.MustCompile(`(?m)^(User|Primary Group) SID:\s+(\S+)$`).FindAllStringSubmatch(string(out),
		-1) {
		if m[1] == "User" {
			spec.User.SID = sid.MustParse(m[2])
		} else {
			spec.Groups = append(spec.Groups, enabledGroup(sid.MustParse(m[2])))
		}
	}
	// uid 1 and gid 1 are daemon's
	for _, text := range []string{"S-1-22-1-1", "S-1-22-2-1", "S-1-1-0", "S-1-5-2", "S-1-5-11"} {
		spec.Groups = append(spec.Groups, enabledGroup(sid.MustParse(text)))
	}
	t, err := token.New(spec)
	s.must(err)
	return t
}

func enabledGroup(x sid.SID) token.Group {
	return token.Group{SID: x, Attributes: token.GroupDefault}
}

// cacls asks the server as a user.
func (s *samba) cacls(user, share, path string, args ...string) string {
	s.t.Helper()
	out, err := s.tryCacls(user, share, path, args...)
	if err != nil {
		s.t.Fatalf("smbcacls %s %s %q: %v\n%s", share, path, args, err, out)
	}
	return out
}

// tryCacls gives what smbcacls prints, errors last.
func (s *samba) tryCacls(user, share, path string, args ...string) (string, error) {
	args = append([]string{"-s", s.config(), "-U", user + "%" + s.password, "//" + s.address + "/" + share, path}, args...)
	cmd := exec.Command("smbcacls", args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	return string(out) + stderr.String(), err
}

// fill makes the files and sets their descriptors through SMB; the share's own
// lets only administrators delete what is in it.
func (s *samba) fill(share string) {
	s.t.Helper()
	s.cacls("root", share, "/", "--sddl", "-S", "D:P(A;;0x1f01ff;;;BA)(A;;0x1200a9;;;WD)")
	for _, f := range sambaFiles {
		path := filepath.Join(s.dir, share, f.path)
		if f.path == "folder" {
			s.must(os.Mkdir(path, 0o755))
		} else {
			s.must(os.WriteFile(path, nil, 0o644))
		}
		text := strings.ReplaceAll(f.sddl, "GUEST", s.asGuest.User().SID.String())
		s.cacls("root", share, f.path, "--sddl", "-S", text)
	}
}

// readBack takes the attribute of a file apart and compares it with what was
// set and with what the server shows.
func (s *samba) readBack(share, path string, version uint16) *ntacl.Attribute {
	s.t.Helper()
	raw := make([]byte, 1<<16)
	n, err := unix.Getxattr(filepath.Join(s.dir, share, path), ntacl.Name, raw)
	s.must(err)
	raw = raw[:n]
	a, err := ntacl.Decode(raw)
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	if a.Version != version || a.HashType != ntacl.HashSHA256 {
		s.t.Errorf("%s: attribute of version %d, hash type %d, want %d and %d", path, a.Version, a.HashType, version,
			ntacl.HashSHA256)
	}
	if again, err := a.Append(nil); err != nil || !bytes.Equal(again, raw) {
		s.t.Errorf("%s: written again:\n%x, %v\nwas:\n%x", path, again, err, raw)
	}
	if got, want := numeric(a), s.cacls("root", share, path, "--numeric"); got != want {
		s.t.Errorf("%s: the attribute holds\n%s\nsmbcacls shows\n%s", path, got, want)
	}
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

// compareMaximum asks the server for all the account may do, and the check.
func (s *samba) compareMaximum(share, path string, a *ntacl.Attribute) {
	s.t.Helper()
	d, err := access.Check(s.asGuest, a.Descriptor, winnt.MAXIMUM_ALLOWED, winnt.FileObject)
	s.must(err)
	text, _ := sddl.Format(a.Descriptor, sddl.Options{})
	want := uint32(0)
	out, err := s.tryCacls(guest, share, path, "--maximum-access")
	if err == nil {
		_, last, _ := strings.Cut(out, "Maximum access: ")
		if _, err := fmt.Sscanf(last, "%v", &want); err != nil || want == 0 {
			s.t.Errorf("%s: smbcacls --maximum-access prints\n%s", path, out)
		}
	} else if !strings.Contains(out, "NT_STATUS_ACCESS_DENIED") {
		s.t.Errorf("%s: smbcacls --maximum-access: %v\n%s", path, err, out)
	}
	if d.Granted != winnt.AccessMask(want) {
		s.t.Errorf("%s: %s: the check grants %#x, the server %#x", path, text, d.Granted, want)
	}
}

// compareWhoCan runs the verb on the share's folder.
func (s *samba) compareWhoCan(share string) {
	s.t.Helper()
	got, notes := s.whoCanRead(share)
	for _, f := range sambaFiles {
		if who, ok := got[f.path]; !ok || !slices.Equal(who, f.readers) && len(who)+len(f.readers) > 0 {
			s.t.Errorf("%s: who-can read gives %v, want %v", f.path, who, f.readers)
		}
	}
	if len(got) != len(sambaFiles)+1 { // and the share itself
		s.t.Errorf("who-can gives %d objects, want %d", len(got), len(sambaFiles)+1)
	}
	if len(notes) != 0 {
		s.t.Errorf("notes on files that did not change: %v", notes)
	}
}

// whoCanRead runs the verb on the share's folder: the readers of each file, and
// notes on some.
func (s *samba) whoCanRead(share string) (readers map[string][]string, notes map[string]string) {
	s.t.Helper()
	refmon := filepath.Join(s.dir, "refmon")
	if _, err := os.Stat(refmon); err != nil {
		if out, err := exec.Command("go", "build", "-o", refmon, "../../../cmd/refmon").CombinedOutput(); err != nil {
			s.t.Fatalf("build refmon: %v\n%s", err, out)
		}
		s.must(os.WriteFile(refmon+".json", []byte(sambaDirectory), 0o644))
	}
	root := filepath.Join(s.dir, share)
	cmd := exec.Command(refmon, "who-can", "read", root, "--recurse", "--directory", refmon+".json", "--format", "jsonl")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("refmon who-can: %v\n%s", err, stderr.String())
	}
	readers, notes = map[string][]string{}, map[string]string{}
	for line := range strings.Lines(string(out)) {
		var row struct {
			Path, Error, Note string
			Principals        []string
		}
		s.must(json.Unmarshal([]byte(line), &row))
		if row.Error != "" {
			s.t.Errorf("%s: %s", row.Path, row.Error)
		}
		rel, err := filepath.Rel(root, row.Path)
		s.must(err)
		readers[rel] = row.Principals
		if strings.Contains(row.Note, "hash") {
			notes[rel] = row.Note
		}
	}
	return readers, notes
}
