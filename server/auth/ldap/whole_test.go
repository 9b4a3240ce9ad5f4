package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestWholeAccount: all that is found of an account, the primary group first, and all that was asked for it: where, by
// which filter, for which attributes, in what time, without aliases and referrals (D-5, D-6, D-9, D-14 to D-17).
func TestWholeAccount(t *testing.T) {
	elsewhere, machine := sid.MustParse("S-1-5-21-40-50-60"), sid.MustParse("S-1-5-21-1-1-1")
	set, err := claims.NewSet([]claims.Attribute{{Name: "dept", Type: claims.String, Strings: []string{"sales", "it"}}})
	if err != nil {
		t.Fatal(err)
	}
	hours := strings.Repeat("\xff", hoursOfAWeek)
	group := func(s sid.SID) token.Group { return token.Group{SID: s, Attributes: token.GroupDefault} }
	w := newWorld()
	for name, values := range map[string][]string{"sAMAccountName": {"Alice"}, "department": {"sales", "it"},
		"primaryGroupID": {"515"}, "accountExpires": {"159000000000000000"}, "logonHours": {hours},
		computedExpiry: {"159000000000000001"}, "tokenGroups": {domain.WithRID(2001).Binary(), domain.WithRID(515).Binary(),
			machine.WithRID(1001).Binary()},
		"sIDHistory": {elsewhere.WithRID(1500).Binary()}} {
		w.set(name, values...)
	}
	const other = "OU=people," + base
	w.entries["CN=alice,"+other] = w.entries["CN=alice,"+base]
	delete(w.entries, "CN=alice,"+base)
	f := serve(t, w.answer)
	d := f.directory(func(c *Config) {
		c.Machine, c.Base, c.Name, c.Limits.Wait = machine, other, "EXAMPLE", 90*time.Second
		c.Claims = map[string]Claim{"dept": {Attribute: "department", Type: claims.String}}
		c.Now = func() time.Time { return time.Unix(1_000_000_000, 0) }
	})
	want := Found{Name: "Alice", SID: domain.WithRID(1104), PrimaryGroup: domain.WithRID(515),
		Groups: []token.Group{group(domain.WithRID(515)), group(domain.WithRID(2001)), group(elsewhere.WithRID(1500))},
		Claims: set, bounds: bounds{expires: 159000000000000000, password: 159000000000000001, hours: []byte(hours)}}
	for _, spelled := range []string{"alice", "ALICE", "aLiCe"} { // the first answer is that of each
		got, err := d.Find(t.Context(), spelled, true)
		if err != nil {
			t.Fatal(err)
		}
		dropped := got.Dropped
		if got.Dropped = nil; !reflect.DeepEqual(*got, want) {
			t.Errorf("D-15: %s is\n%+v, want\n%+v", spelled, *got, want)
		}
		if len(dropped) != 1 || !slices.ContainsFunc(dropped, func(x pac.Dropped) bool {
			return x.SID == machine.WithRID(1001)
		}) {
			t.Errorf("D-15: dropped are %+v", dropped)
		}
		got.Dropped = dropped
	}
	if d.Name() != "EXAMPLE" {
		t.Errorf("the domain is %q", d.Name())
	}
	const within90 = "0 90 false"
	questions := []asked{
		{attributes: []string{"defaultNamingContext", "supportedCapabilities"}},
		{attributes: []string{"dsServiceName", "highestCommittedUSN"}},
		{base: other, below: true, filter: "(&(objectClass=user)(|(sAMAccountName=alice)" +
			"(userPrincipalName=alice@EXAMPLE.TEST)))", attributes: append(slices.Clone(accountAttributes), "department")},
		{base: "CN=alice," + other, attributes: []string{"tokenGroups", computedControl, computedExpiry}},
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queries) != len(questions) {
		t.Fatalf("%d questions, want %d: %+v", len(f.queries), len(questions), f.queries)
	}
	for i, q := range questions {
		if q.limits, q.controls = within90, []string{domainScope}; q.below {
			q.controls = append(q.controls, goldap.ControlTypePaging)
		}
		if q.filter == "" {
			q.filter = "(objectClass=*)"
		}
		got := f.queries[i]
		if got.id = 0; !reflect.DeepEqual(got, q) {
			t.Errorf("D-6: question %d is\n%+v, want\n%+v", i, got, q)
		}
	}
}

// TestPrimaryGroups: a primary group is a RID of the domain, and an account without one is refused (D-16).
func TestPrimaryGroups(t *testing.T) {
	for text, want := range map[string]uint32{"1": 1, "513": 513, "4294967295": 1<<32 - 1, "4294967296": 0, "0": 0,
		"-1": 0, "x": 0, "": 0, "18446744073709551615": 0} {
		w := newWorld()
		if w.set("primaryGroupID", text); text == "" {
			w.set("primaryGroupID")
		}
		got, err := serve(t, w.answer).directory(nil).Find(t.Context(), "alice", false)
		var said *Error
		switch {
		case want == 0 && (got != nil || !errors.As(err, &said)):
			t.Errorf("D-16: the primary group %q: %+v, %v", text, got, err)
		case want != 0 && (err != nil || got.PrimaryGroup != domain.WithRID(want) || got.Groups[0].SID != got.PrimaryGroup):
			t.Errorf("D-16: the primary group %q: %+v, %v", text, got, err)
		}
	}
}

// TestOrderOfKept: an account that is asked for, or told anew, is the last one to be forgotten; one that is dropped is
// not there, and leaves its place (D-21).
//
// +checklocksignore
func TestOrderOfKept(t *testing.T) {
	c := cache{most: 3}
	order := func() string {
		var keys []string
		for e := c.order.Front(); e != nil; e = e.Next() {
			keys = append(keys, e.Value.(*kept).key)
		}
		if got := slices.Sorted(maps.Keys(c.byName)); !slices.Equal(got, slices.Sorted(slices.Values(keys))) {
			t.Errorf("D-21: %v by name, %v in order", got, keys)
		}
		return strings.Join(keys, "")
	}
	for i, step := range []struct{ what, key, want string }{{"put", "a", "a"}, {"put", "b", "ba"}, {"put", "c", "cba"},
		{"get", "a", "acb"}, {"put", "b", "bac"}, {"put", "d", "dba"}, {"get", "c", "dba"}, {"drop", "b", "da"},
		{"drop", "x", "da"}, {"put", "e", "eda"}, {"get", "a", "aed"}, {"put", "a", "aed"}, {"put", "f", "fae"},
		{"put", "e", "efa"}, {"put", "g", "gef"}} {
		switch step.what {
		case "put":
			k := &kept{key: step.key}
			if c.put(k); c.byName[step.key].Value != k {
				t.Errorf("D-21: step %d: another answer is kept", i)
			}
		case "get":
			if got := c.get(step.key); (got != nil) != strings.Contains(step.want, step.key) {
				t.Errorf("D-21: step %d: %s is %+v", i, step.key, got)
			}
		case "drop":
			c.drop(step.key)
		}
		if got := order(); got != step.want {
			t.Errorf("D-21: step %d, %s %s: %s, want %s", i, step.what, step.key, got, step.want)
		}
	}
}

// TestClosedByTheServer: a connection that the server has closed while it waited is no answer: the question is asked
// once more, on another one.
func TestClosedByTheServer(t *testing.T) {
	f := serve(t, newWorld().answer)
	d := f.directory(func(c *Config) { c.Limits.Fresh = -1 })
	for i := range 3 {
		if got, err := d.Find(t.Context(), "alice", false); err != nil || got.SID != domain.WithRID(1104) {
			t.Fatalf("after %d connections: %+v, %v", i, got, err)
		}
		f.mu.Lock()
		if len(f.conns) != i+1 || len(f.binds) != i+1 {
			t.Errorf("%d connections, %d binds, want %d", len(f.conns), len(f.binds), i+1)
		}
		for c := range f.conns {
			_ = c.Close()
		}
		f.mu.Unlock()
	}
}

// TestOldTLS: a server that speaks no newer TLS than 1.1 is sent neither a name nor a password (D-1; RFC 8996).
func TestOldTLS(t *testing.T) {
	for version, good := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		for _, scheme := range []string{"ldaps:", "ldap:"} {
			f := serve(t, newWorld().answer)
			f.mu.Lock()
			f.newest, f.clear = version, scheme == "ldap:"
			f.mu.Unlock()
			d := f.directory(func(c *Config) { c.Servers[0] = strings.Replace(c.Servers[0], "ldaps:", scheme, 1) })
			got, err := d.Find(t.Context(), "alice", false)
			f.mu.Lock()
			if (err == nil) != good || (len(f.binds) > 0) != good || (got != nil) != good {
				t.Errorf("D-1: %s with TLS %#x: %+v, %v, binds %v", scheme, version, got, err, f.binds)
			}
			f.mu.Unlock()
		}
	}
}

// TestPasswordsThatAreBound: a password of at most 1024 bytes is bound as it is, on a connection that no question takes
// afterwards; others are wrong without a bind (D-2, D-24).
func TestPasswordsThatAreBound(t *testing.T) {
	f := serve(t, newWorld().answer)
	d := f.directory(nil)
	binds := 0
	for _, n := range []int{1, 1023, 1024, 1025, 0} {
		password := strings.Repeat("p", n)
		got, err := d.Check(context.Background(), "alice", logon.Secret(password))
		var wrong *WrongPassword
		if bound := n > 0 && n <= 1024; (err == nil) != bound || !bound && !errors.As(err, &wrong) ||
			bound && got.SID != domain.WithRID(1104) {
			t.Errorf("D-24: a password of %d bytes: %+v, %v", n, got, err)
		} else if bound {
			binds++
			f.mu.Lock()
			if last := f.binds[len(f.binds)-1]; last != fmt.Sprintf("CN=alice,%s %s", base, password) {
				t.Errorf("D-24: bound is %.60q", last)
			}
			f.mu.Unlock()
		}
		if len(d.idle) != 1 {
			t.Errorf("D-24: %d connections wait", len(d.idle))
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.binds) != binds+1 || len(f.conns) != binds+1 { // and the one that asks
		t.Errorf("D-24: %d binds on %d connections, want %d", len(f.binds), len(f.conns), binds+1)
	}
}
