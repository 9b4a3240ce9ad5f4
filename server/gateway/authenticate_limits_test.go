package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/auth/domain"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// guessed is a domain whose directory has alice, and counts queries.
type guessed struct {
	*world
	asked atomic.Int64
}

const perAddress = 6

// newGuessed returns such a world. Each query of the directory sends its name to turns first, unless turns is nil.
func newGuessed(t *testing.T, turns chan<- string, change ...func(*Config)) *guessed {
	t.Helper()
	g := &guessed{}
	user := sid.MustParse("S-1-5-21-10-20-30-1104")
	users := token.Group{SID: user.Prefix().WithRID(513), Attributes: token.GroupDefault}
	ask := func(_ context.Context, name string, _ bool, password logon.Secret) (domain.Proved, error) {
		g.asked.Add(1)
		if turns != nil {
			turns <- name
		}
		if name != "alice" || password != "pw-x" {
			return domain.Proved{}, &domain.Refused{Status: ntstatus.LogonFailure, Why: errors.New("of the test")}
		}
		return domain.Proved{Source: "test", User: lsa.DomainUser{Account: logon.Account{SID: user,
			Use: winnt.SidTypeUser, Name: "alice"}, PrimaryGroup: users.SID, Groups: []token.Group{users}}}, nil
	}
	g.world = newWorldOf(t, "O:BAG:SYD:P(A;OICI;FA;;;AU)", func(s *lsa.Store) logon.Authority {
		return domain.New(domain.Authority{Authority: s, Store: s, Realm: "EXAMPLE.TEST", Name: "EXAMPLE", Passwords: ask,
			Limit: &admission.Limit{PerPair: 1000, PerName: 1000, PerOrigin: perAddress}})
	}, append([]func(*Config){func(c *Config) { c.SessionLife = 1 }}, change...)...) // each request is a logon
	return g
}

// from sends requests as a client at an address whose headers claim another address.
func (g *guessed) from(address, user string, n int) int {
	g.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := g.server.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = dialer.DialContext
	defer transport.CloseIdleConnections()
	r := g.request(user, "GET", "/share/", "")
	for _, name := range []string{"X-Forwarded-For", "X-Real-IP", "Forwarded"} {
		r.Header.Set(name, fmt.Sprintf("192.0.2.%d", n))
	}
	answer := check.Must((&http.Client{Transport: transport}).Do(r))
	g.must(answer.Body.Close())
	return answer.StatusCode
}

// TestAddressGuessesAreLimited checks that an address beyond its limit cannot guess, whatever its headers say, and that
// clients of other addresses can still log on (L-65, D-25).
func TestAddressGuessesAreLimited(t *testing.T) {
	g := newGuessed(t, nil)
	for n := range perAddress * 3 {
		check.Require(t, g.from("127.0.0.2", fmt.Sprintf(`EXAMPLE\user%d`, n), n), http.StatusUnauthorized, "L-65: guess %d",
			n)
	}
	check.Equal(t, g.asked.Load(), perAddress, "L-65: directory queries by one address")
	if code := g.from("127.0.0.2", `EXAMPLE\alice`, 0); code != http.StatusUnauthorized || g.asked.Load() != perAddress {
		t.Errorf("L-65: alice from there: %d", code)
	}
	if code := g.from("127.0.0.3", `EXAMPLE\alice`, 2); code == http.StatusUnauthorized {
		t.Errorf("L-65: alice from another address: %d, want anything but %d", code, http.StatusUnauthorized)
	}
}

// TestProgramGuessesAreLimitedForAllAddresses checks that a program that may act for no client has one limit, whatever
// addresses it claims (L-64).
func TestProgramGuessesAreLimitedForAllAddresses(t *testing.T) {
	g := newGuessed(t, nil)
	c := check.Must(g.dial(gate + 1))
	defer c.Close()
	for n := range 12 * perAddress {
		if _, st := c.Thread().LsaLogonUser(nt.LsaLogonUserIn{OriginName: fmt.Sprintf("192.0.2.%d", n),
			LogonType: winnt.LOGON32_LOGON_NETWORK, AuthenticationInformation: nt.LogonInformation{
				MessageType: nt.InteractiveLogon, LogonDomainName: "EXAMPLE", UserName: fmt.Sprint("user", n),
				Password: "guess"}}); st == ntstatus.Success {
			t.Fatal(st)
		}
	}
	check.Equal(t, g.asked.Load(), 10*perAddress, "L-64: directory queries")
	if code := g.from("127.0.0.3", `EXAMPLE\alice`, 1); code == http.StatusUnauthorized {
		t.Errorf("L-64: alice by the gateway: %d, want anything but %d", code, http.StatusUnauthorized)
	}
}

// TestWaitingLogonsLeaveThreadsToSessions checks that logons that wait for a domain controller use a quarter of the
// threads, in turn for each client network. So a client with a session is served meanwhile (G-55).
func TestWaitingLogonsLeaveThreadsToSessions(t *testing.T) {
	turns := make(chan string)
	g := newGuessed(t, turns, func(c *Config) { c.Threads, c.SessionLife = 4, time.Hour })
	g.want(200, "bob", "GET", "/share/", "")
	p := check.Must(g.g.link.process())
	var logons sync.WaitGroup
	for n, c := range [][2]string{{"127.0.0.2", "a"}, {"127.0.0.2", "b"}, {"127.0.0.2", "c"}, {"127.0.0.3", "d"}} {
		logons.Go(func() { g.from(c[0], `EXAMPLE\`+c[1], n) })
		check.Eventually(t, func() bool { return g.asked.Load() > 0 && p.logons.Waiting() == n }, "logon %d does not wait", n)
	}
	check.Equal(t, g.asked.Load(), 1, "G-55: logons that have a thread, of four")
	g.want(200, "bob", "GET", "/share/", "")
	for _, want := range []string{"a", "b", "d", "c"} {
		check.Equal(t, <-turns, want, "G-55: the next logon")
	}
	logons.Wait()
}
