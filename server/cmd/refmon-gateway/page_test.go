package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// gate is the uid that the gateway runs as.
const gate = 61010

// site is the example setup of docs/gateway.md: refmond, a tree and a gateway.
type site struct {
	*testing.T
	dir   string
	tree  string            // its folder
	here  *strings.Replacer // replaces the page's addresses and folders by those of the test
	page  string            // with them
	files string            // port
}

// must ends the test.
func (s *site) must(err error) {
	s.Helper()
	check.NoError(s, err)
}

// newSite builds both programs. tree is the folder to serve; "" creates one.
func newSite(t *testing.T, tree string) *site {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root opens files for others")
	}
	dir, err := os.MkdirTemp("", "site")
	s := &site{T: t, dir: dir, tree: cmp.Or(tree, filepath.Join(dir, "tree"))}
	s.must(err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.must(os.Chmod(dir, 0o755))
	for name, mode := range map[string]os.FileMode{"bin": 0o755, "state": 0o700, "gateway": 0o755, "tree": 0o700} {
		s.must(os.Mkdir(filepath.Join(dir, name), mode))
	}
	s.must(os.Chown(filepath.Join(dir, "gateway"), gate, gate))
	programs.Install(t, filepath.Join(dir, "bin"), "refmon-gateway", "refmond")
	page, err := os.ReadFile("../../../docs/gateway.md")
	s.must(err)
	ports := s.freePorts()
	s.files = ports[0]
	s.here = strings.NewReplacer("/srv/projects", s.tree, "/var/lib/refmon-gateway",
		filepath.Join(dir, "gateway"), "localhost:8443", "localhost:"+ports[0], "localhost:8444",
		"localhost:"+ports[1])
	s.page = s.here.Replace(string(page))
	const places = "state: %[1]s/state\nsocket: %[1]s/s\nadminSocket: %[1]s/a\ncomputer: host\n"
	s.write("refmond.yaml", fmt.Sprintf(places, dir)+s.block("yaml", 0))
	s.write("gateway.yaml", fmt.Sprintf("socket: %s/s\nfiles: 127.0.0.1:%s\nconsole: 127.0.0.1:%s\n", dir, ports[0],
		ports[1])+s.block("yaml", 1))
	return s
}

// freePorts returns two ports that were just free.
func (s *site) freePorts() (ports [2]string) {
	s.Helper()
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		s.must(err)
		defer l.Close() // after both are open, so that the ports differ
		_, ports[i], err = net.SplitHostPort(l.Addr().String())
		s.must(err)
	}
	return ports
}

func (s *site) write(name, text string) {
	s.Helper()
	s.must(os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644)) //nolint:gosec // both users can read it
}

// block returns a listing of the page.
func (s *site) block(kind string, n int) string {
	s.Helper()
	all := regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllStringSubmatch(s.page, -1)
	check.RequireThat(s, n < len(all), "the page has %d listings of %s", len(all), kind)
	return all[n][1]
}

// run runs a listing of the page and returns its output.
func (s *site) run(script string) string {
	s.Helper()
	cmd := exec.Command("sh", "-euc", script)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(s.dir, "bin")+":"+os.Getenv("PATH"), fmt.Sprint("GATEWAY=", gate),
		"REFMON_ADMIN_SOCKET="+filepath.Join(s.dir, "a"), "CURL_CA_BUNDLE="+filepath.Join(s.dir, "gateway", loopbackFile))
	out, err := cmd.CombinedOutput()
	check.RequireThat(s, err == nil, "%v\n%s\n%s", err, script, out)
	return string(out)
}

// start starts a program as a user and waits for that many readiness messages.
func (s *site) start(uid uint32, ready int, name string, args ...string) {
	s.Helper()
	m := &process{s: s, uid: uid, say: ready, line: append([]string{name}, args...)}
	m.start()
	s.Cleanup(func() {
		_ = m.cmd.Process.Signal(os.Interrupt)
		<-m.over
		check.Equal(s, m.cmd.Wait(), nil, "%s", name)
	})
}

// TestGatewayPageExamplesWork runs the examples of docs/gateway.md with the built programs: three users by curl, the
// API by curl, and the audit trail, which names client and gateway.
func TestGatewayPageExamplesWork(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds two programs")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl here")
	}
	s := newSite(t, "")
	s.describe("O:SYG:SYD:P(A;OICI;FA;;;SY)")
	s.start(0, 1, "refmond", "serve", "--config", "refmond.yaml")
	s.run(s.block("sh", 0))
	sids := regexp.MustCompile(`(alice|staff) +(S-1-5-21-[0-9-]+)`).FindAllStringSubmatch(
		s.run("refmond account list; refmond account group list"), -1)
	check.Require(t, len(sids), 2, "the lists have %v", sids)
	s.describe("O:BAG:SYD:P(A;OICI;FA;;;" + sids[0][2] + ")(A;OICI;0x1200a9;;;" + sids[1][2] +
		")S:(AU;OICISA;FR;;;WD)")
	s.start(gate, 2, "refmon-gateway", "serve", "--config", "gateway.yaml")
	if got, want := s.run(s.block("sh", 1)), "201\nthe plan\n403\nno such name\n"; !strings.HasSuffix(got,
		want) {
		t.Errorf("three users: %q, want %q", got, want)
	}
	api := s.run(s.block("sh", 2))
	for _, want := range []string{`"status":"STATUS_ACCESS_DENIED"`, "DENIED STATUS_ACCESS_DENIED", `HOST\\alice`,
		`"level":"SecurityImpersonation"`, `Administrators`, "ok\n"} {
		check.That(t, strings.Contains(api, want),
			"the API does not say %q:\n%s, want text containing %q", want, api, want)
	}
	first := s.firstPage()
	check.That(t, strings.HasPrefix(first, "the plan\n{") && strings.Contains(first, `"status":"STATUS_ACCESS_DENIED"`),
		"the lines of README.md print %q", first)
	s.checkNoAccess()
	s.readTrail()
}

// firstPage runs the curl lines of README.md, with the password that curl would prompt for, and
// returns their output.
func (s *site) firstPage() string {
	s.Helper()
	page, err := os.ReadFile("../../../README.md")
	s.must(err)
	curl := regexp.MustCompile(`(?m)^    curl -su bob .*[^\\](\\\n.*)*$`)
	lines := strings.Join(curl.FindAllString(string(page), -1), "\n")
	return s.run(s.here.Replace(strings.ReplaceAll(lines, "-su bob", "-su bob:bobs-password")))
}

// describe gives the tree a descriptor, as a file server would.
func (s *site) describe(text string) {
	s.Helper()
	value, err := (&ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse(text)}).Append(nil)
	s.must(err)
	if err := unix.Setxattr(s.tree, ntacl.Name, value, 0); err != nil {
		s.Skipf("descriptors cannot be kept in %s: %v", s.dir, err)
	}
}

// checkNoAccess tries the gateway's account itself.
func (s *site) checkNoAccess() {
	s.Helper()
	out, err := exec.Command("setpriv", "--reuid", fmt.Sprint(gate), "--regid", fmt.Sprint(gate), "--clear-groups", "cat",
		filepath.Join(s.tree, "plan.txt")).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		s.Skip("no setpriv here")
	}
	check.That(s, err != nil, "G-1: the gateway's account reads the file past refmond: %s", out)
	c, err := client.DialUser(filepath.Join(s.dir, "s"), 0)
	s.must(err)
	defer c.Close()
	if _, st := c.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY); !st.IsSuccess() {
		s.Error(st)
	}
}

// readTrail reads refmond's audit trail.
func (s *site) readTrail() {
	s.Helper()
	var all []byte
	s.must(filepath.WalkDir(filepath.Join(s.dir, "state", "audit"), func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, b...)
		return err
	}))
	for _, want := range []string{"refmon-gateway", `plan.txt`, "bob"} {
		check.That(s, bytes.Contains(all, []byte(want)), "the trail does not name %q", want)
	}
	check.That(s, !bytes.Contains(all, []byte("bobs-password")), "the trail has a password")
}
