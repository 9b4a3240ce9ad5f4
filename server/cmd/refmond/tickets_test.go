package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

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
	if err := os.WriteFile(file, forge.Keytab(entry), 0o600); err != nil {
		p.Fatal(err)
	}
	return file
}

// kerberosKeys returns the part of the configuration that takes tickets by a keytab.
func kerberosKeys(keytab string) string {
	return fmt.Sprintf("kerberos:\n  keytab: %s\n  realm: %s\n  domain: %v\n", keytab, ticketRealm, ticketDomain)
}

// ticketOf is a ticket of alice's, made behind the daemon's first second whatever the
// machine does.
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

// reloaded sends SIGHUP and waits for the line of the log that says what came of it.
func (p *program) reloaded(cmd *exec.Cmd, says string) {
	p.Helper()
	from := len(strings.Split(p.log.all(), "\n"))
	if p.log.all() == "" {
		from = 0
	}
	if err := cmd.Process.Signal(unix.SIGHUP); err != nil {
		p.Fatal(err)
	}
	p.log.await(p, from, says)
}

// TestTicketsReload: a reload takes the keys below kerberos over: another keytab, none, and
// one again. Where one is wrong the old one goes on. What was taken before is not taken
// afterwards (K-82).
func TestTicketsReload(t *testing.T) {
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
	if _, st := ticketLogOn(c, blob, winnt.LOGON32_LOGON_NETWORK); st != ntstatus.Success {
		t.Fatal(st)
	}
	p.reloaded(cmd, "msg=reloaded")
	if _, st := ticketLogOn(c, blob, winnt.LOGON32_LOGON_NETWORK); st != ntstatus.LogonFailure {
		t.Errorf("K-82: a token of before the reload: %v", st)
	}
	p.keytab(3, next)
	if st := network(ticketOf(2, old)); st != ntstatus.Success {
		t.Errorf("K-82: before the reload the old key goes: %v", st)
	}
	p.reloaded(cmd, "msg=reloaded")
	if st := network(ticketOf(3, next)); st != ntstatus.Success {
		t.Errorf("K-82: the new key: %v", st)
	}
	if st := network(ticketOf(2, old)); st != ntstatus.LogonFailure {
		t.Errorf("K-82: the old key: %v", st)
	}
	if err := os.Chmod(filepath.Join(p.dir, "keytab"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.reloaded(cmd, "the old one goes on")
	if st := network(ticketOf(3, next)); st != ntstatus.Success {
		t.Errorf("K-82: after a reload that failed: %v", st)
	}
	p.configure("")
	p.reloaded(cmd, "msg=reloaded")
	if st := network(ticketOf(3, next)); st != ntstatus.NoSuchPackage {
		t.Errorf("K-49: without a keytab: %v", st)
	}
	p.configure(kerberosKeys(p.keytab(3, next)))
	if err := os.Chmod(filepath.Join(p.dir, "keytab"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.reloaded(cmd, "msg=reloaded")
	if st := network(ticketOf(3, next)); st != ntstatus.Success {
		t.Errorf("K-82: with a keytab again: %v", st)
	}
	last := ticketOf(3, next)
	taken := last.Blob()
	if _, st := ticketLogOn(c, taken, winnt.LOGON32_LOGON_NETWORK); st != ntstatus.Success {
		t.Errorf("K-82: %v", st)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	end()
	p.serve()
	if _, st := ticketLogOn(p.dial(p.socket), taken, winnt.LOGON32_LOGON_NETWORK); st != ntstatus.LogonFailure {
		t.Errorf("K-47: after kill -9, a token that was taken before: %v", st)
	}
}

// TestRefusedTickets: the record 4625 has the documented reason of each fault, in numbers
// and in words, and the name that a ticket has which a key opened (K-80); the client hears
// one status.
func TestRefusedTickets(t *testing.T) {
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
		if _, st := ticketLogOn(c, blob, winnt.LOGON32_LOGON_NETWORK); st != ntstatus.LogonFailure {
			t.Errorf("K-51: %s: %v", f.name, st)
		}
	}
	end()
	records := p.refusals4625()
	if len(records) != len(refusedTickets) {
		t.Fatalf("K-80: %d records of %d refusals", len(records), len(refusedTickets))
	}
	for i, f := range refusedTickets {
		got := records[i]
		if got["Status"] != "0xc000006d" || got["SubStatus"] != f.sub || !strings.Contains(got["LogonProcessName"], f.why) ||
			got["TargetUserName"] != f.user {
			t.Errorf("K-80: %s: %v, want %s, %q and %s", f.name, got, f.sub, f.why, f.user)
		}
	}
	p.silent(key.KeyValue)
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
	{"no token", func(*forge.Ticket) []byte { return []byte("x") }, "0xc000000d", "no token", "-"},
	{"another service", func(k *forge.Ticket) []byte { k.Service = "cifs/x"; return nil }, "0x0", "cifs/x", "-"},
	{"no PAC", func(k *forge.Ticket) []byte { k.PAC = nil; return nil }, "0x0", "no PAC", "alice"},
	{"the own domain from another realm", func(k *forge.Ticket) []byte { k.ClientRealm = "OTHER.TEST"; return nil },
		"0xc000018c", "another realm", "alice"},
}

// refusals4625 returns the fields of the records of refused logons.
func (p *program) refusals4625() (all []map[string]string) {
	p.Helper()
	r, err := auditlog.NewReader(filepath.Join(p.dir, "state", "audit"), 1)
	if err != nil {
		p.Fatal(err)
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			p.Fatal(err)
		}
		e, err := rec.Event()
		if err != nil {
			p.Fatal(err)
		}
		if e.ID != 4625 {
			continue
		}
		fields := map[string]string{}
		for _, name := range []string{"Status", "SubStatus", "LogonProcessName", "TargetUserName", "TargetDomainName"} {
			fields[name], _ = e.Field(name)
		}
		all = append(all, fields)
	}
}

// silent holds that the log has none of these secrets.
func (p *program) silent(secrets ...[]byte) {
	p.Helper()
	text := p.log.all()
	for i, s := range secrets {
		if len(s) == 0 || strings.Contains(text, string(s)) {
			p.Errorf("K-50: the log has secret %d", i)
		}
	}
	if !strings.Contains(text, "a client's token is refused") {
		p.Error("the log has no refusal")
	}
}

// sessions holds what refmond sessions says of tickets: its service, times, types of
// encryption and issuer, to an administrator alone (K-81).
func (p *program) sessions() {
	p.Helper()
	out, err := exec.Command(p.bin, "sessions", "--socket", p.admin).CombinedOutput()
	for _, want := range []string{"alice@EXAMPLE.TEST by a ticket for HTTP/www.example.test of ", "valid from ",
		"encryption type 18, session key of type 18", "issued by EXAMPLE.TEST", "logged on at DC"} {
		if err != nil || !strings.Contains(string(out), want) {
			p.Errorf("K-81: sessions lacks %q: %v\n%s", want, err, out)
		}
	}
	out, err = exec.Command(p.bin, "sessions", "--socket", p.socket).CombinedOutput()
	if err != nil || strings.Contains(string(out), "alice") {
		p.Errorf("W-27: a program without SeDebugPrivilege sees tickets of others: %v\n%s", err, out)
	}
}
