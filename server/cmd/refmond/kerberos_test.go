package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ticketLogOn hands a client's token in.
func ticketLogOn(c *client.Conn, blob []byte, typ winnt.LogonType) (nt.LsaLogonUserOut, ntstatus.Status) {
	return c.Thread().LsaLogonUser(nt.LsaLogonUserIn{LogonType: typ, AuthenticationInformation: nt.LogonInformation{
		MessageType: nt.TokenLogon, ClientToken: logon.Secret(base64.StdEncoding.EncodeToString(blob))}})
}

// TestTickets: a program hands a client's token in and gets the client's token: its groups
// of the domain and of this computer, at the level that the client lets (K-30, K-45); the
// record and ps say by which ticket (K-50), and nothing of it is kept anywhere.
func TestTickets(t *testing.T) {
	p := build(t)
	key := forge.NewKey(18)
	keytab := filepath.Join(p.dir, "keytab")
	const realm, service = "EXAMPLE.TEST", "HTTP/www.example.test"
	if err := os.WriteFile(keytab, forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 2, Key: key}),
		0o600); err != nil {
		t.Fatal(err)
	}
	domain := sid.MustParse("S-1-5-21-10-20-30")
	p.configure("kerberos:\n  keytab: " + keytab + "\n  realm: " + realm + "\n  domain: " + domain.String() + "\n")
	cmd, end := p.serve()
	p.must("", "group", "add", "readers")
	p.must("", "group", "join", "readers", domain.WithRID(2001).String())
	at := time.Now().Add(3 * time.Second) // behind the daemon's start, whatever the machine does
	pac := forge.PAC{Domain: domain, User: 1104, Primary: 513, Name: "alice", DomainName: "EXAMPLE", AuthTime: at,
		Groups: []forge.Group{{RID: 513, Attributes: 7}, {RID: 2001, Attributes: 7}}, Requestor: domain.WithRID(1104),
		Extra: []token.Group{{SID: sid.Administrators, Attributes: 7}}}
	ticket := forge.Ticket{Service: service, Realm: realm, Key: key, Version: 2, Client: "alice", AuthTime: at, At: at,
		Mutual: true, PAC: forge.Seal(pac.Buffers(), key)}
	p.leavesNoCore(cmd.Process.Pid)
	c, blob := p.dial(p.socket), ticket.Blob()
	watched := p.watched()
	th := c.Thread()
	if _, st := ticketLogOn(c, blob, winnt.LOGON32_LOGON_INTERACTIVE); st != ntstatus.InvalidLogonType {
		t.Errorf("K-52: an interactive logon: %v", st)
	}
	out, st := ticketLogOn(c, blob, winnt.LOGON32_LOGON_NETWORK)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	if answer, err := base64.StdEncoding.DecodeString(out.ProfileBuffer); err != nil || len(answer) < 50 {
		t.Errorf("K-48: an answer of %d bytes, %v", len(answer), err)
	}
	v, _ := th.NtQueryInformationToken(out.Token, winnt.TokenUser)
	if g, ok := v.(token.Group); !ok || g.SID != domain.WithRID(1104) {
		t.Errorf("the user is %v", v)
	}
	v, _ = th.NtQueryInformationToken(out.Token, winnt.TokenGroups)
	groups := map[sid.SID]bool{}
	for _, g := range v.([]token.Group) {
		groups[g.SID] = true
	}
	if !groups[domain.WithRID(2001)] || !groups[sid.Network] || !groups[sid.Users] || groups[sid.Administrators] ||
		len(groups) < 8 {
		t.Errorf("K-30: groups %v", v)
	}
	if v, _ := th.NtQueryInformationToken(out.Token, winnt.TokenImpersonationLevel); v != winnt.SecurityImpersonation {
		t.Errorf("K-45: level %v", v)
	}
	if _, st := ticketLogOn(c, blob, winnt.LOGON32_LOGON_NETWORK); st != ntstatus.LogonFailure {
		t.Errorf("K-51: the same token again: %v", st)
	}
	p.shows(c, out.Token)
	p.sessions()
	secrets := [][]byte{blob, blob[len(blob)-200:], key.KeyValue, ticket.SessionKey.KeyValue, ticket.PAC[200:260]}
	p.untraced(watched(), secrets...)
	end()
	p.keptNothing(secrets...)
	p.silent(secrets...)
}

// shows holds that ps tells by which ticket a thread's client is known.
func (p *program) shows(c *client.Conn, tok winnt.Handle) {
	p.Helper()
	th := c.Thread()
	if st := th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, tok); st != ntstatus.Success {
		p.Fatal(st)
	}
	out, err := exec.Command(p.bin, "ps", "--socket", p.admin).CombinedOutput()
	if want := "alice@EXAMPLE.TEST by a ticket for HTTP/www.example.test of "; err != nil ||
		!strings.Contains(string(out), want) {
		p.Errorf("K-50: ps lacks %q: %v\n%s", want, err, out)
	}
	v, _ := th.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation)
	id := v.(nt.ThreadBasic).ClientID
	whose := fmt.Sprintf("%d/%d", uint64(id.UniqueProcess), uint64(id.UniqueThread))
	out, err = exec.Command(p.bin, "token", whose, "--socket", p.admin).CombinedOutput()
	if want := `user       EXAMPLE\alice` + "\nknown by   alice@EXAMPLE.TEST by a ticket for "; err != nil ||
		!strings.HasPrefix(string(out), want) {
		p.Errorf("W-95: token lacks %q: %v\n%s", want, err, out)
	}
	system := nt.ClientID{UniqueProcess: 4}
	if _, st := th.NtOpenProcess(winnt.PROCESS_ALL_ACCESS, nil, &system); st == ntstatus.Success {
		p.Error("alice opens the system's process")
	}
	th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0)
	out, err = exec.Command(p.bin, "why", "--socket", p.admin).CombinedOutput()
	if want := ", as EXAMPLE\\alice (alice@EXAMPLE.TEST by a ticket for HTTP/www.example.test of "; err != nil ||
		!strings.Contains(string(out), want) {
		p.Errorf("K-86: why lacks %q: %v\n%s", want, err, out)
	}
}

// keptNothing looks for secrets in all files of the state folder, and for the ticket in
// the trail.
func (p *program) keptNothing(secrets ...[]byte) {
	p.Helper()
	told := false
	err := filepath.WalkDir(filepath.Join(p.dir, "state"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		told = told || bytes.Contains(b, []byte("alice@EXAMPLE.TEST by a ticket for HTTP/www.example.test of "))
		for i, s := range secrets {
			for _, form := range [][]byte{s, []byte(base64.StdEncoding.EncodeToString(s))} {
				if bytes.Contains(b, form) {
					p.Errorf("K-50: %s has secret %d", path, i)
				}
			}
		}
		return err
	})
	if err != nil || !told {
		p.Errorf("K-50: the trail tells of the ticket: %t, %v", told, err)
	}
}

// TestTicketsAreConfigured: a keytab that others read, and a configuration without a
// realm, are refused (K-33); without a keytab tokens are of no package (K-49).
func TestTicketsAreConfigured(t *testing.T) {
	dir := t.TempDir()
	keytab := filepath.Join(dir, "keytab")
	if err := os.WriteFile(keytab, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"kerberos:\n  keytab: /x\n":                                 "realm",
		"kerberos:\n  keytab: /x\n  realm: R\n  domain: S-1-5-32\n": "domain",
		"kerberos:\n  keytab: /x\n  realm: R\n  skew: 0\n":          "skew",
		"kerberos:\n  ticket: /x\n":                                 "ticket",
	} {
		file := filepath.Join(dir, "c.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := load(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := (&tickets{Keytab: keytab, Realm: "R", Skew: 300}).open("", nil, nil); err == nil ||
		!strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("K-33: %v", err)
	}
	p := build(t)
	p.serve()
	if _, st := ticketLogOn(p.dial(p.socket), []byte("x"), winnt.LOGON32_LOGON_NETWORK); st != ntstatus.NoSuchPackage {
		t.Errorf("K-49: without a keytab: %v", st)
	}
}
