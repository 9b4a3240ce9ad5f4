package ldap

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestFindFillsEveryAccountField checks every field of an account, the primary group first, and the search that finds
// it: base, filter, attributes and time limit, without aliases and referrals (D-5, D-6, D-9, D-14 to D-17).
func TestFindFillsEveryAccountField(t *testing.T) {
	elsewhere, machine := sid.MustParse("S-1-5-21-40-50-60"), sid.MustParse("S-1-5-21-1-1-1")
	set, err := claims.NewSet([]claims.Attribute{{Name: "dept", Type: claims.String, Strings: []string{"sales", "it"}}})
	check.NoError(t, err)
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
		c.Base, c.Name, c.Limits.Wait = other, "EXAMPLE", 90*time.Second
		c.Machine = func() sid.SID { return machine }
		c.Claims = map[string]Claim{"dept": {Attribute: "department", Type: claims.String}}
		c.Now = func() time.Time { return time.Unix(1_000_000_000, 0) }
	})
	want := Found{Name: "Alice", SID: domain.WithRID(1104), PrimaryGroup: domain.WithRID(515),
		Groups: []token.Group{group(domain.WithRID(515)), group(domain.WithRID(2001)), group(elsewhere.WithRID(1500))},
		Claims: set, bounds: bounds{expires: 159000000000000000, password: 159000000000000001, hours: []byte(hours)}}
	for _, spelled := range []string{"alice", "ALICE", "aLiCe"} { // the first answer is that of each
		got := check.Must(d.Find(t.Context(), spelled, true))
		dropped := got.Dropped
		if got.Dropped = nil; !reflect.DeepEqual(*got, want) {
			t.Errorf("D-15: %s is\n%+v, want\n%+v", spelled, *got, want)
		}
		check.That(t, len(dropped) == 1 && slices.ContainsFunc(dropped, func(x pac.Dropped) bool {
			return x.SID == machine.WithRID(1001)
		}), "D-15: dropped are %+v", dropped)
		got.Dropped = dropped
	}
	check.Equal(t, d.Name(), "EXAMPLE", "the domain")
	const within90 = "0 90 false"
	questions := []asked{
		{attributes: []string{"defaultNamingContext", "supportedCapabilities"}},
		{attributes: []string{"dsServiceName", "highestCommittedUSN"}},
		{base: other, below: true,
			filter:     "(&(objectClass=user)(|(sAMAccountName=alice)(userPrincipalName=alice@EXAMPLE.TEST)))",
			attributes: append(slices.Clone(accountAttributes), "department")},
		{base: "CN=alice," + other, attributes: []string{"tokenGroups", computedControl, computedExpiry}},
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	check.RequireThat(t, len(f.queries) == len(questions),
		"%d questions, want %d: %+v", len(f.queries), len(questions), f.queries)
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

// TestInvalidPrimaryGroupIsRejected checks that the primary group is a RID of the domain, and that an account without
// one is rejected (D-16).
func TestInvalidPrimaryGroupIsRejected(t *testing.T) {
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
			t.Errorf("D-16: primary group %q: %+v, %v, want an error", text, got, err)
		case want != 0 && (err != nil || got.PrimaryGroup != domain.WithRID(want) || got.Groups[0].SID != got.PrimaryGroup):
			t.Errorf("D-16: primary group %q: %+v, %v, want RID %d, first of the groups", text, got, err, want)
		}
	}
}

// TestMalformedEntriesAreRejected checks that entries of other accounts and incomplete entries are rejected.
func TestMalformedEntriesAreRejected(t *testing.T) {
	other := domain.WithRID(7).Binary()
	long := strings.Repeat("x", 70<<10)
	for what, change := range map[string]func(*world){
		"no SID":                       func(w *world) { w.set("objectSid") },
		"two SIDs":                     func(w *world) { w.set("objectSid", other, other) },
		"a SID with a byte more (D-8)": func(w *world) { w.set("objectSid", other+"x") },
		"a SID cut (D-8)":              func(w *world) { w.set("objectSid", other[:len(other)-1]) },
		"a SID as text":                func(w *world) { w.set("objectSid", "S-1-5-21-10-20-30-7") },
		"a SID of another domain (D-10)": func(w *world) {
			w.set("objectSid", sid.MustParse("S-1-5-21-1-2-3-4").Binary())
		},
		"a well-known SID (D-10)":                  func(w *world) { w.set("objectSid", sid.LocalSystem.Binary()) },
		"hidden control flags (D-11)":              func(w *world) { w.set("userAccountControl") },
		"control flags without a number":           func(w *world) { w.set("userAccountControl", long) },
		"hidden groups (D-16)":                     func(w *world) { w.set("tokenGroups") },
		"a group without a right SID (D-8)":        func(w *world) { w.set("tokenGroups", other, "x") },
		"a range of the groups":                    func(w *world) { w.set("tokenGroups;range=0-0", other) },
		"a malformed SID in the history (D-14)":    func(w *world) { w.set("sIDHistory", "x") },
		"an integer claim without a number (D-12)": func(w *world) { w.set("employeeNumber", "seven") },
		"a claim with a value twice (D-12)":        func(w *world) { w.set("department", "Sales", "SALES") },
		"a Boolean claim of another value (D-12)":  func(w *world) { w.set("isManager", "yes") },
		"two names": func(w *world) { w.set("sAMAccountName", "alice", "bob") },
		"a second account of the name (D-9)": func(w *world) {
			w.entries["CN=alice,OU=other,"+base] = w.entries["CN=alice,"+base]
		},
	} {
		w := newWorld()
		change(w)
		f := serve(t, w.answer)
		d := f.directory(func(c *Config) {
			c.Claims = map[string]Claim{}
			for _, text := range []string{"department", "employeeNumber:int64", "isManager:boolean"} {
				claim := check.Must(ParseClaim(text))
				c.Claims[claim.Attribute] = claim
			}
		})
		got, err := d.Find(context.Background(), "alice", false)
		check.That(t, got == nil && err != nil && !errors.Is(err, ErrAway),
			"%s: %+v, %v, want an error other than ErrAway", what, got, err)
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("%s: an error text of %d bytes, want at most 300", what, len(err.Error()))
		}
	}
}

// TestLDAPFilterEscapesName checks that the name is escaped in the filter, that a realm adds the principal name,
// and that only accounts match (D-9; RFC 4515 3).
func TestLDAPFilterEscapesName(t *testing.T) {
	d := &Directory{cfg: Config{Realm: "EXAMPLE.TEST"}}
	for _, c := range []struct {
		name    string
		byRealm bool
		want    string
	}{
		{"alice", false, "(&(objectClass=user)(sAMAccountName=alice))"},
		{"alice", true, "(&(objectClass=user)(|(sAMAccountName=alice)(userPrincipalName=alice@EXAMPLE.TEST)))"},
		{"a*", true, `(&(objectClass=user)(|(sAMAccountName=a\2a)(userPrincipalName=a\2a@EXAMPLE.TEST)))`},
		{"a*(b)\\\x00", false, `(&(objectClass=user)(sAMAccountName=a\2a\28b\29\5c\00))`},
	} {
		check.Equal(t, d.filterOf(c.name, c.byRealm), c.want, "D-9: %q", c.name)
	}
	check.Equal(t, (&Directory{}).filterOf("alice", true), "(&(objectClass=user)(sAMAccountName=alice))",
		"D-9: without a realm")
}

// FuzzEntry checks that an entry of any bytes is rejected or is an account of the domain (D-8, D-10).
func FuzzEntry(f *testing.F) {
	good := domain.WithRID(1104)
	f.Add(good.AppendBinary(nil), "512", "513", "0", "CN=a")                    // right
	f.Add([]byte{}, "", "", "", "")                                             // nothing
	f.Add(append(good.AppendBinary(nil), 0), "-1", "4294967296", "-1", "x")     // a trailing byte, numbers out of range
	f.Add([]byte{1, 255, 0, 0, 0, 0, 0, 5}, "9223372036854775808", "0", "", "") // 255 missing parts
	f.Fuzz(func(t *testing.T, id []byte, control, primary, expires, option string) {
		d := &Directory{cfg: Config{Domain: domain, Now: time.Now}}
		e := &entry{DN: "CN=x"}
		for name, value := range map[string]string{"objectSid": string(id), "userAccountControl": control,
			"primaryGroupID": primary, "accountExpires": expires, "logonHours": string(id), "memberOf;" + option: "CN=y"} {
			e.add(name, value)
		}
		ids, err := e.sids("objectSid")
		if err == nil {
			for _, s := range ids {
				check.That(t, string(s.AppendBinary(nil)) == string(id) && s != (sid.SID{}),
					"D-8: SID of %x = %v, want the same bytes", id, s)
			}
		}
		found := &Found{}
		_ = d.restrict(found, e, &computed{control: -1, expiry: -1})
		_, _, _ = e.values("memberOf")
		_, _ = e.number("primaryGroupID", 0)
	})
}
