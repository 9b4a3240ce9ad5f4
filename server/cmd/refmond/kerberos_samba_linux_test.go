package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/addc"
	"github.com/refmon/refmon/sid"
)

// TestIdentityPageServerAcceptsTickets runs the server of docs/identity.md on a real domain. curl uses tickets of two
// users, one of them in the group that may read.
func TestIdentityPageServerAcceptsTickets(t *testing.T) {
	page, err := os.ReadFile("../../../docs/identity.md")
	check.NoError(t, err)
	program := regexp.MustCompile("(?s)```python\n(.*?)```").FindSubmatch(page)
	settings := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	check.RequireThat(t, program != nil && settings != nil, "the page has no server, or no configuration")
	d := addc.Start(t, addc.Order{Users: map[string]int{"alice": 3, "bob": 2}, Service: "HTTP/www.refmon.test",
		TLS: true})
	var group sid.SID // one that alice is in, and bob is not
	for _, g := range d.TokenGroups("alice") {
		if g.Prefix() == d.SID && g.RID() >= 1000 {
			group = g
		}
	}
	p := build(t)
	p.configure(strings.NewReplacer("/etc/refmon/http.keytab", d.Keytab, "S-1-5-21-1-2-3-1105", group.String(),
		"S-1-5-21-1-2-3", d.SID.String(), "33:", fmt.Sprint(os.Getuid(), ":")).Replace(string(settings[1])))
	p.serve()
	url := p.page(string(program[1]), d.Address)
	ask := func(user string) string {
		env := d.Login(user)
		// In its first second refmond takes no token, as the page says.
		for deadline := time.Now().Add(time.Minute); ; {
			cmd := exec.Command("curl", "-sS", "--negotiate", "-u", ":", "-w", "%{http_code}", "--resolve",
				strings.TrimPrefix(url, "http://")+":"+d.Address, url+"/payroll")
			cmd.Env = env
			out, err := cmd.CombinedOutput()
			check.RequireThat(t, err == nil, "curl as %s: %v\n%s", user, err, out)
			if !strings.HasSuffix(string(out), "401") || time.Now().After(deadline) {
				return string(out)
			}
		}
	}
	if got := ask("alice"); !strings.HasSuffix(got, "200") {
		t.Errorf("alice, who is in %v, gets\n%s, want text ending with \"200\"", group, got)
	}
	if got := ask("bob"); !strings.HasSuffix(got, "403") || !strings.Contains(got, "A-") {
		t.Errorf("bob, who is not in %v, gets\n%s, want a denial with status 403", group, got)
	}
	out, err := exec.Command(p.bin, "why", "--socket", p.admin, "--path", "payroll").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "payroll") ||
		!strings.Contains(string(out), "bob@REFMON.TEST by a ticket for HTTP/www.refmon.test of ") {
		t.Errorf("why: %v\n%s", err, out)
	}
	directoryPage(t, d, page)
}

// page runs the server of the page, and returns where it listens.
func (p *program) page(text, address string) (url string) {
	p.Helper()
	file := filepath.Join(p.dir, "server.py")
	text = strings.Replace(text, "http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()",
		"s = http.server.HTTPServer((sys.argv[1], 0), Handler); print(s.server_port, flush=True); s.serve_forever()", 1)
	check.NoError(p, os.WriteFile(file, []byte(text), 0o600))
	python := check.Must(filepath.Abs("../../../clients/python"))
	cmd := exec.Command("python3", file, address)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+python, "REFMON_SOCKET="+p.socket, "PYTHONDONTWRITEBYTECODE=1")
	out := check.Must(cmd.StdoutPipe())
	cmd.Stderr = os.Stderr
	check.NoError(p, cmd.Start())
	p.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	check.RequireThat(p, lines.Scan(), "the server of the page did not start")
	return "http://www.refmon.test:" + lines.Text()
}
