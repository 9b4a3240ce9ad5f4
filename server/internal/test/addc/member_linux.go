package addc

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/refmon/refmon/sid"
)

// Member is a domain member with a winbindd, in its own mount namespace.
type Member struct {
	// Wbinfo is a program that queries this winbindd.
	Wbinfo string

	d      *Domain
	dir    string
	holder *exec.Cmd     // keeps the mount namespace alive
	daemon *exec.Cmd     // winbindd; nil: not running
	ended  chan struct{} // closed when daemon has ended
}

const memberConf = `[global]
 security = ads
 realm = %[1]s
 workgroup = %[2]s
 netbios name = MEMBER1
 password server = dc1.refmon.test
 interfaces = %[3]s/8
 bind interfaces only = yes
 idmap negative cache time = 1
 private dir = %[4]s/priv
 lock directory = %[4]s/lock
 state directory = %[4]s/state
 cache directory = %[4]s/cache
 pid directory = %[4]s/pid
 ncalrpc dir = %[4]s/nc
 log file = %[4]s/log/log.%%m
`

// Join creates a member of the domain, which must have Files. [Member.Winbind] starts its winbindd. Join skips the
// test if a program is missing or the DNS port is taken.
func (d *Domain) Join() *Member {
	d.t.Helper()
	for _, p := range []string{"winbindd", "wbinfo", "net", "unshare", "nsenter"} {
		if _, err := exec.LookPath(p); err != nil {
			Skip(d.t, "no %s here: install the packages %s", p, packages)
		}
	}
	m := &Member{d: d, dir: d.t.TempDir()}
	for _, dir := range []string{"priv", "lock", "state", "cache", "pid", "nc", "log", "run"} {
		d.must(os.MkdirAll(m.path(dir), 0o755))
	}
	d.must(os.WriteFile(m.path("hosts"), []byte("127.0.0.1 localhost\n"+d.Address+" dc1.refmon.test dc1 refmon.test\n"),
		0o600))
	d.resolver()
	d.must(os.WriteFile(m.path("resolv.conf"), []byte("nameserver "+d.Address+"\n"), 0o600))
	m.hold()
	m.configure("")
	d.WaitForFiles()
	m.run("net", "ads", "join", "-S", "dc1.refmon.test", "-s", m.path("smb.conf"), "-U", "Administrator%Passw0rd-admin",
		"--no-dns-updates")
	m.Wbinfo = m.path("wbinfo")
	d.must(os.WriteFile(m.Wbinfo, fmt.Appendf(nil, "#!/bin/sh\nexec nsenter -t %d -m -- wbinfo \"$@\"\n",
		m.holder.Process.Pid), 0o700)) //nolint:gosec // a program
	return m
}

// path returns the path of a file in the member's own folder.
func (m *Member) path(name string) string { return filepath.Join(m.dir, name) }

// configure writes the configuration, with the lines in more at its end.
func (m *Member) configure(more string) {
	m.d.t.Helper()
	text := fmt.Sprintf(memberConf, Realm, Name, m.d.Address, m.dir) + more
	m.d.must(os.WriteFile(m.path("smb.conf"), []byte(text), 0o600))
}

// hold starts a program that keeps the member's mount namespace alive until the test ends.
func (m *Member) hold() {
	m.d.t.Helper()
	m.holder = exec.Command("unshare", "-m", "sh", "-c", "mount --make-rprivate / && mount --bind '"+m.path("hosts")+
		"' /etc/hosts && mount --bind '"+m.path("resolv.conf")+
		"' /etc/resolv.conf && mount --bind '"+m.path("run")+"' /run/samba && echo ready && exec cat")
	in, err := m.holder.StdinPipe()
	m.d.must(err)
	out, err := m.holder.StdoutPipe()
	m.d.must(err)
	m.d.must(m.holder.Start())
	m.d.t.Cleanup(func() {
		_ = in.Close()
		_ = m.holder.Wait()
	})
	if n, err := out.Read(make([]byte, 16)); err != nil || n == 0 {
		m.d.t.Fatalf("a name space of mounts: %v", err)
	}
}

// command returns a command that runs in the mount namespace.
func (m *Member) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"-t", fmt.Sprint(m.holder.Process.Pid), "-m", "--", name}, args...)...)
	cmd.Env = append(os.Environ(), "KRB5_CONFIG="+m.d.path("krb5.conf"))
	return cmd
}

// run runs a program on the member and returns its output. A failure ends the test with the output and Samba's log.
func (m *Member) run(name string, args ...string) string {
	m.d.t.Helper()
	out, err := m.command(name, args...).CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(m.d.path("samba.log"))
		m.d.t.Fatalf("%s %s: %v\n%s\n%s", name, strings.Join(args, " "), err, out, log)
	}
	return string(out)
}

// WaitForFiles waits until the controller's file server accepts a connection, at most a minute.
func (d *Domain) WaitForFiles() {
	d.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", net.JoinHostPort(d.Address, "445"), time.Second)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("the controller's file server does not answer: %v", err)
		}
	}
}

// Winbind stops winbindd and starts it again with an empty cache and the lines in idmap at the end of its
// configuration. It waits until winbindd reaches the controller.
func (m *Member) Winbind(idmap string) {
	m.d.t.Helper()
	m.Stop()
	m.configure(idmap)
	for _, dir := range []string{"lock", "cache", "state"} {
		d := m.path(dir)
		m.d.must(os.RemoveAll(d))
		m.d.must(os.MkdirAll(d, 0o755))
	}
	// The PID namespace ends its children with it, because RPC helpers leave its process group.
	m.daemon = m.command("unshare", "-p", "-f", "--kill-child", "winbindd", "-F", "--no-process-group",
		"--debug-stdout", "--configfile="+m.path("smb.conf"))
	m.ended = make(chan struct{})
	m.d.must(start(m.daemon, func(error) { close(m.ended) }))
	m.d.t.Cleanup(m.Stop)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		out, err := m.command("wbinfo", "--ping-dc").CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			m.d.t.Fatalf("winbind does not answer: %s", out)
		}
	}
}

// Stop kills winbindd and its children. It does nothing if winbindd does not run.
func (m *Member) Stop() {
	if m.daemon == nil {
		return
	}
	_ = syscall.Kill(-m.daemon.Process.Pid, syscall.SIGKILL) // the group of this test's winbindd
	<-m.ended
	m.daemon = nil
}

// Ranges returns the output of `net idmap get ranges`: the ranges of autorid.
func (m *Member) Ranges() string {
	m.d.t.Helper()
	return m.run("net", "idmap", "get", "ranges", "-s", m.path("smb.conf"))
}

// Accounts returns the SIDs of the accounts whose names begin with prefix, by name.
func (d *Domain) Accounts(prefix string) map[string]sid.SID {
	d.t.Helper()
	out := d.run(nil, "ldbsearch", "-H", d.path("private", "sam.ldb"), "(&(objectClass=user)(sAMAccountName="+prefix+"*))",
		"sAMAccountName", "objectSid")
	all := map[string]sid.SID{}
	for _, entry := range strings.Split(string(out), "\n\n") {
		name, id := field(entry, "sAMAccountName: "), field(entry, "objectSid: ")
		if name != "" && id != "" {
			all[name] = sid.MustParse(id)
		}
	}
	return all
}

// field returns the value after a name in a program's output: the rest of the first line that begins with name, ""
// without one.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
