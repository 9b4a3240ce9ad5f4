package gateway

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/internal/test/addc"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestNegotiateGrantsAccessOfDirectoryGroups runs curl with tickets of a real domain, and checks that each user gets
// the access that the directory's groups allow (G-6, G-8).
func TestNegotiateGrantsAccessOfDirectoryGroups(t *testing.T) {
	if os.Getenv("REFMON_SAMBA") != "required" {
		t.Skip("it takes ten seconds: REFMON_SAMBA=required runs it, as .ci/run does")
	}
	curl := tool(t, "curl")
	const host = "www.refmon.test"
	d := addc.Start(t, addc.Order{Users: map[string]int{"alice": 3, "bob": 2}, Service: "HTTP/" + host})
	keys := check.Must(kerberos.ReadKeytab(d.Keytab))
	// group is a group with alice and without bob. Both are Domain Users.
	var group sid.SID
	for _, g := range d.TokenGroups("alice") {
		if g.Prefix() == d.SID && g.RID() >= 1000 {
			group = g
		}
	}
	root := "O:BAG:SYD:P(A;OICI;FA;;;" + group.String() + ")(A;;0x1200a9;;;" + d.SID.WithRID(513).String() + ")"
	w := newWorldOf(t, root, func(s *lsa.Store) logon.Authority {
		tickets, err := kerberos.New(kerberos.Config{Keys: keys, Realm: addc.Realm, Services: []string{"HTTP/" + host},
			Domain: d.SID, State: t.TempDir(), Now: startedEarlier(),
			Machine: func() sid.SID { return s.Computer().SID }})
		check.NoError(t, err)
		t.Cleanup(func() { _ = tickets.Close() })
		return kerberos.Authority{Store: s, Tickets: func() *kerberos.Acceptor { return tickets }}
	}, func(c *Config) { c.Negotiate = true })
	files := map[string]string{
		"plan":   "O:BAG:SYD:P(A;;FA;;;" + group.String() + ")(A;;0x1200a9;;;" + d.SID.WithRID(513).String() + ")",
		"denied": "O:BAG:SYD:P(D;;0x1;;;" + group.String() + ")(A;;0x1200a9;;;" + d.SID.WithRID(513).String() + ")",
		"staff":  "O:BAG:SYD:P(A;;0x1200a9;;;" + group.String() + ")",
		"bob":    "O:BAG:SYD:P(A;;0x1200a9;;;" + d.UserSID("bob").String() + ")",
	}
	for name, text := range files {
		w.file(name, name+"\n", text)
	}
	w.file("deep/hidden", "hidden\n", files["staff"])
	w.describe("deep", "O:BAG:SYD:P(A;;FA;;;"+group.String()+")")
	at := check.Must(url.Parse(w.url))
	address, port := at.Hostname(), at.Port()
	ask := func(env []string, path string, args ...string) (body, code string) {
		t.Helper()
		cmd := exec.Command(curl, append(args, "-sS", "--insecure", "-w", "\n%{http_code}",
			"--resolve", host+":"+port+":"+address, "https://"+host+":"+port+path)...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		check.RequireThat(t, err == nil, "curl: %v\n%s", err, out)
		end := strings.LastIndexByte(string(out), '\n')
		return string(out[:end]), string(out[end+1:])
	}
	can, local := map[string]int{}, filepath.Join(t.TempDir(), "new")
	write(t, local, []byte("by a ticket\n"))
	for _, user := range []string{"alice", "bob"} {
		env := append(os.Environ(), d.Login(user)...)
		tok := check.Must(token.New(token.NetworkUser(d.UserSID(user), d.TokenGroups(user)...)))
		for name, text := range files {
			dec := check.Must(access.Check(tok, sddl.MustParse(text), winnt.FILE_GENERIC_READ, winnt.FileObject))
			want, content := "403", "access denied"
			if dec.Allowed() {
				want, content = "200", name+"\n"
				can[user]++
			}
			body, code := ask(env, "/share/"+name, "--negotiate", "-u", ":")
			check.That(t, code == want && strings.HasPrefix(body, content),
				"%s reads %s: %s %q, want %s", user, name, code, body, want)
		}
		want := map[string]string{"alice": "200", "bob": "404"}[user]
		if body, code := ask(env, "/share/deep/hidden", "--negotiate", "-u", ":"); code != want {
			t.Errorf("G-8: %s in a directory that only the group lists: %s %q, want %s", user, code, body, want)
		}
		want = map[string]string{"alice": "201", "bob": "403"}[user]
		if body, code := ask(env, "/share/new-"+user, "--negotiate", "-u", ":", "-T", local); code != want {
			t.Errorf("%s uploads: %s %q, want %s", user, code, body, want)
		}
	}
	check.That(t, can["alice"] == 2 && can["bob"] == 3,
		"the check allows %v of 4, want 2 of alice's and 3 of bob's", can)
	if got := w.content("new-alice"); got != "by a ticket\n" {
		t.Error(got)
	}
	_, code := ask(nil, "/share/plan")
	check.Equal(t, code, "401", "without a ticket")
}

// startedEarlier returns a clock for an acceptor that started a minute ago, because it accepts no ticket of its first
// second (K-47).
func startedEarlier() func() time.Time {
	var asked atomic.Bool
	return func() time.Time {
		if asked.Swap(true) {
			return time.Now()
		}
		return time.Now().Add(-time.Minute)
	}
}
