package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/addc"
)

// ticketHost is the name that tickets are for.
const ticketHost = "www.refmon.test"

// TestTicketAccessEqualsRefmonAccess is TestWebAccessEqualsRefmonAccess in a domain. The domain controller's own file
// server sets the descriptors. curl and the browser present tickets of its KDC, rclone a password that the KDC accepts.
// Each user gets the access that `refmon access` reports, the gateway's own account opens nothing (G-1), and the trail
// names client and gateway.
func TestTicketAccessEqualsRefmonAccess(t *testing.T) {
	if os.Getenv("REFMON_SOAK") != "required" {
		t.Skip("it makes a domain and takes a minute: REFMON_SOAK=required runs it, as make soak does")
	}
	browser := tool(t, "chromium")
	for _, name := range []string{"curl", "rclone", "smbcacls", "unshare"} {
		tool(t, name)
	}
	s := newSite(t, "")
	s.buildRefmon()
	users := []string{"alice", "bob", "carol"}
	d := addc.Start(t, addc.Order{Users: map[string]int{"alice": 3, "bob": 2, "carol": 1}, Files: true, Share: s.tree,
		Service: "HTTP/" + ticketHost})
	s.inDomain(d)
	sids := s.domainPeople(d, users)
	files := map[string]string{
		"":            "(A;OICI;0x1200a9;;;everybody)",
		"plan.txt":    "(A;;FA;;;alice)(A;;0x1200a9;;;everybody)",
		"payroll.txt": "(D;;FA;;;bob)(A;;0x120089;;;everybody)",
		"notes.txt":   "(A;;FA;;;carol)",
		"team.txt":    "(A;;0x1200a9;;;team)",
	}
	d.WaitForFiles()
	for name, text := range files {
		for who, s := range sids {
			text = strings.ReplaceAll(text, ";"+who+")", ";"+s+")")
		}
		if name != "" {
			s.must(os.WriteFile(filepath.Join(s.tree, name), []byte("of "+name+"\n"), 0o600))
		}
		out, err := exec.Command("smbcacls", "-s", "/dev/null", "-U", addc.Name+"/Administrator%Passw0rd-admin",
			"//"+d.Address+"/projects", "/"+name, "--sddl", "-S", "D:P"+text).CombinedOutput()
		check.RequireThat(t, err == nil, "smbcacls %s: %v\n%s", name, err, out)
	}
	s.start(0, 1, "refmond", "serve", "--config", "refmond.yaml")
	s.start(gate, 2, "refmon-gateway", "serve", "--config", "gateway.yaml")
	delete(files, "")
	can := map[string]int{}
	for _, user := range users {
		env := append(os.Environ(), d.Login(user)...)
		for name := range files {
			allowed := s.access(user, name)
			if allowed {
				can[user]++
			}
			s.curlByTicket(env, user, name, allowed)
			s.byRclone(addc.Name+`\`+user, addc.Password, name, allowed)
		}
		s.browserByTicket(browser, env, user, "payroll.txt", s.access(user, "payroll.txt"))
	}
	check.That(t, can["alice"] == 3 && can["bob"] == 1 && can["carol"] == 3,
		"refmon access allows %v, want 3 of alice's, 1 of bob's and 3 of carol's", can)
	s.checkOwnAccount(files)
	for _, user := range users {
		s.checkRecordNames(sids[user])
	}
}

// inDomain adds the domain to both configurations.
func (s *site) inDomain(d *addc.Domain) {
	s.Helper()
	for name, more := range map[string]string{
		"refmond.yaml": fmt.Sprintf("kerberos: {keytab: %s, realm: %s, services: [HTTP/%s], domain: %v}\n"+
			"directory: {name: %s, kdc: [%s], passwords: kdc}\nprivileges: {%d: [SeImpersonatePrivilege]}\n", d.Keytab,
			addc.Realm, ticketHost, d.SID, addc.Name, d.Address, gate),
		"gateway.yaml": "negotiate: true\nnames: [localhost, " + ticketHost + "]\n",
	} {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		s.must(err)
		s.write(name, strings.Replace(string(text), "    descriptors:", "    ignorePosix: true\n    descriptors:", 1)+more)
	}
}

// domainPeople returns the SIDs of the users, of all of them, and of a group of alice's alone;
// it writes the directory file for refmon access, with the groups that the directory computes.
func (s *site) domainPeople(d *addc.Domain, users []string) map[string]string {
	s.Helper()
	sids := map[string]string{"everybody": d.SID.WithRID(513).String()}
	of := map[string]string{} // names of groups, each after a comma
	has := map[string]int{}
	for _, user := range users {
		sids[user] = d.UserSID(user).String()
		for _, g := range d.TokenGroups(user) {
			if g.Prefix() == d.SID {
				of[user] += fmt.Sprintf(", g%d", g.RID())
				has[g.String()]++
			}
		}
	}
	text := fmt.Sprintf("domain: %v\ngroups:\n", d.SID)
	for g := range has {
		text += fmt.Sprintf("  - {name: g%s, sid: %s}\n", g[strings.LastIndexByte(g, '-')+1:], g)
	}
	text += "users:\n"
	for _, user := range users {
		text += fmt.Sprintf("  - {name: %s, sid: %s, memberOf: [%s]}\n", user, sids[user], of[user][2:])
	}
	s.write("people.yaml", text)
	for _, g := range d.TokenGroups("alice") {
		if has[g.String()] == 1 {
			sids["team"] = g.String()
		}
	}
	check.RequireThat(s, sids["team"] != "", "alice has no group of her own:\n%s", text)
	return sids
}

// curlByTicket requests a file with a user's ticket. refmond accepts none in its first second
// (K-47), so it repeats the request.
func (s *site) curlByTicket(env []string, user, name string, allowed bool) {
	s.Helper()
	want, code := "access denied", "403"
	if allowed {
		want, code = "of "+name, "200"
	}
	got := ""
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		cmd := exec.CommandContext(s.Context(), "curl", "--negotiate", "-u", ":", "-sS", "--insecure", "-w", "%{http_code}",
			"--resolve", ticketHost+":"+s.files+":127.0.0.1", "https://"+ticketHost+":"+s.files+"/projects/"+name)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if got = string(out); err != nil {
			s.Fatalf("curl: %v\n%s", err, out)
		}
		if !strings.HasSuffix(got, "401") || time.Now().After(deadline) {
			break
		}
	}
	check.That(s, strings.HasPrefix(got, want) && strings.HasSuffix(got, "\n"+code),
		"%s reads %s by a ticket: %q, want %q and %s", user, name, got, want, code)
}

// browserByTicket opens a file with a user's ticket in a headless browser. The browser resolves the
// host's own names to determine the service of the ticket, and is configured for Kerberos from the
// start.
func (s *site) browserByTicket(browser string, env []string, user, name string, allowed bool) {
	s.Helper()
	want := "access denied"
	if allowed {
		want = "of " + name
	}
	profile := s.TempDir()
	s.must(os.WriteFile(filepath.Join(profile, "Local State"),
		[]byte(`{"net":{"received_http_auth_negotiate_headers":true}}`), 0o600))
	s.write("hosts", "127.0.0.1 localhost\n127.0.0.1 "+ticketHost+"\n")
	ctx, cancel := context.WithTimeout(s.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "-m", "sh", "-c", "mount --make-rprivate / && mount --bind '"+
		filepath.Join(s.dir, "hosts")+"' /etc/hosts && exec \"$@\"", "sh", browser, "--headless", "--no-sandbox",
		"--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--ignore-certificate-errors", "--auth-server-allowlist="+ticketHost,
		"--user-data-dir="+profile, "--timeout=40000", "--dump-dom",
		"https://"+ticketHost+":"+s.files+"/projects/"+name)
	cmd.Env = env
	out, err := cmd.Output()
	check.That(s, err == nil && strings.Contains(string(out), ">"+want),
		"%s opens %s in a browser with a ticket: %v, %s; want %q", user, name, err, out, want)
}
