package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ticketLogOn logs a client on with its token.
func ticketLogOn(c *client.Conn, blob []byte, typ winnt.LogonType) (nt.LsaLogonUserOut, ntstatus.Status) {
	return c.Thread().LsaLogonUser(nt.LsaLogonUserIn{LogonType: typ, AuthenticationInformation: nt.LogonInformation{
		MessageType: nt.TokenLogon, ClientToken: logon.Secret(base64.StdEncoding.EncodeToString(blob))}})
}

// TestTicketLogonGivesClientsToken checks that a program that presents a client's ticket gets the client's token: its
// domain and local groups, at the level that the client allows (K-30, K-45). The record and ps name the ticket (K-50).
// TestNoOutputOrFileContainsSecrets looks for it in files and logs.
func TestTicketLogonGivesClientsToken(t *testing.T) {
	p := build(t)
	key := forge.NewKey(18)
	p.configure(kerberosKeys(p.keytab(2, key)))
	p.serve()
	p.must("", "group", "add", "readers")
	p.must("", "group", "join", "readers", ticketDomain.WithRID(2001).String())
	ticket := ticketOf(2, key, forge.Group{RID: 2001, Attributes: 7})
	c, blob := p.dial(p.socket), ticket.Blob()
	watched := p.watched()
	th := c.Thread()
	check.Equal(t, check.Status(ticketLogOn(c, blob, winnt.LOGON32_LOGON_INTERACTIVE)), ntstatus.InvalidLogonType,
		"K-52: an interactive logon")
	out, st := ticketLogOn(c, blob, winnt.LOGON32_LOGON_NETWORK)
	check.Success(t, st)
	if answer, err := base64.StdEncoding.DecodeString(out.ProfileBuffer); err != nil || len(answer) < 50 {
		t.Errorf("K-48: an answer of %d bytes, %v, want at least 50, nil", len(answer), err)
	}
	v, _ := th.NtQueryInformationToken(out.Token, winnt.TokenUser)
	if g, ok := v.(token.Group); !ok || g.SID != ticketDomain.WithRID(1104) {
		t.Errorf("the user is %v", v)
	}
	v, _ = th.NtQueryInformationToken(out.Token, winnt.TokenGroups)
	groups := map[sid.SID]bool{}
	for _, g := range v.([]token.Group) {
		groups[g.SID] = true
	}
	if !groups[ticketDomain.WithRID(2001)] || !groups[sid.Network] || !groups[sid.Users] || groups[sid.Administrators] ||
		len(groups) < 8 {
		t.Errorf("K-30: groups %v", v)
	}
	if v, _ := th.NtQueryInformationToken(out.Token, winnt.TokenImpersonationLevel); v != winnt.SecurityImpersonation {
		t.Errorf("K-45: level %v, want %v", v, winnt.SecurityImpersonation)
	}
	check.Equal(t, check.Status(ticketLogOn(c, blob, winnt.LOGON32_LOGON_NETWORK)), ntstatus.LogonFailure,
		"K-51: the same token again")
	p.checkPs(c, out.Token)
	p.sessions()
	p.checkUntraced(watched(), blob, blob[len(blob)-200:], key.KeyValue, ticket.SessionKey.KeyValue, ticket.PAC[200:260])
	named := slices.ContainsFunc(trailOf(t, filepath.Join(p.dir, "state")), func(e audit.Event) bool {
		by, _ := e.Field("LogonProcessName")
		return e.ID == 4624 && strings.Contains(by, "alice@EXAMPLE.TEST by a ticket for "+ticketService+" of ")
	})
	check.That(t, named, "K-50: no record of a logon names the ticket")
	// An import can change this computer's SID. Its own accounts come from no KDC, and no reload is necessary.
	accounts := p.must("", "export")
	machine := regexp.MustCompile(`(?m)^machine: (\S+)$`).FindStringSubmatch(accounts)
	check.Require(t, len(machine), 2, "machine SIDs of\n%s", accounts)
	p.must(strings.ReplaceAll(accounts, machine[1], ticketDomain.String()), "import", "-")
	own := ticketOf(2, key)
	check.Equal(t, check.Status(ticketLogOn(c, own.Blob(), winnt.LOGON32_LOGON_NETWORK)), ntstatus.LogonFailure,
		"K-29: a ticket of a user of this computer's new SID")
}

// checkPs checks that ps shows the ticket of a thread's client.
func (p *program) checkPs(c *client.Conn, tok winnt.Handle) {
	p.Helper()
	th := c.Thread()
	check.Success(p, th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, tok))
	out, err := exec.Command(p.bin, "ps", "--socket", p.admin).CombinedOutput()
	if want := "alice@EXAMPLE.TEST by a ticket for HTTP/www.example.test of "; err != nil ||
		!strings.Contains(string(out), want) {
		p.Errorf("K-50: ps does not print %q: error %v, want text containing %q, no error\n%s",
			want, err, want, out)
	}
	whose := fmt.Sprintf("%d/%s", uint64(c.Process()), numberOf(p.T, th))
	out, err = exec.Command(p.bin, "token", whose, "--socket", p.admin).CombinedOutput()
	if want := `user       EXAMPLE\alice` + "\nknown by   alice@EXAMPLE.TEST by a ticket for "; err != nil ||
		!strings.HasPrefix(string(out), want) {
		p.Errorf("W-95: the token verb does not print %q: error %v, want text starting with %v, no error\n%s",
			want, err, want, out)
	}
	system := nt.ClientID{UniqueProcess: 4}
	if _, st := th.NtOpenProcess(winnt.PROCESS_ALL_ACCESS, nil, &system); st == ntstatus.Success {
		p.Error("alice opens the system's process with all rights, want an error")
	}
	th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0)
	out, err = exec.Command(p.bin, "why", "--socket", p.admin).CombinedOutput()
	if want := ", as EXAMPLE\\alice (alice@EXAMPLE.TEST by a ticket for HTTP/www.example.test of "; err != nil ||
		!strings.Contains(string(out), want) {
		p.Errorf("K-86: why does not print %q: error %v, want text containing %q, no error\n%s",
			want, err, want, out)
	}
}

// TestTicketChecksStopWithService checks that logons do not wait for a ticket check after the end of all logons.
func TestTicketChecksStopWithService(t *testing.T) {
	s := &service{}
	s.setAuthorities()
	a, _ := s.domains.Authority.(kerberos.Authority)
	check.RequireThat(t, a.Stopping != nil && a.Stopping.Err() == nil, "ticket checks are stopped from the start")
	s.endLogons()
	check.ErrorIs(t, a.Stopping.Err(), context.Canceled, "ticket checks after the end of logons")
}

// TestTicketsNeedPrivateKeytab checks that config check rejects a keytab that others can read (K-33), a file of another
// kind, and a keytab without a key of the services. Without a keytab no package accepts a ticket (K-49).
func TestTicketsNeedPrivateKeytab(t *testing.T) {
	p := build(t)
	keytab := p.keytab(1, forge.NewKey(18))
	for what, c := range map[string]struct {
		mode os.FileMode
		text []byte // nil: the keytab
		more string
	}{
		"chmod 600":                    {mode: 0o644},
		"not a keytab":                 {mode: 0o600, text: []byte("x")},
		"no key for HTTP/else":         {mode: 0o600, more: "  services: [HTTP/else]\n"},
		"encryption type 7 is unknown": {mode: 0o600, more: "  encryptionTypes: [7]\n"},
		"":                             {mode: 0o600},
	} {
		p.keytab(1, forge.NewKey(18))
		if c.text != nil {
			check.NoError(t, os.WriteFile(keytab, c.text, 0o600))
		}
		check.NoError(t, os.Chmod(keytab, c.mode))
		p.configure(kerberosKeys(keytab) + c.more)
		_, err := checkConfig(p.config)
		check.That(t, (err == nil) == (what == "") && (err == nil || strings.Contains(err.Error(), what)),
			"K-33: config check: %v, want %q", err, what)
	}
	p.configure("")
	p.serve()
	check.Equal(t, check.Status(ticketLogOn(p.dial(p.socket), []byte("x"), winnt.LOGON32_LOGON_NETWORK)),
		ntstatus.NoSuchPackage, "K-49: without a keytab")
}

const (
	ticketRealm   = "EXAMPLE.TEST"
	ticketService = "HTTP/www.example.test"
)

var ticketDomain = sid.MustParse("S-1-5-21-10-20-30")

// keytab writes a keytab with one key, and returns its name.
func (p *program) keytab(version uint32, key types.EncryptionKey) string {
	p.Helper()
	file := filepath.Join(p.dir, "keytab")
	entry := forge.Entry{Service: ticketService, Realm: ticketRealm, Version: version, Key: key}
	check.NoError(p, os.WriteFile(file, forge.Keytab(entry), 0o600))
	return file
}

// kerberosKeys returns the part of the configuration that takes tickets by a keytab.
func kerberosKeys(keytab string) string {
	return fmt.Sprintf("kerberos:\n  keytab: %s\n  realm: %s\n  domain: %v\n", keytab, ticketRealm, ticketDomain)
}

// ticketOf returns a ticket of alice's whose time is after the daemon's first second, however slow the machine is.
func ticketOf(version int, key types.EncryptionKey, groups ...forge.Group) forge.Ticket {
	return ticketAt(time.Now().Add(3*time.Second), version, key, groups...)
}

// ticketAt is a ticket of alice's, made at a time.
func ticketAt(at time.Time, version int, key types.EncryptionKey, groups ...forge.Group) forge.Ticket {
	pac := forge.PAC{Domain: ticketDomain, User: 1104, Primary: 513, Name: "alice", DomainName: "EXAMPLE",
		AuthTime: at, Groups: append(groups, forge.Group{RID: 513, Attributes: 7}), Requestor: ticketDomain.WithRID(1104),
		Extra: []token.Group{{SID: sid.Administrators, Attributes: 7}}}
	return forge.Ticket{Service: ticketService, Realm: ticketRealm, Key: key, Version: version, Client: "alice",
		AuthTime: at, At: at, Mutual: true, PAC: forge.Seal(pac.Buffers(), key)}
}

// reload sends SIGHUP and waits for the log line about the result.
func (p *program) reload(cmd *exec.Cmd, says string) {
	p.Helper()
	from := len(strings.Split(p.log.text(), "\n"))
	if p.log.text() == "" {
		from = 0
	}
	check.NoError(p, cmd.Process.Signal(unix.SIGHUP))
	p.log.await(p, from, says)
}

// TestReloadAppliesNewKeytab checks that a reload applies the keys below kerberos: another keytab, none, and
// one again. A wrong one keeps the old acceptor, and a used ticket is not accepted again (K-82).
func TestReloadAppliesNewKeytab(t *testing.T) {
	p := build(t)
	old, next := forge.NewKey(18), forge.NewKey(18)
	p.configure(kerberosKeys(p.keytab(2, old)))
	cmd, end := p.serve()
	c := p.dial(p.socket)
	network := func(k forge.Ticket) ntstatus.Status {
		out, st := ticketLogOn(c, k.Blob(), winnt.LOGON32_LOGON_NETWORK)
		if st == ntstatus.Success {
			c.Thread().NtClose(out.Token)
		}
		return st
	}
	again := ticketOf(2, old)
	blob := again.Blob()
	check.Success(t, check.Status(ticketLogOn(c, blob, winnt.LOGON32_LOGON_NETWORK)))
	p.reload(cmd, "msg=reloaded")
	check.Equal(t, check.Status(ticketLogOn(c, blob, winnt.LOGON32_LOGON_NETWORK)), ntstatus.LogonFailure,
		"K-82: a token from before the reload")
	p.keytab(3, next)
	check.Equal(t, network(ticketOf(2, old)), ntstatus.Success, "K-82: before the reload, a ticket with the old key")
	p.reload(cmd, "msg=reloaded")
	check.Equal(t, network(ticketOf(3, next)), ntstatus.Success, "K-82: the new key")
	check.Equal(t, network(ticketOf(2, old)), ntstatus.LogonFailure, "K-82: the old key")
	check.NoError(t, os.Chmod(filepath.Join(p.dir, "keytab"), 0o644))
	p.reload(cmd, "the old one stays in use")
	check.Equal(t, network(ticketOf(3, next)), ntstatus.Success, "K-82: after a reload that failed")
	p.configure("")
	p.reload(cmd, "msg=reloaded")
	check.Equal(t, network(ticketOf(3, next)), ntstatus.NoSuchPackage, "K-49: without a keytab")
	p.configure(kerberosKeys(p.keytab(3, next)) + "  requireBinding: true\n")
	check.NoError(t, os.Chmod(filepath.Join(p.dir, "keytab"), 0o600))
	p.reload(cmd, "msg=reloaded")
	check.Equal(t, network(ticketOf(3, next)), ntstatus.LogonFailure, "K-82: a token without a binding")
	p.configure(kerberosKeys(p.keytab(3, next)))
	p.reload(cmd, "msg=reloaded")
	check.Equal(t, network(ticketOf(3, next)), ntstatus.Success, "K-82: with a keytab again")
	last := ticketOf(3, next)
	taken := last.Blob()
	check.Equal(t, check.Status(ticketLogOn(c, taken, winnt.LOGON32_LOGON_NETWORK)), ntstatus.Success, "K-82")
	check.NoError(t, cmd.Process.Kill())
	end()
	p.serve()
	check.Equal(t, check.Status(ticketLogOn(p.dial(p.socket), taken, winnt.LOGON32_LOGON_NETWORK)), ntstatus.LogonFailure,
		"K-47: after kill -9, a token that was accepted before")
}

// TestRejectedTicketRecordNamesReason checks record 4625 of each rejected ticket: the documented reason as a number and
// as text, and the client's name if a key decrypted the ticket (K-80). The client receives the same status each time.
func TestRejectedTicketRecordNamesReason(t *testing.T) {
	p := build(t)
	key := forge.NewKey(18)
	p.configure(kerberosKeys(p.keytab(2, key)))
	_, end := p.serve()
	c := p.dial(p.socket)
	for _, f := range refusedTickets {
		k := ticketOf(2, key)
		blob := f.change(&k)
		if blob == nil {
			blob = k.Blob()
		}
		check.Equal(t, check.Status(ticketLogOn(c, blob, winnt.LOGON32_LOGON_NETWORK)), ntstatus.LogonFailure, "K-51: %s",
			f.name)
	}
	end()
	records := p.refusals4625()
	check.RequireThat(t, len(records) == len(refusedTickets),
		"K-80: %d records of %d refusals, want %d", len(records), len(refusedTickets), len(refusedTickets))
	for i, f := range refusedTickets {
		got := records[i]
		if got["Status"] != "0xc000006d" || got["SubStatus"] != f.sub || !strings.Contains(got["LogonProcessName"], f.why) ||
			got["TargetUserName"] != f.user {
			t.Errorf("K-80: %s: %v, want %s, %q and %s", f.name, got, f.sub, f.why, f.user)
		}
	}
}

// refusedTickets are faults with the substatus that event 4625 documents for them.
var refusedTickets = []struct {
	name           string
	change         func(*forge.Ticket) []byte
	sub, why, user string
}{
	{"late", func(k *forge.Ticket) []byte { k.At = k.At.Add(-time.Hour); return nil }, "0xc0000133", "clocks", "alice"},
	{"expired", func(k *forge.Ticket) []byte { k.End = k.At.Add(-time.Hour); return nil }, "0xc0000133", "expired",
		"alice"},
	{"future", func(k *forge.Ticket) []byte { k.Start = k.At.Add(time.Hour); return nil }, "0xc0000133", "valid from",
		"alice"},
	{"another key", func(k *forge.Ticket) []byte { k.Key = forge.NewKey(18); return nil }, "0xc00002c3", "no key", "-"},
	{"no such version", func(k *forge.Ticket) []byte { k.Version = 9; return nil }, "0xc00002c3", "version 9", "-"},
	{"RC4", func(k *forge.Ticket) []byte { k.Key = forge.NewKey(23); return nil }, "0xc00002fd", "type 23", "-"},
	{"NTLM", func(*forge.Ticket) []byte { return []byte("NTLMSSP\x00") }, "0xc0000418", "NTLM", "-"},
	{"no token", func(*forge.Ticket) []byte { return []byte("x") }, "0xc000000d", "not a token", "-"},
	{"another service", func(k *forge.Ticket) []byte { k.Service = "cifs/x"; return nil }, "0x0", "cifs/x", "-"},
	{"no PAC", func(k *forge.Ticket) []byte { k.PAC = nil; return nil }, "0x0", "no PAC", "alice"},
	{"the own domain from another realm", func(k *forge.Ticket) []byte { k.ClientRealm = "OTHER.TEST"; return nil },
		"0xc000018c", "another realm", "alice"},
}

// refusals4625 returns the fields of the records of refused logons.
func (p *program) refusals4625() (all []map[string]string) {
	p.Helper()
	for _, e := range trailOf(p, filepath.Join(p.dir, "state")) {
		if e.ID != 4625 {
			continue
		}
		fields := map[string]string{}
		for _, name := range []string{"Status", "SubStatus", "LogonProcessName", "TargetUserName", "TargetDomainName"} {
			fields[name], _ = e.Field(name)
		}
		all = append(all, fields)
	}
	return all
}

// sessions checks that refmond sessions shows a ticket's service, times, encryption types and issuer to
// administrators only (K-81).
func (p *program) sessions() {
	p.Helper()
	out, err := exec.Command(p.bin, "sessions", "--socket", p.admin).CombinedOutput()
	for _, want := range []string{"alice@EXAMPLE.TEST by a ticket for HTTP/www.example.test of ", "valid from ",
		"encryption type 18, session key of type 18", "issued by EXAMPLE.TEST", "logged on at DC"} {
		check.That(p, err == nil && strings.Contains(string(out), want),
			"K-81: sessions does not print %q: error %v, want text containing %q, no error\n%s", want, err, want, out)
	}
	out, err = exec.Command(p.bin, "sessions", "--socket", p.socket).CombinedOutput()
	check.That(p, err == nil && !strings.Contains(string(out), "alice"),
		"W-27: a program without SeDebugPrivilege sees tickets of others: %v\n%s", err, out)
}
