package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/confined"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/winnt"
)

// centre starts a KDC with alice's password, and returns its address.
func centre(t *testing.T, key types.EncryptionKey, password string) string {
	t.Helper()
	k := &forge.Centre{Realm: ticketRealm, Service: ticketService, Key: key, Users: map[string]string{"alice": password},
		PAC: func(name string, at time.Time) []byte {
			pac := forge.PAC{Domain: ticketDomain, User: 1104, Primary: 513, Name: name, DomainName: "EXAMPLE", AuthTime: at,
				Groups: []forge.Group{{RID: 513, Attributes: 7}}, Requestor: ticketDomain.WithRID(1104)}
			return forge.Seal(pac.Buffers(), key)
		}}
	address := k.Start()
	t.Cleanup(func() { _ = k.Listener.Close() })
	return address
}

// TestDirectoryReloadKeepsClientsConnected checks that a reload applies the keys below directory, and a new keytab,
// without disconnecting clients. Wrong keys keep the old directory, and counts of wrong passwords continue (D-33).
func TestDirectoryReloadKeepsClientsConnected(t *testing.T) {
	p := build(t)
	keys := ""
	of := func(password string) string {
		key := forge.NewKey(18) // so a check with the old settings fails
		keys = kerberosKeys(p.keytab(1, key))
		return keys + fmt.Sprintf("directory: {name: EXAMPLE, passwords: kdc, kdc: [%q], attempts: 3}\n",
			centre(t, key, password))
	}
	p.configure(of("one"))
	cmd, end := p.serve()
	defer end()
	c := p.dial(p.socket)
	try := func(user, password string) (winnt.Handle, ntstatus.Status) {
		out, st := c.Thread().LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
			AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, LogonDomainName: "EXAMPLE",
				UserName: user, Password: logon.Secret(password)}})
		return out.Token, st
	}
	expect := func(when, user, password string, want ntstatus.Status) (h winnt.Handle) {
		t.Helper()
		h, st := try(user, password)
		check.Equal(t, st, want, "D-33: %s: %s by %q", when, user, password)
		return h
	}
	before := expect("at first", "alice", "one", ntstatus.Success)
	expect("at first", "bob", "guess", ntstatus.LogonFailure)
	expect("at first", "bob", "guess", ntstatus.LogonFailure)
	p.configure(of("two"))
	p.reload(cmd, "msg=reloaded")
	expect("after a reload", "alice", "one", ntstatus.LogonFailure)
	expect("after a reload", "alice", "two", ntstatus.Success)
	expect("after a reload", "bob", "guess", ntstatus.LogonFailure)
	expect("after a reload", "bob", "guess", ntstatus.AccountLockedOut)
	p.alive(c, before)
	p.configure(keys + "directory: {name: EXAMPLE, passwords: kdc, kdc: ['127.0.0.1:1'], servers: ['ldaps://x'], " +
		"account: a, ca: /nonexistent}\n")
	p.reload(cmd, "the old ones stay in use")
	expect("after a reload that failed", "alice", "two", ntstatus.Success)
	p.configure(keys)
	p.reload(cmd, "msg=reloaded")
	expect("without a directory", "alice", "two", ntstatus.LogonFailure)
	p.configure(of("three"))
	p.reload(cmd, "msg=reloaded")
	expect("with one again", "alice", "three", ntstatus.Success)
	p.alive(c, before)
}

// TestDirectoryBoundsFailedLogons checks that each limit of failed logons in the configuration applies to its own count
// once the directory is used, and not before (D-33).
func TestDirectoryBoundsFailedLogons(t *testing.T) {
	s := &service{}
	s.setAuthorities()
	swap, _, err := s.prepareDirectory(&config{settings: settings{Directory: directory{Name: "EXAMPLE",
		Passwords: "kdc", KDC: []string{"127.0.0.1:1"}, Attempts: 3, AttemptsPerName: 40, AttemptsPerAddress: 7}}})
	check.NoError(t, err)
	l := s.domains.limit
	check.Equal(t, [3]int{l.PerPair, l.PerName, l.PerOrigin}, [3]int{}, "limits before the swap")
	asked := 0
	s.numbers.live.Ask = func(func(*ldap.Directory) error) error { asked++; return errMany }
	for range 2 { // the numbers of the old directory do not count
		_, _, err := s.numbers.SIDOfUID(t.Context(), 1)
		check.ErrorIs(t, err, errMany, "a uid")
		swap()
	}
	check.Equal(t, asked, 2, "lookups of a uid before and after the swap")
	check.Equal(t, [3]int{l.PerPair, l.PerName, l.PerOrigin}, [3]int{3, 40, 7}, "limits of pairs, names and origins")
	check.NoError(t, s.closeStores())
	_, err = s.messages.Message(nil)
	check.That(t, errors.Is(err, confined.ErrFailed), "a message after the end: %v, want ErrFailed: no parser runs",
		err)
}

// alive checks that a token from before the reload still works on its connection.
func (p *program) alive(c *client.Conn, tok winnt.Handle) {
	p.Helper()
	check.Equal(p, check.Status(c.Thread().NtQueryInformationToken(tok, winnt.TokenUser)), ntstatus.Success,
		"D-33: a token from before the reload")
}

// slow is an authority whose logons the test starts and ends.
type slow struct {
	logon.Authority
	begun, end chan struct{}
}

func (s slow) LogOn(logon.Request) (logon.Result, ntstatus.Status) {
	s.begun <- struct{}{}
	<-s.end
	return logon.Result{Proof: "slow"}, ntstatus.Success
}

// TestReplacedDirectoryClosesAfterLastLogon checks that a replaced directory is closed after its last logon, and
// that no new logon uses it (D-33).
func TestReplacedDirectoryClosesAfterLastLogon(t *testing.T) {
	s := slow{begun: make(chan struct{}), end: make(chan struct{})}
	a := &directoryLogons{}
	old := &directoryUse{authority: s}
	a.now.Store(old)
	said := make(chan logon.Result)
	go func() {
		out, _ := a.LogOn(logon.Request{})
		said <- out
	}()
	<-s.begun
	a.now.Store(&directoryUse{authority: slow{begun: make(chan struct{}, 1), end: closedChannel()}})
	closed := make(chan error)
	go func() { closed <- old.close() }()
	select {
	case <-closed:
		t.Error("D-33: it was closed under a logon")
	case out := <-said:
		t.Errorf("D-33: %+v", out)
	default:
	}
	s.end <- struct{}{}
	if out := <-said; out.Proof != "slow" {
		t.Errorf("D-33: the result is %+v, want that of the slow directory, which the logon began with", out)
	}
	check.NoError(t, <-closed)
	if _, _, ok := old.logOn(nil, logon.Request{}); ok {
		t.Error("D-33: the closed directory accepted a logon, want it rejected")
	}
	ok, err := old.ask(func(*ldap.Directory) error { return errors.New("of the closed directory") })
	check.That(t, !ok && err == nil, "D-33: query of the closed directory: %t, %v, want false, nil", ok, err)
	a.now.Store(&directoryUse{})
	check.ErrorIs(t, a.ask(nil), ldap.ErrAway, "a query without a directory")
	// Most of these logons and queries find the closed directory first.
	shut := &directoryUse{people: &ldap.Directory{}, closed: true}
	next := &directoryUse{people: shut.people, authority: slow{begun: make(chan struct{}, 40), end: closedChannel()}}
	for i := range 40 {
		a.now.Store(shut)
		begun := make(chan struct{})
		go func() {
			var out logon.Result
			if close(begun); i%2 == 0 {
				out, _ = a.LogOn(logon.Request{})
			} else if err := a.ask(func(*ldap.Directory) error { return io.EOF }); errors.Is(err, io.EOF) {
				out.Proof = "slow"
			}
			said <- out
		}()
		<-begun
		a.now.Store(next)
		out := <-said
		check.RequireThat(t, out.Proof == "slow", "D-33: the new directory did not serve logon or query %d", i)
	}
}

func closedChannel() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// TestLogonQueriesDirectoryThatIsBeingClosed checks that a logon's query of ids does not wait for a directory that is
// being closed, which waits for the logon (D-33).
func TestLogonQueriesDirectoryThatIsBeingClosed(t *testing.T) {
	u := &directoryUse{}
	u.mu.RLock() // like a logon
	closed, asked := make(chan error, 1), make(chan bool, 1)
	go func() { closed <- u.close() }()
	for u.mu.TryRLock() { // until Close waits
		u.mu.RUnlock()
		runtime.Gosched()
	}
	go func() {
		ok, _ := u.ask(func(*ldap.Directory) error { return nil })
		asked <- ok
	}()
	select {
	case ok := <-asked:
		check.That(t, !ok, "the directory that is being closed answered a query")
	case <-time.After(5 * time.Second):
		t.Error("the query of a logon waits for the directory, which waits for the logon")
	}
	u.mu.RUnlock()
	check.NoError(t, <-closed)
}
