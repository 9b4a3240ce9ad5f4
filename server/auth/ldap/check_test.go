package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
)

// TestPasswordIsRightIfServerBinds checks that a password is right if one server binds the entry of the name, and that
// errors do not contain it (D-24).
func TestPasswordIsRightIfServerBinds(t *testing.T) {
	w := newWorld()
	bind := func(name, password string) int64 {
		if name == "CN=alice,"+base && password == "wonderland" || password == "pw-of-test" {
			return 0
		}
		return 49
	}
	f, second := serve(t, w.answer), serve(t, w.answer)
	f.bind, second.bind = bind, bind
	d := f.directory(func(c *Config) { c.Servers = append(c.Servers, second.config().Servers...) })
	ctx := context.Background()
	if got, err := d.Check(ctx, "alice", false, "wonderland"); err != nil || got.SID != domain.WithRID(1104) {
		t.Fatalf("D-24: Check of the right password = %+v, %v, want the SID %v, no error", got, err,
			domain.WithRID(1104))
	}
	check.Equal(t, f.count("userPrincipalName"), 0, "D-9: searches for the principal name of a name without a realm")
	if _, err := d.Check(ctx, "alice", true, "wonderland"); err != nil || f.count("userPrincipalName") != 1 {
		t.Errorf("D-9: %v, %d searches match the principal name of a name before a realm, want 1", err,
			f.count("userPrincipalName"))
	}
	var wrong *WrongPassword
	got, err := d.Check(ctx, "alice", false, "Wonderland")
	check.That(t, got == nil && errors.As(err, &wrong) && !strings.Contains(err.Error(), "Wonderland"),
		"D-24: %+v, %v, want WrongPassword without the password in its text", got, err)
	check.Equal(t, len(second.binds), 0, "D-24: binds at the second server")
	check.ErrorIs(t, check.Err(d.Check(ctx, "bob", false, "wonderland")), ErrUnknown, "D-24")
	for _, n := range []int{256, 257} { // the length of a name in bytes
		name := strings.Repeat("n", n)
		check.ErrorIs(t, check.Err(d.Check(ctx, name, false, "w")), ErrUnknown, "a name of %d bytes", n)
		check.ErrorIs(t, check.Err(d.Find(ctx, name, false)), ErrUnknown, "a name of %d bytes", n)
	}
	check.Equal(t, f.count("(sAMAccountName=nnn"), 2, "queries for names of 256 and 257 bytes")
	w.set("userAccountControl", "514")
	if got, err := d.Check(ctx, "alice", false, "wonderland"); err != nil || got.Restricted != Disabled {
		t.Errorf("D-11: Check of a disabled account = %+v, %v, want the restriction %v, no error", got, err, Disabled)
	}
	f.stop()
	got, err = d.Check(ctx, "alice", false, "wonderland")
	check.That(t, err == nil && got.Restricted == Disabled &&
		len(second.binds) != 0, "D-20: with the first server away: %+v, %v, want the answer of the second", got, err)
	second.stop()
	if got, err := d.Check(ctx, "alice", false, "wonderland"); !errors.Is(err, ErrAway) || errors.As(err, &wrong) {
		t.Errorf("D-20: Check of a server that is away: %+v, %v, want ErrAway", got, err)
	}
}

// TestFailedBindIsNotRetriedOnNextServer checks that a password that a server refused for another reason, or did not
// answer, is not sent to the next server, which would count it again. After no answer, the next logon goes to the next
// server, but not if the caller cancelled. A busy server has not checked the password (D-20, D-24).
func TestFailedBindIsNotRetriedOnNextServer(t *testing.T) {
	w := newWorld()
	f, second, third := serve(t, w.answer), serve(t, w.answer), serve(t, w.answer)
	ctx, cancel := context.WithCancel(t.Context())
	returned := make(chan struct{})
	code := int64(goldap.LDAPResultBusy)
	f.bind = func(name, _ string) int64 {
		if !strings.HasPrefix(name, "CN=alice,") {
			return 0
		}
		switch code {
		case 0:
			f.stop()
		case -1:
			cancel()
			<-returned
			return 0
		}
		return code
	}
	d := f.directory(func(c *Config) { c.Servers = append(c.Servers, third.config().Servers...) })
	got, err := d.Check(t.Context(), "alice", false, "wonderland")
	check.That(t, err == nil && got.Name == "alice", "D-20: a busy server, and another: %+v, %v, want alice", got, err)
	code = 53 // unwillingToPerform, as some servers answer for a locked account
	d = f.directory(func(c *Config) { c.Servers = append(c.Servers, second.config().Servers...) })
	check.ErrorIs(t, check.Err(d.Check(t.Context(), "alice", false, "wonderland")), ErrAway, "D-24: a locked account")
	check.That(t, len(second.binds) == 0 && !d.up.Silent(d.servers[0].address), "D-24: binds at the second server: %q",
		second.binds)
	code = -1
	check.ErrorIs(t, check.Err(d.Check(ctx, "alice", false, "wonderland")), ErrAway, "D-24: a cancelled logon")
	close(returned)
	check.That(t, len(second.binds) == 0 && !d.up.Silent(d.servers[0].address),
		"D-20, D-24: after a cancelled logon the server counts as silent, or binds at the second server: %q", second.binds)
	code = 0
	check.ErrorIs(t, check.Err(d.Check(t.Context(), "alice", false, "wonderland")), ErrAway, "D-24: no answer")
	check.Equal(t, len(second.binds), 0, "D-24: binds at the second server")
	got, err = d.Check(t.Context(), "alice", false, "wonderland")
	check.That(t, err == nil && got.Name == "alice", "D-20: the next logon: %+v, %v, want alice", got, err)
}

// TestOnlyAccountsOwnNameIsBound has a server that finds alice by other spellings too. The password of such a name is
// not checked, because its failures would have a counter of their own (D-25).
func TestOnlyAccountsOwnNameIsBound(t *testing.T) {
	w := newWorld()
	w.set("userPrincipalName", "A.Liddell@example.test")
	f := serve(t, func(a asked) [][]byte {
		if strings.Contains(a.filter, "sAMAccountName=") {
			a.filter = "(sAMAccountName=alice)"
		}
		return w.answer(a)
	})
	d := f.directory(nil)
	for _, c := range []struct {
		name    string
		byRealm bool
		want    error
	}{
		{"ALICE", false, nil}, {"alice", true, nil}, {"a.liddell", true, nil}, {"a.liddell", false, ErrUnknown},
		{"al\u00adice", false, ErrUnknown}, {"\uff41lice", true, ErrUnknown}, {"álice", false, ErrUnknown},
		{"a.liddell@example.test", true, ErrUnknown},
	} {
		f.mu.Lock()
		f.binds = nil
		f.mu.Unlock()
		check.ErrorIs(t, check.Err(d.Check(t.Context(), c.name, c.byRealm, "wonderland")), c.want, "D-25: %q", c.name)
		f.mu.Lock()
		bound := slices.Contains(f.binds, "CN=alice,"+base+" wonderland")
		f.mu.Unlock()
		check.Equal(t, bound, c.want == nil, "D-25: %q: alice's password is bound", c.name)
	}
}

// TestOtherBindErrorIsNoWrongPassword checks that a bind that fails for another reason does not decide about the
// password, whatever its message (D-24, D-32).
func TestOtherBindErrorIsNoWrongPassword(t *testing.T) {
	for _, code := range []int64{goldap.LDAPResultBusy, goldap.LDAPResultInsufficientAccessRights,
		goldap.LDAPResultUnwillingToPerform, goldap.LDAPResultOther, goldap.LDAPResultInvalidDNSyntax} {
		f := serve(t, newWorld().answer)
		f.bind = func(name, _ string) int64 {
			if strings.HasPrefix(name, "CN=alice") {
				return code
			}
			return 0
		}
		f.setBindText("80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 532, v2580")
		got, err := f.directory(nil).Check(context.Background(), "alice", false, logon.Secret("wonderland"))
		var wrong *WrongPassword
		check.That(t, got == nil && errors.Is(err, ErrAway) && !errors.As(err, &wrong) &&
			!strings.Contains(err.Error(), "LdapErr"), "D-24, D-32: code %d: %+v, %v, want ErrAway alone", code, got, err)
	}
}

// TestPasswordIsSentUnchanged checks that a password of up to 1024 bytes is sent unchanged on a
// connection of its own. Others are wrong without a bind (D-2, D-24).
func TestPasswordIsSentUnchanged(t *testing.T) {
	f := serve(t, newWorld().answer)
	d := f.directory(nil)
	binds := 0
	for _, n := range []int{1, 1023, 1024, 1025, 0} {
		password := strings.Repeat("p", n)
		got, err := d.Check(context.Background(), "alice", false, logon.Secret(password))
		var wrong *WrongPassword
		if bound := n > 0 && n <= 1024; (err == nil) != bound || !bound && !errors.As(err, &wrong) ||
			bound && got.SID != domain.WithRID(1104) {
			t.Errorf("D-24: a password of %d bytes: %+v, %v", n, got, err)
		} else if bound {
			binds++
			f.mu.Lock()
			if last := f.binds[len(f.binds)-1]; last != fmt.Sprintf("CN=alice,%s %s", base, password) {
				t.Errorf("D-24: bound as %.60q, want alice's name and the password", last)
			}
			f.mu.Unlock()
		}
		check.Equal(t, len(d.idle), 1, "D-24: connections wait")
	}
	check.Eventually(t, func() bool { return f.open.Load() == 1 }, "connections of earlier passwords stay open")
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.binds) != binds+1 || len(f.conns) != binds+1 { // and the searching connection
		t.Errorf("D-24: %d binds on %d connections, want %d", len(f.binds), len(f.conns), binds+1)
	}
}
