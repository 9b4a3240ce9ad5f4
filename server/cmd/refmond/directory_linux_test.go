package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/test/addc"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// byPassword logs a user of the domain on, and returns the groups of the token.
func byPassword(t *testing.T, c *client.Conn, kind uint32, name, password string) ([]token.Group, ntstatus.Status) {
	t.Helper()
	out, st := c.Thread().LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
		AuthenticationInformation: nt.LogonInformation{MessageType: kind, LogonDomainName: "REFMON", UserName: name,
			Password: logon.Secret(password)}})
	if st != ntstatus.Success {
		return nil, st
	}
	v, st := c.Thread().NtQueryInformationToken(out.Token, winnt.TokenGroups)
	check.Success(t, st)
	return v.([]token.Group), st
}

// directoryPage follows docs/identity.md for passwords and directories: it tries each configuration of the page with
// the test's domain controller.
func directoryPage(t *testing.T, d *addc.Domain, page []byte) {
	t.Helper()
	settings := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1)
	check.RequireThat(t, len(settings) >= 3,
		"the page has %d directory configurations, want at least 3", len(settings))
	kerberos := regexp.MustCompile(`(?m)^(files|privileges):\n(  .*\n)+`).ReplaceAllString(string(settings[0][1]), "")
	here := func(text string) string {
		return strings.NewReplacer("/etc/refmon/http.keytab", d.Keytab, "S-1-5-21-1-2-3", d.SID.String(),
			"dc1.refmon.test", d.Address, "/etc/refmon/ca.pem", d.CA).Replace(text)
	}
	want := map[sid.SID]bool{}
	for _, g := range d.TokenGroups("alice") {
		if g.Prefix() == d.SID {
			want[g] = true
		}
	}
	same := func(what string, groups []token.Group) {
		t.Helper()
		n := 0
		for _, g := range groups {
			if g.SID.Prefix() == d.SID {
				if n++; !want[g.SID] {
					t.Errorf("%s: %v is not one of hers", what, g.SID)
				}
			}
		}
		check.Equal(t, n, len(want), "%s: groups of the domain", what)
	}
	p := build(t)
	p.configure(here(kerberos + string(settings[1][1])))
	_, end := p.serve()
	c := p.dial(p.socket)
	groups, st := byPassword(t, c, nt.InteractiveLogon, "alice", addc.Password)
	check.Equal(t, st, ntstatus.Success, "K-53: alice by her password")
	same("K-53: by password", groups)
	check.Equal(t, check.Status(byPassword(t, c, nt.InteractiveLogon, "alice", "wrong")), ntstatus.LogonFailure,
		"K-58: by a wrong password")
	end()
	p.checkAbsent(addc.Password)
	p = build(t)
	p.configure(here(kerberos + strings.Replace(string(settings[2][1]), "security:", "passwords: bind\n  security:", 1)))
	p.serve()
	c = p.dial(p.socket)
	groups, st = byPassword(t, c, nt.InteractiveLogon, "alice", addc.Password)
	check.Equal(t, st, ntstatus.Success, "D-24: alice by a bind")
	same("D-24: by a bind", groups)
	if groups, st = byPassword(t, c, nt.S4ULogon, "alice", ""); st != ntstatus.Success {
		t.Errorf("D-16: alice by name: %v, want %v", st, ntstatus.Success)
	}
	same("D-16: by name", groups)
	runPage(t, p, d, page, want)
}

// runPage runs the commands of the page.
func runPage(t *testing.T, p *program, d *addc.Domain, page []byte, want map[sid.SID]bool) {
	t.Helper()
	refmon := filepath.Join(p.dir, "refmon")
	programs.Install(t, p.dir, "refmon")
	commands := regexp.MustCompile(`(?m)^    (refmond directory .*|refmon who-can .*)$`).FindAllSubmatch(page, -1)
	check.RequireThat(t, len(commands) == 3, "the page has %d commands, want three", len(commands))
	for _, line := range commands {
		words := strings.Fields(strings.Replace(string(line[1]), "refmond.yaml", p.config, 1))
		cmd := exec.Command(map[string]string{"refmond": p.bin, "refmon": refmon}[words[0]], words[1:]...)
		cmd.Dir = p.dir
		out, err := cmd.CombinedOutput()
		check.That(t, err == nil, "%s: %v\n%s", line[1], err, out)
		check.That(t, words[1] != "find" || strings.Count(string(out), d.SID.String()) == len(want)+1,
			"%s:\n%s", line[1], out)
		check.That(t, words[1] != "who-can" || strings.Contains(string(out), "alice"), "%s:\n%.2000s", line[1], out)
	}
	file := check.Must(os.ReadFile(filepath.Join(p.dir, "people.yaml")))
	dir, err := dirfile.Read(file)
	check.RequireThat(t, err == nil && dir.Account("alice") != nil, "D-22: %v\n%.2000s", err, file)
	info, err := os.Stat(filepath.Join(p.dir, "objects.ldif"))
	check.That(t, err == nil && info.Mode().Perm() == 0o600,
		"D-23: objects.ldif: %v, %v, want mode 0600, no error", info, err)
}

// checkAbsent checks that no file of the state folder contains a secret.
func (p *program) checkAbsent(secret string) {
	p.Helper()
	err := filepath.WalkDir(filepath.Join(p.dir, "state"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), secret) {
			err = fmt.Errorf("%s has it", path)
		}
		return err
	})
	check.Equal(p, err, nil, "K-50: the password")
}
