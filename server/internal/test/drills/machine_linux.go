package drills

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/programs"
)

// Users of the host.
const (
	alice   = 4711
	bob     = 4712
	carol   = 4713
	gateway = 4810
)

// names are the programs of a machine.
var names = []string{"refmon", "refmon-verify", "refmond", "refmon-gateway", "refmon-index"}

// machine is a root folder with refmon's programs and the host's /usr. Its methods fail the test after an error that
// they do not return.
type machine struct {
	testing.TB
	root string // the folder
	port string // of the gateway
	env  []string
	runs map[string]*daemon // the running daemons, by name
}

// newMachine creates a machine without daemons or configuration. It skips the test without root, FUSE, the right to
// mount, or working device files in temporary folders. At the end of the test it stops the daemons.
func newMachine(t testing.TB) *machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root makes a root folder")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("no /dev/fuse: ", err)
	}
	m := &machine{TB: t, root: filepath.Join(t.TempDir(), "root"), port: free(t), runs: map[string]*daemon{},
		env: []string{"PATH=/opt:/usr/bin:/usr/sbin", "LC_ALL=C", "HOME=/"}}
	m.must(os.MkdirAll(m.root, 0o755))
	if err := unix.Mount(m.root, m.root, "", unix.MS_BIND, ""); errors.Is(err, unix.EPERM) {
		t.Skip("this root may not mount: ", err)
	} else if err == nil {
		m.must(unix.Unmount(m.root, 0))
	}
	m.mount(m.root, "/", "", unix.MS_BIND) // programs in it find the root of their paths among the mounts
	for _, name := range []string{"dev", "proc", "tmp", "usr", "opt", "etc/refmon", "run/refmon", "var/lib/refmon",
		"var/lib/refmon-gateway", "var/lib/refmon-index", "srv/projects", "srv/shared", "mnt/projects", "mnt/shared",
		"backup"} {
		m.must(os.MkdirAll(m.at("/"+name), 0o755))
	}
	m.must(os.Chmod(filepath.Dir(filepath.Dir(m.root)), 0o755)) // alice's programs find the root folder
	m.must(os.Chmod(filepath.Dir(m.root), 0o755))
	for _, name := range []string{"/var/lib/refmon", "/var/lib/refmon-index", "/srv/projects", "/srv/shared"} {
		m.must(os.Chmod(m.at(name), 0o700))
	}
	m.must(os.Chmod(m.at("/tmp"), 0o1777))
	m.must(os.Chown(m.at("/var/lib/refmon-gateway"), gateway, gateway))
	m.must(os.WriteFile(m.at("/etc/passwd"), []byte("root:x:0:0::/:/bin/sh\nalice:x:4711:4711::/:/bin/sh\n"+
		"bob:x:4712:4712::/:/bin/sh\ncarol:x:4713:4713::/:/bin/sh\nrefmon-gateway:x:4810:4810::/:/bin/sh\n"), 0o644))
	m.must(os.WriteFile(m.at("/etc/group"), []byte("root:x:0:\n"), 0o644))
	for name, number := range map[string]uint64{"null": unix.Mkdev(1, 3), "urandom": unix.Mkdev(1, 9),
		"fuse": unix.Mkdev(10, 229)} {
		m.must(unix.Mknod(m.at("/dev/"+name), unix.S_IFCHR|0o666, int(number)))
		m.must(os.Chmod(m.at("/dev/"+name), 0o666))
	}
	if f, err := os.OpenFile(m.at("/dev/null"), os.O_WRONLY, 0); err != nil {
		t.Skipf("devices in %s do not work: %v", m.root, err)
	} else {
		_ = f.Close()
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		m.must(os.Symlink("usr/"+name, m.at("/"+name)))
	}
	m.mount("/usr", "/usr", "", unix.MS_BIND)
	m.must(unix.Mount("", m.at("/usr"), "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""))
	m.mount("proc", "/proc", "proc", 0)
	programs.Install(t, m.at("/opt"), names...)
	t.Cleanup(m.stopAll)
	return m
}

// at returns the path of a machine's file on this host.
func (m *machine) at(name string) string { return filepath.Join(m.root, name) }

func (m *machine) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

// mount mounts a file system at a path of the machine until the end of the test.
func (m *machine) mount(source, name, kind string, flags uintptr, options ...string) {
	m.Helper()
	at := m.at(name)
	m.must(unix.Mount(source, at, kind, flags, strings.Join(options, ",")))
	m.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			m.Errorf("unmount %s: %v", at, err)
		}
	})
}

// run runs a shell script on the machine as a user, and returns its standard output and error without blanks at the
// ends.
func (m *machine) run(uid uint32, script string) (string, error) {
	cmd := exec.Command("/bin/sh", "-euc", script)
	cmd.Dir, cmd.Env = "/", m.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root, Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// does runs a shell script of root on the machine, which must succeed, and returns its output.
func (m *machine) does(script string) string {
	m.Helper()
	out, err := m.run(0, script)
	if err != nil {
		m.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// buildOverlaid replaces the daemons of the machine by ones with changed sources: texts by file, relative to the module
// server or absolute. Start the daemons afterwards.
func (m *machine) buildOverlaid(files map[string]string) {
	m.Helper()
	dir, replace := m.TempDir(), map[string]string{}
	for name, text := range files {
		if !filepath.IsAbs(name) {
			at, err := filepath.Abs(filepath.Join("../../..", name))
			m.must(err)
			name = at
		}
		replace[name] = filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		m.must(os.WriteFile(replace[name], []byte(text), 0o600))
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	m.must(err)
	m.must(os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	args := []string{"build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", m.at("/opt/")}
	for _, name := range daemons {
		m.must(os.Remove(m.at("/opt/" + name))) // other tests share the file
		args = append(args, "./cmd/"+name)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = "../../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		m.Fatalf("build the daemons: %v\n%s", err, out)
	}
}

// free returns a port that was free a moment ago.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err = errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	return port
}

// configure writes the configurations of the daemons; keys are further ones of refmond.
func (m *machine) configure(keys string) {
	m.Helper()
	for name, text := range map[string]string{
		"refmond.yaml": "computer: host\ntrees:\n  projects: {path: /srv/projects, mount: /mnt/projects}\n" + keys,
		"gateway.yaml": fmt.Sprintf("trees: [projects]\nfiles: 127.0.0.1:%s\nconsole: ''\n", m.port),
	} {
		m.must(os.WriteFile(m.at("/etc/refmon/"+name), []byte(text), 0o644))
	}
}

// populate creates accounts, files and the index's directory file, and leaves refmond and its mount running. alice has
// full access to /srv/projects, bob reads all but /srv/projects/private, and carol has no right. In /srv/shared alice
// has full access and bob reads. Call configure before.
func (m *machine) populate() {
	m.Helper()
	m.must(os.WriteFile(m.at("/etc/refmon/company.yaml"), []byte("users: []\n"), 0o644))
	m.does("refmon acl set --offline /srv/projects 'O:SYG:SYD:P(A;OICI;FA;;;SY)'\n" +
		"refmon acl set --offline /srv/shared 'O:SYG:SYD:P(A;OICI;FA;;;S-1-22-1-4711)(A;OICI;FR;;;S-1-22-1-4712)'")
	m.begin("refmond")
	m.does(`echo alices-password | refmond account add alice --uid 4711 --password
		echo bobs-password | refmond account add bob --uid 4712 --password
		refmond account add carol --uid 4713
		refmond account group add staff
		refmond account group join staff bob
		refmond account right grant S-1-22-1-4810 SeImpersonatePrivilege`)
	people := "users:\n"
	list := m.does("refmond account list")
	for _, name := range []string{"alice", "bob", "carol"} {
		user := regexp.MustCompile(name + ` +(S-1-5-21-[0-9-]+)`).FindStringSubmatch(list)
		if user == nil {
			m.Fatalf("no account %s in\n%s", name, list)
		}
		people += fmt.Sprintf("- {name: %s, sid: %s}\n", name, user[1])
	}
	m.must(os.WriteFile(m.at("/etc/refmon/company.yaml"), []byte(people), 0o644))
	m.end("refmond")
	m.must(m.grant("/srv/projects", "bob", "OICI"))
	m.begin("refmond")
	m.begin("refmond mount")
	if out, err := m.run(alice, `cd /mnt/projects && mkdir plans private
		for i in 1 2 3; do echo "plan $i" >plans/plan$i; echo "secret $i" >private/secret$i; done
		cd /mnt/shared && echo shared >note`); err != nil {
		m.Fatalf("alice makes files: %v\n%s", err, out)
	}
	m.must(m.grant("/srv/projects/private", "", "OICI"))
	for i := 1; i <= 3; i++ {
		m.must(m.grant(fmt.Sprint("/srv/projects/private/secret", i), "", ""))
	}
}

// grant stores a descriptor: alice has full access, and reader reads; "" for no reader. Opens are recorded. inherit is
// OICI for a directory, whose new files get the descriptor, and otherwise "".
func (m *machine) grant(file, reader, inherit string) error {
	m.Helper()
	text, err := os.ReadFile(m.at("/etc/refmon/company.yaml"))
	m.must(err)
	sid := func(name string) string {
		found := regexp.MustCompile("name: " + name + ", sid: ([^}]+)}").FindSubmatch(text)
		if found == nil {
			m.Fatalf("no user %s in %s", name, text)
		}
		return string(found[1])
	}
	entries := fmt.Sprintf("(A;%s;FA;;;%s)", inherit, sid("alice"))
	if reader != "" {
		entries += fmt.Sprintf("(A;%s;0x1200a9;;;%s)", inherit, sid(reader))
	}
	out, err := m.run(0, fmt.Sprintf("refmon acl set --offline %s 'O:SYG:SYD:P%sS:(AU;%sSAFA;FA;;;WD)'", file, entries,
		inherit))
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// web returns a client that trusts the gateway's certificate. Each request has its own connection.
func (m *machine) web() *http.Client {
	m.Helper()
	text, err := os.ReadFile(m.at("/var/lib/refmon-gateway/loopback.pem"))
	m.must(err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		m.Fatal("the gateway's certificate is not one")
	}
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
}

// asks sends a request of a user to the gateway and returns the status and the body of the response.
func (m *machine) asks(c *http.Client, method, user, path, body string) (int, string, error) {
	r, err := http.NewRequest(method, "https://127.0.0.1:"+m.port+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.SetBasicAuth(user, user+"s-password")
	answer, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	b, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(b), errors.Join(err, answer.Body.Close())
}
