package smbd

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// programs lists what a server needs besides root; Debian's packages samba,
// samba-vfs-modules and smbclient.
var programs = []string{"smbd", "smbpasswd", "pdbedit", "smbcacls", "smbclient"}

// Guest is the account that asks the server for its rights: one that every
// Debian system has, and that root's files give nothing.
const Guest = "daemon"

// Share is a folder that the server shows, with the attribute as that is configured.
type Share struct {
	Name   string
	Config string   // lines of the share's section, each with its newline
	Folder string   // of the server's; "": one of the share's name
	Users  []string // accounts that the server gets besides root and Guest
	Posix  bool     // clients may speak the old protocol, by which they ask as programs of Linux do
}

// Access returns what a client needs: the configuration, the address and the password of all
// accounts.
func (s *Server) Access() (config, address, password string) {
	return s.config(), s.address, s.password
}

// Server is a smbd of one test alone, on a loopback address of its own, so that
// another one on the machine does not matter. Each share is a folder of Dir.
type Server struct {
	T       testing.TB
	Dir     string       // scratch folder: configuration, state and shares
	AsGuest *token.Token // Guest's, as the server makes it

	address  string
	password string
	shares   []Share
}

// Skip skips the test with the reason why there is no server. It fails the test if a server is required.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("REFMON_SAMBA") == "required" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// SkipUnlessDeep skips a test that makes a domain or starts dozens of Samba's programs, with -short and without
// REFMON_DEEP=1 or REFMON_SAMBA=required.
func SkipUnlessDeep(t testing.TB) {
	t.Helper()
	if testing.Short() || !randtest.Deep() && os.Getenv("REFMON_SAMBA") != "required" {
		Skip(t, "it starts many of Samba's programs: REFMON_DEEP=1 or REFMON_SAMBA=required runs it")
	}
}

// Start starts a server with these shares, and waits until it answers. Where none can be
// started the test is skipped with the reason, or fails where REFMON_SAMBA is "required".
func Start(t testing.TB, shares ...Share) *Server {
	t.Helper()
	if testing.Short() {
		Skip(t, "it starts a server")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			Skip(t, "no %s here: install the packages samba, samba-vfs-modules and smbclient", p)
		}
	}
	if os.Getuid() != 0 {
		Skip(t, "not root: a server on port 445 and the attribute %s need it", ntacl.Name)
	}
	s := &Server{T: t, Dir: t.TempDir(), shares: shares, password: fmt.Sprintf("pass-%d", rand.Uint32())}
	var err error
	if s.address, err = FreeAddress(rand.Uint32, 64, "445"); err != nil {
		Skip(t, "no loopback address with a free port 445, perhaps because of a server on all addresses: %v", err)
	}
	probe := filepath.Join(s.Dir, "probe")
	s.must(os.WriteFile(probe, nil, 0o600))
	if err := unix.Setxattr(probe, ntacl.Name, []byte{0}, 0); err != nil {
		Skip(t, "the attribute %s cannot be set in %s: %v", ntacl.Name, s.Dir, err)
	}
	for _, dir := range []string{s.Dir, filepath.Dir(s.Dir)} {
		s.must(os.Chmod(dir, 0o755)) // the guest's server process goes through them
	}
	s.configure()
	users := []string{"root", Guest}
	for _, share := range shares {
		users = append(users, share.Users...)
	}
	slices.Sort(users)
	for _, user := range slices.Compact(users) {
		cmd := exec.Command("smbpasswd", "-c", s.config(), "-s", "-a", user)
		cmd.Stdin = strings.NewReader(s.password + "\n" + s.password + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("smbpasswd -a %s: %v\n%s", user, err, out)
		}
	}
	s.serve()
	s.AsGuest = s.TokenOf(Guest)
	return s
}

// FreeAddress returns a loopback address whose ports are free, one of a few that it draws. The second byte is first or
// one of the 31 numbers after it. Process ids would not do as draws: those of tests that run side by side are close to
// each other.
func FreeAddress(draw func() uint32, first uint32, ports ...string) (address string, err error) {
	for range 8 {
		n := draw()
		address = fmt.Sprintf("127.%d.%d.%d", first+n>>14&31, n>>7&127, 1+n&127)
		if err = allFree(address, ports); err == nil {
			return address, nil
		}
	}
	return "", err
}

// allFree returns an error if a port of an address is not free.
func allFree(address string, ports []string) error {
	for _, port := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort(address, port))
		if err == nil {
			err = l.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) config() string { return filepath.Join(s.Dir, "smb.conf") }

func (s *Server) must(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

// configure writes a configuration that touches nothing outside the scratch
// folder.
func (s *Server) configure() {
	var b strings.Builder
	fmt.Fprintf(&b, "[global]\n\tnetbios name = REFMONTEST\n\tworkgroup = REFMONGROUP\n\tserver role = standalone "+
		"server\n"+
		"\tinterfaces = %s/8\n\tbind interfaces only = yes\n\tsmb ports = 445\n\tdisable netbios = yes\n"+
		"\tpassdb backend = tdbsam\n\tload printers = no\n\tdisable spoolss = yes\n\trpc start on demand helpers = "+
		"no\n\tlog file = %s/log.%%m\n", s.address, s.Dir)
	if slices.ContainsFunc(s.shares, func(share Share) bool { return share.Posix }) {
		b.WriteString("\tserver min protocol = NT1\n")
	}
	for _, option := range []string{"private dir", "lock directory", "state directory", "cache directory", "pid directory",
		"ncalrpc dir"} {
		dir := filepath.Join(s.Dir, strings.ReplaceAll(option, " ", "-"))
		s.must(os.Mkdir(dir, 0o755))
		fmt.Fprintf(&b, "\t%s = %s\n", option, dir)
	}
	for _, share := range s.shares {
		dir := filepath.Join(s.Dir, cmp.Or(share.Folder, share.Name))
		s.must(os.MkdirAll(dir, 0o755))
		s.must(os.Chmod(dir, 0o755))
		fmt.Fprintf(&b, "[%s]\n\tpath = %s\n\tread only = no\n\tadmin users = root\n\tvfs objects = acl_xattr\n%s",
			share.Name, dir, share.Config)
	}
	s.must(os.WriteFile(s.config(), []byte(b.String()), 0o600))
}

// serve starts the server and waits until it answers.
func (s *Server) serve() {
	s.T.Helper()
	var log bytes.Buffer
	smbd := exec.Command("smbd", "-F", "--no-process-group", "-s", s.config(), "--debug-stdout")
	smbd.Env = append(os.Environ(), "_NO_WINBINDD=1") // another server's winbindd is not asked
	smbd.Stdout, smbd.Stderr = &log, &log
	smbd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	smbd.WaitDelay = 5 * time.Second // of a child that holds the output open
	s.must(smbd.Start())
	ended := make(chan struct{})
	go func() { _ = smbd.Wait(); close(ended) }() // SIGTERM ends it
	s.T.Cleanup(func() {
		_ = smbd.Process.Signal(syscall.SIGTERM) // it ends its children
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = syscall.Kill(-smbd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
	})
	for range 200 {
		if c, err := net.DialTimeout("tcp", s.address+":445", time.Second); err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-ended:
			s.T.Fatalf("smbd ended:\n%s", log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	s.T.Fatalf("smbd does not answer at %s:445", s.address)
}

// TokenOf returns the token that the server builds for a local account: its SID, its group, the SIDs of its Unix
// ids, and the SIDs of a network logon.
func (s *Server) TokenOf(user string) *token.Token {
	s.T.Helper()
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
	account, err := osuser.Lookup(user)
	s.must(err)
	for _, text := range []string{"S-1-22-1-" + account.Uid, "S-1-22-2-" + account.Gid, "S-1-1-0", "S-1-5-2", "S-1-5-11"} {
		spec.Groups = append(spec.Groups, enabledGroup(sid.MustParse(text)))
	}
	t, err := token.New(spec)
	s.must(err)
	return t
}

func enabledGroup(x sid.SID) token.Group {
	return token.Group{SID: x, Attributes: token.GroupDefault}
}

// Cacls runs smbcacls as a user and returns its output. A failure ends the test.
func (s *Server) Cacls(user, share, path string, args ...string) string {
	s.T.Helper()
	out, err := s.TryCacls(user, share, path, args...)
	if err != nil {
		s.T.Fatalf("smbcacls %s %s %q: %v\n%s", share, path, args, err, out)
	}
	return out
}

// TryCacls runs smbcacls as a user and returns its output, with errors last.
func (s *Server) TryCacls(user, share, path string, args ...string) (string, error) {
	args = append([]string{"-s", s.config(), "-U", user + "%" + s.password, "//" + s.address + "/" + share, path}, args...)
	return run(exec.Command("smbcacls", args...))
}

// Grant gives an account a privilege, which counts in its next sessions.
func (s *Server) Grant(user, privilege string) {
	s.T.Helper()
	if out, err := run(exec.Command("net", "-s", s.config(), "sam", "rights", "grant", user, privilege)); err != nil {
		s.T.Fatalf("net sam rights grant %s %s: %v\n%s", user, privilege, err, out)
	}
}

// Client runs commands of smbclient as a user, and returns its output, with errors last.
func (s *Server) Client(user, share, commands string) (string, error) {
	s.T.Helper()
	return run(exec.Command("smbclient", "-s", s.config(), "-U", user+"%"+s.password, "//"+s.address+"/"+share,
		"-c", commands))
}

func run(cmd *exec.Cmd) (string, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	return string(out) + stderr.String(), err
}
