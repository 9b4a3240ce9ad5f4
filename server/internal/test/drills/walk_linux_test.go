package drills

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"

	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestAttacksOfOrdinaryUserFail runs attacks from a shell of an ordinary user and of the gateway's user: reading
// another user's file, changing the trail, becoming another account, and reaching or blocking the daemons
// (docs/threats.md).
func TestAttacksOfOrdinaryUserFail(t *testing.T) {
	randtest.SkipUnlessDeep(t, "it builds five programs and makes machines")
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		t.Skip(err)
	}
	m := newMachine(t)
	m.must(os.WriteFile(m.at("/opt/attack.py"), []byte(attack), 0o644))
	ticket := m.takesTickets()
	m.populate()
	m.begin("refmon-gateway")
	m.replays(ticket)
	before := m.measure("refmond").descriptors
	protected := check.Must(os.ReadFile("/proc/sys/fs/protected_hardlinks"))
	for name, uid := range map[string]uint32{"an ordinary user": bob, "the gateway's user": gateway} {
		values := m.environment(uid)
		for _, c := range tries {
			if strings.HasSuffix(c.script, " links") && strings.TrimSpace(string(protected)) == "0" {
				continue // this host lets every user link a socket that he may write
			}
			want, good := regexp.MustCompile(c.want), c.want != ""
			if !good {
				want = denied
			}
			out, err := m.run(uid, values+c.script)
			if good = good || err == nil == strings.Contains(c.script, "attack.py"); !good || gained.MatchString(out) ||
				!want.MatchString(out) {
				t.Errorf("%s tries to %s: %s: %q, %v, want a failure with %v", name, c.goal, c.script, out, err, want)
			}
		}
	}
	m.usesNamespaces()
	m.sendRequests()
	m.listensNowhereElse()
	m.exchangesLinks()
	m.fillsTemp()
	if out, err := m.run(alice, "cat /mnt/projects/private/secret1"); err != nil || out != "secret 1" {
		t.Errorf("alice afterwards: %q, %v", out, err)
	}
	for _, user := range []string{"alice", "bob", "carol"} {
		status, _, err := m.asks(m.web(), "GET", user, "/projects/private/secret1", "")
		check.That(t, (status == 200) == (user == "alice"), "%s afterwards: %d, %v", user, status, err)
	}
	after := m.measure("refmond").descriptors
	for range 100 { // the last connections may still end
		if after <= before+8 {
			break
		}
		time.Sleep(100 * time.Millisecond)
		after = m.measure("refmond").descriptors
	}
	check.That(t, after <= before+8, "refmond holds %d descriptors after the attempts, and held %d before", after, before)
	m.stopAll()
	m.does("refmon audit verify /var/lib/refmon/audit")
}

// takesTickets configures refmond and the gateway for Kerberos, and returns a token with a ticket.
func (m *machine) takesTickets() []byte {
	m.Helper()
	ticket := forge.Ticket{Service: "HTTP/www.example.test", Realm: "EXAMPLE.TEST", Key: forge.NewKey(18), Version: 2,
		Client: "alice", At: time.Now()}
	m.must(os.WriteFile(m.at("/etc/refmon/keytab"), forge.Keytab(forge.Entry{Service: ticket.Service,
		Realm: ticket.Realm, Version: 2, Key: ticket.Key}), 0o600))
	m.configure("kerberos: {keytab: /etc/refmon/keytab, realm: " + ticket.Realm + "}\n")
	f, err := os.OpenFile(m.at("/etc/refmon/gateway.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	m.must(err)
	_, err = f.WriteString("negotiate: true\n")
	m.must(errors.Join(err, f.Close()))
	return ticket.Blob()
}

// replays sends a ticket of a user without an account twice, which also starts the parser of tickets.
func (m *machine) replays(blob []byte) {
	m.Helper()
	for range 2 {
		out, err := m.run(bob, m.environment(bob)+"curl -ksS --max-time 30 -w '%{http_code}' -H 'Authorization: Negotiate "+
			base64.StdEncoding.EncodeToString(blob)+"' $WEB/projects/private/secret1")
		if err != nil || !strings.HasSuffix(out, "401") && !strings.HasSuffix(out, "403") {
			m.Errorf("a ticket of nobody's: %q, %v, want 401 or 403", out, err)
		}
	}
	if parsers := childrenOf(m.runs["refmond"].cmd.Process.Pid); len(parsers) == 0 {
		m.Errorf("refmond has no parser, so nobody can attack it:\n%s", m.runs["refmond"].said())
	}
}

// usesNamespaces runs the attacks of a user who is root in a user namespace.
func (m *machine) usesNamespaces() {
	m.Helper()
	outside := func(script string) (string, error) {
		cmd := exec.Command("/bin/sh", "-euc", m.environment(bob)+"ROOT="+m.root+"; export ROOT\n"+script)
		cmd.Env, cmd.Dir = []string{"PATH=/usr/bin:/usr/sbin:/bin"}, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: bob, Gid: bob}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := outside("unshare -Ur id -u"); err != nil || out != "0\n" {
		m.Logf("no attempts in user namespaces: %v, %s", err, out)
		return
	}
	for _, c := range namespaces {
		want := denied
		if c.want != "" {
			want = regexp.MustCompile(c.want)
		}
		if out, err := outside(c.script); err == nil && c.want == "" || gained.MatchString(out) || !want.MatchString(out) {
			m.Errorf("try to %s: %s: %q, %v, want a failure with %v", c.goal, c.script, out, err, want)
		}
	}
}

// sendRequests runs the attacks on the gateway.
func (m *machine) sendRequests() {
	m.Helper()
	values := m.environment(bob)
	for _, c := range requests {
		out, err := m.run(bob, values+"curl -ksS --path-as-is --max-time 30 -w '\\n%{http_code}' "+c.script)
		code := out[strings.LastIndexByte(out, '\n')+1:]
		check.That(m, err == nil && regexp.MustCompile("^"+c.want+"$").MatchString(code) && !gained.MatchString(out),
			"try to %s: %s: %q, %v, want status %s", c.goal, c.script, out, err, c.want)
	}
}

// listensNowhereElse checks that no daemon has a socket in the abstract namespace, which has no permissions, and that
// only the gateway listens on the network.
func (m *machine) listensNowhereElse() {
	m.Helper()
	for name, d := range m.runs {
		proc := fmt.Sprintf("/proc/%d/", d.cmd.Process.Pid)
		own := map[string]bool{}
		fds, err := filepath.Glob(proc + "fd/*")
		m.must(err)
		for _, fd := range fds {
			link, _ := os.Readlink(fd) // the connection may be closed
			if inode, is := strings.CutPrefix(link, "socket:["); is {
				own[strings.TrimSuffix(inode, "]")] = true
			}
		}
		for file, shown := range map[string]func(f []string) (inode string, bad bool){
			"net/unix": func(f []string) (string, bool) { return f[6], len(f) > 7 && strings.HasPrefix(f[7], "@") },
			"net/tcp":  func(f []string) (string, bool) { return f[9], f[3] == "0A" && name != "refmon-gateway" },
			"net/tcp6": func(f []string) (string, bool) { return f[9], f[3] == "0A" },
		} {
			b, err := os.ReadFile(proc + file)
			m.must(err)
			for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
				if i == 0 {
					continue
				}
				if inode, bad := shown(strings.Fields(line)); bad && own[inode] {
					m.Errorf("%s has a socket that others reach: %s", name, line)
				}
			}
		}
	}
}

// exchangesLinks exchanges a folder with a link to refmond's state while alice requests a file through both. The
// gateway never leaves the tree. It also answers a request for a pipe that a file server on the host has made.
func (m *machine) exchangesLinks() {
	m.Helper()
	if out, err := m.run(alice, "cd /mnt/projects/plans && mkdir d && echo fine >d/accounts.db"); err != nil {
		m.Fatalf("alice makes files: %v: %s", err, out)
	}
	plans := m.at("/srv/projects/plans/")
	m.must(os.Symlink("../../../var/lib/refmon", plans+"/l"))
	m.must(unix.Mkfifo(plans+"/pipe", 0o666))
	exchanged := 0
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if unix.Renameat2(unix.AT_FDCWD, plans+"/d", unix.AT_FDCWD, plans+"/l", unix.RENAME_EXCHANGE) == nil {
				exchanged++
			}
		}
	}()
	web, successes := m.web(), 0
	for range 100 {
		status, body, err := m.asks(web, "GET", "alice", "/projects/plans/d/accounts.db", "")
		if successes += status / 200 % 2; err != nil || status == 200 && body != "fine\n" || status >= 500 {
			m.Errorf("a folder that becomes a link: %d %.20q, %v", status, body, err)
		}
	}
	close(stop)
	<-done
	check.That(m, successes != 0 && exchanged >= 100,
		"the file was there %d times of 100 and exchanged %d times, so this shows nothing", successes, exchanged)
	web.Timeout = 10 * time.Second
	if status, _, err := m.asks(web, "GET", "alice", "/projects/plans/pipe", ""); err != nil || status < 400 {
		m.Errorf("a pipe: %d, %v, want an error within 10 seconds", status, err)
	}
}

// fillsTemp lets bob fill /tmp. Then alice stores and reads a file of 4 MiB.
func (m *machine) fillsTemp() {
	m.Helper()
	m.mount("tmpfs", "/tmp", "tmpfs", 0, "size=1m,mode=1777")
	if out, err := m.run(bob, "cat /dev/urandom >/tmp/full"); err == nil || !strings.Contains(out, "No space") {
		m.Errorf("bob fills /tmp: %q, %v", out, err)
	}
	text := strings.Repeat("x", 4<<20)
	if status, _, err := m.asks(m.web(), "PUT", "alice", "/projects/plans/large", text); err != nil || status != 201 {
		m.Errorf("alice stores a file: %d, %v, want 201", status, err)
	}
	if status, body, err := m.asks(m.web(), "GET", "alice", "/projects/plans/large", ""); err != nil || body != text {
		m.Errorf("alice reads her file: %d, %d bytes, %v", status, len(body), err)
	}
}
