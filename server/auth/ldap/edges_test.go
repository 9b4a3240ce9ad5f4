package ldap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/verbs/bulk/accounts"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestAnswersForTheirReason: of each answer the check that refuses it is named, as another one behind it
// would refuse most of them, too (D-5, D-7).
func TestAnswersForTheirReason(t *testing.T) {
	coded := func(code int64) func(asked, []byte) [][]byte {
		return func(a asked, e []byte) [][]byte {
			return [][]byte{e, done(a.id, goldap.ApplicationSearchResultDone, code, goldap.NewControlPaging(0))}
		}
	}
	for what, c := range map[string]struct {
		answer func(a asked, alice []byte) [][]byte
		why    string
	}{
		"an entry from elsewhere (D-7)": {func(a asked, _ []byte) [][]byte {
			return [][]byte{found(a.id, "CN=alice,DC=evil,DC=test", newWorld().entries["CN=alice,"+base]), end(a)}
		}, errOther.Why},
		"an entry above the base (D-7)": {func(a asked, _ []byte) [][]byte {
			return [][]byte{found(a.id, "DC=test", newWorld().entries["CN=alice,"+base]), end(a)}
		}, errOther.Why},
		"a limit of sizes (D-5)":      {coded(goldap.LDAPResultSizeLimitExceeded), "code 4"},
		"a limit of the site's (D-5)": {coded(goldap.LDAPResultAdminLimitExceeded), "code 11"},
		"three accounts (D-5)": {func(a asked, e []byte) [][]byte {
			return [][]byte{e, e, e, end(a)}
		}, "more than 2 entries"},
	} {
		got, err := aliceAt(t, c.answer, nil)
		var said *Error
		if got != nil || !errors.As(err, &said) || !strings.Contains(said.Why, c.why) {
			t.Errorf("%s: %+v, %v, want %q", what, got, err, c.why)
		}
	}
	// An entry below answers for its base no more than one from elsewhere (D-7).
	w := newWorld()
	f := serve(t, nil)
	f.search = func(a asked) [][]byte {
		if !a.below && a.base != "" {
			return [][]byte{found(a.id, "CN=x,"+a.base, w.entries[a.base]), end(a)}
		}
		return w.answer(a)
	}
	if got, err := f.directory(nil).Find(context.Background(), "alice", false); !errors.Is(err, errOther) {
		t.Errorf("D-7: an entry below its base: %+v, %v", got, err)
	}
	// A group that was not asked for is none of the account's (D-7).
	g := groupsWorld([]string{"a"}, map[string][]string{"a": nil, "b": nil})
	f = serve(t, nil)
	f.search = func(a asked) [][]byte {
		if strings.Contains(a.filter, "(distinguishedName=CN=a,") {
			return [][]byte{found(a.id, "CN=b,"+base, g.entries["CN=b,"+base]), end(a)}
		}
		return g.answer(a)
	}
	if got, err := f.directory(nil).Find(context.Background(), "alice", false); !errors.Is(err, errOther) {
		t.Errorf("D-7: a group that was not asked for: %+v, %v", got, err)
	}
	for _, q := range f.queries {
		if q.deref != 0 {
			t.Errorf("D-6: aliases are followed below %q", q.base)
		}
	}
}

// TestNoStartTLS: where a server refuses TLS, neither a name nor a password is sent, and a password is
// checked within TLS alone (D-1).
func TestNoStartTLS(t *testing.T) {
	f := serve(t, newWorld().answer)
	f.mu.Lock()
	f.clear, f.refuses = true, true
	f.mu.Unlock()
	d := f.directory(func(c *Config) { c.Servers[0] = strings.Replace(c.Servers[0], "ldaps:", "ldap:", 1) })
	got, err := d.Find(context.Background(), "alice", false)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !errors.Is(err, ErrAway) || len(f.binds) != 0 {
		t.Errorf("D-1: %+v, %v, binds %v", got, err, f.binds)
	}
	signed := &Directory{cfg: Config{Security: Signed}}
	if _, err := signed.Check(context.Background(), "alice", "wonderland"); err == nil ||
		!strings.Contains(err.Error(), "within TLS only") {
		t.Errorf("D-1: a password without TLS: %v", err)
	}
}

// TestFilterOf: the name in a filter is escaped, its realm counts where the name stood before one, and
// accounts alone are asked about (D-9; RFC 4515 3).
func TestFilterOf(t *testing.T) {
	d := &Directory{cfg: Config{Realm: "EXAMPLE.TEST"}}
	for _, c := range []struct {
		name    string
		byRealm bool
		want    string
	}{
		{"alice", false, "(&(objectClass=user)(sAMAccountName=alice))"},
		{"alice", true, "(&(objectClass=user)(|(sAMAccountName=alice)(userPrincipalName=alice@EXAMPLE.TEST)))"},
		{"a*(b)\\\x00", false, `(&(objectClass=user)(sAMAccountName=a\2a\28b\29\5c\00))`},
	} {
		if got := d.filterOf(c.name, c.byRealm); got != c.want {
			t.Errorf("D-9: %q: %s, want %s", c.name, got, c.want)
		}
	}
	if got := (&Directory{}).filterOf("alice", true); got != "(&(objectClass=user)(sAMAccountName=alice))" {
		t.Errorf("D-9: without a realm: %s", got)
	}
}

// TestPast: a time is over when it has come; 0 and the largest are none (D-11; MS-ADTS 2.2.16).
func TestPast(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	at := now.Unix()*10_000_000 + unixEpoch
	for when, want := range map[int64]bool{at - 1: true, at: true, at + 1: false, 0: false, -1: false, never: false} {
		if got := past(when, now); got != want {
			t.Errorf("D-11: %d at %d: %v", when, at, got)
		}
	}
	hours := make([]byte, hoursOfAWeek) // bit 0 is Sunday's first hour of UTC (MS-SAMR 2.2.6.5)
	hours[0] = 1
	b := bounds{hours: hours}
	sunday := time.Date(2026, 11, 22, 0, 30, 0, 0, time.UTC)
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("east", 5*3600), time.FixedZone("west", -5*3600)} {
		later, before := sunday.Add(time.Hour), sunday.Add(-time.Hour)
		if !b.inHours(sunday.In(zone)) || b.inHours(later.In(zone)) || b.inHours(before.In(zone)) {
			t.Errorf("D-31: hours in %v", zone)
		}
	}
}

// TestMoreRestrictions: what limits an account where the server says two things of it, or does not say
// whether a lock is over (D-11, D-31); a claim that is told in part refuses it (D-12).
func TestMoreRestrictions(t *testing.T) {
	now := time.Now()
	hours := strings.Repeat("\xff", hoursOfAWeek)
	for what, c := range map[string]struct {
		change func(*world)
		want   Restriction
		fails  bool
	}{
		"to be changed, and never too old (D-31)": {func(w *world) {
			w.set(computedExpiry, "0")
			w.set("userAccountControl", "66048")
		}, MustChange, false},
		"too old by the server's word (D-31)": {func(w *world) {
			w.set(computedExpiry, filetime(now.Add(time.Hour)))
			w.set(computedControl, "8388608")
		}, PasswordExpired, false},
		"hours twice (D-31)": {func(w *world) { w.set("logonHours", hours, hours) }, 0, true},
		"a lock that is over (D-11)": {func(w *world) {
			w.set("lockoutTime", filetime(now.Add(-time.Hour)))
		}, 0, false},
		"a claim told in part (D-12)":     {func(w *world) { w.set("department;range=0-0", "sales") }, 0, true},
		"a claim of an empty part (D-12)": {func(w *world) { w.set("department;range=0-0") }, 0, true},
	} {
		w := newWorld()
		c.change(w)
		d := serve(t, w.answer).directory(func(cfg *Config) {
			cfg.Now = func() time.Time { return now }
			cfg.Claims = map[string]Claim{"dept": {Attribute: "department", Type: 3}}
		})
		got, err := d.Find(context.Background(), "alice", false)
		if (err != nil) != c.fails || err == nil && got.Restricted != c.want {
			t.Errorf("%s: %+v, %v; want %v", what, got, err, c.want)
		}
	}
	w := groupsWorld(nil, nil) // a server that computes nothing: a lock is not over
	w.set("lockoutTime", filetime(now.Add(-time.Hour)))
	if got, err := serve(t, w.answer).directory(nil).Find(context.Background(), "alice", false); err != nil ||
		got.Restricted != Locked {
		t.Errorf("D-11: a lock of before: %+v, %v", got, err)
	}
}

// TestWhichGroups: SIDs of earlier count, those of another domain as well, and those of this computer do
// not; the primary group's own groups count; and as many groups as the limit (D-14 to D-17).
func TestWhichGroups(t *testing.T) {
	machine, elsewhere := sid.MustParse("S-1-5-21-1-1-1"), sid.MustParse("S-1-5-21-40-50-60")
	ask := func(w *world, most int) (*Found, error) {
		d := serve(t, w.answer).directory(func(c *Config) { c.Machine, c.Limits.Groups = machine, most })
		return d.Find(context.Background(), "alice", false)
	}
	has := func(f *Found, s sid.SID) bool {
		return slices.ContainsFunc(f.Groups, func(g token.Group) bool { return g.SID == s })
	}
	w := newWorld()
	w.set("sIDHistory", elsewhere.WithRID(1500).Binary(), elsewhere.WithRID(512).Binary(), machine.WithRID(1001).Binary())
	got, err := ask(w, 2) // the list of the server has two
	if err != nil || !has(got, elsewhere.WithRID(1500)) || !has(got, elsewhere.WithRID(512)) {
		t.Fatalf("D-14, D-15: %+v, %v", got, err)
	}
	if has(got, machine.WithRID(1001)) || !slices.ContainsFunc(got.Dropped, func(d pac.Dropped) bool {
		return d.SID == machine.WithRID(1001)
	}) {
		t.Errorf("D-15: a group of this computer: %+v", got)
	}
	if got, err := ask(w, 1); err == nil {
		t.Errorf("D-16: one group more than the limit: %+v", got)
	}
	w = groupsWorld([]string{"a"}, map[string][]string{"a": nil, "b": nil})
	w.entries["CN=Domain Users,"+base]["memberOf"] = []string{"CN=b," + base}
	w.entries["CN=a,"+base]["sIDHistory"] = []string{elsewhere.WithRID(1600).Binary()}
	if got, err = ask(w, 10); err != nil || len(got.Groups) != 4 || !has(got, elsewhere.WithRID(1600)) {
		t.Errorf("D-14, D-17: %+v, %v", got, err)
	}
}

// TestKeptAnswers: the number of changes is read before the account; an answer that still holds is not
// asked about again for a while; one that is refused now counts no more, also while the directory is
// away (D-19).
func TestKeptAnswers(t *testing.T) {
	w := newWorld()
	f := serve(t, w.answer)
	begin := time.Now()
	var passed atomic.Int64
	d := f.directory(func(c *Config) { c.Now = func() time.Time { return begin.Add(time.Duration(passed.Load())) } })
	find := func(after time.Duration) (*Found, int, error) {
		passed.Store(int64(after))
		f.mu.Lock()
		before := len(f.queries)
		f.mu.Unlock()
		got, err := d.Find(context.Background(), "alice", false)
		f.mu.Lock()
		defer f.mu.Unlock()
		return got, len(f.queries) - before, err
	}
	if _, _, err := find(0); err != nil {
		t.Fatal(err)
	}
	numbered, account := -1, -1
	for i, q := range f.queries {
		if numbered < 0 && slices.Contains(q.attributes, "highestCommittedUSN") {
			numbered = i
		}
		if account < 0 && strings.Contains(q.filter, "sAMAccountName") {
			account = i
		}
	}
	if numbered < 0 || account < numbered {
		t.Errorf("D-19: the account is query %d, the number %d", account, numbered)
	}
	for _, c := range []struct {
		after time.Duration
		asked bool
	}{
		{30*time.Second - 1, false}, {30 * time.Second, true}, {59 * time.Second, false}, {60 * time.Second, true},
	} {
		if _, n, err := find(c.after); err != nil || (n > 0) != c.asked {
			t.Errorf("D-19: after %v: %d queries, %v", c.after, n, err)
		}
	}
	w.set("userAccountControl", "514")
	w.mu.Lock()
	w.root["highestCommittedUSN"] = []string{"101"}
	w.mu.Unlock()
	if got, _, err := find(2 * time.Minute); err != nil || got.Restricted != Disabled {
		t.Fatalf("D-19: %+v, %v", got, err)
	}
	f.stop()
	if got, _, err := find(3 * time.Minute); !errors.Is(err, ErrAway) {
		t.Errorf("D-19: what was kept before it was disabled: %+v, %v", got, err)
	}
}

// TestExported: a directory file has no group of BUILTIN, all values that a server keeps back, and no
// account with half a claim; an objects file has what could be read and the rest counted, and the SACL is
// asked for on request alone (D-5, D-22, D-23).
func TestExported(t *testing.T) {
	w := groupsWorld([]string{"a"}, map[string][]string{"a": nil, "b": nil})
	w.entries["CN=Administrators,CN=Builtin,"+base] = map[string][]string{"objectClass": {"top", "group"},
		"objectSid": {sid.Administrators.Binary()}, "sAMAccountName": {"Administrators"}, "groupType": {"-2147483643"}}
	for name, e := range w.entries {
		if e["objectClass"] == nil {
			class := map[bool]string{true: "user", false: "group"}[strings.HasPrefix(name, "CN=alice")]
			e["objectClass"] = []string{"top", class}
		}
		if e["sAMAccountName"] == nil {
			e["sAMAccountName"] = []string{strings.TrimPrefix(strings.Split(name, ",")[0], "CN=")}
		}
	}
	alice := w.entries["CN=alice,"+base]
	delete(alice, "memberOf")
	alice["memberOf;range=0-0"] = []string{"CN=a," + base}
	f := serve(t, nil)
	f.search = func(a asked) [][]byte {
		if len(a.attributes) == 1 && a.attributes[0] == "memberOf;range=1-*" {
			return [][]byte{found(a.id, a.base, map[string][]string{"memberOf;range=1-*": {"CN=b," + base}}), end(a)}
		}
		return w.answer(a)
	}
	var list accounts.List
	if err := f.directory(nil).People(context.Background(), &list); err != nil {
		t.Fatal(err)
	}
	text := string(list.YAML())
	if strings.Contains(text, "S-1-5-32-544") || !strings.Contains(text, domain.WithRID(1104).String()) {
		t.Errorf("D-22:\n%s", text)
	}
	if line := text[strings.Index(text, "alice"):]; !strings.Contains(strings.SplitN(line, "\n-", 2)[0], "b") {
		t.Errorf("D-22: alice is not in b:\n%s", text)
	}
	alice["employeeNumber"] = []string{"seven"}
	claimed := f.directory(func(c *Config) { c.Claims = map[string]Claim{"n": {Attribute: "employeeNumber", Type: 1}} })
	if err := claimed.People(context.Background(), &accounts.List{}); err == nil {
		t.Error("D-22: a claim that cannot be read is left out")
	}
	objects := serve(t, func(a asked) [][]byte {
		if a.base == "" {
			return w.answer(a)
		}
		described := func(by string) map[string][]string { return map[string][]string{"nTSecurityDescriptor": {by}} }
		return [][]byte{found(a.id, "CN=a,"+base, described("x ")), found(a.id, "CN=b,"+base, nil),
			found(a.id, "CN=c,"+base, described("y")), end(a)}
	})
	for _, audit := range []bool{false, true} {
		var out bytes.Buffer
		d := objects.directory(func(c *Config) { c.Limits.Entries = 3 })
		n, unread, err := d.Objects(context.Background(), "", audit, &out)
		if err != nil || n != 2 || unread != 1 || strings.Count(out.String(), "dn:") != 2 ||
			strings.Contains(out.String(), "CN=b") {
			t.Errorf("D-23: %d, %d, %v:\n%s", n, unread, err, out.String())
		}
		if !strings.Contains(out.String(), "nTSecurityDescriptor:: eCA=") {
			t.Errorf("D-23: a value with a blank at its end is not in base64:\n%s", out.String())
		}
		objects.mu.Lock()
		parts := objects.queries[len(objects.queries)-1].parts
		objects.mu.Unlock()
		want := map[bool]string{false: "020107", true: "02010f"}[audit]
		if !strings.HasPrefix(parts, "true ") || !strings.HasSuffix(parts, want) {
			t.Errorf("D-23: with audit %v the parts are %q, want them critical, and %s", audit, parts, want)
		}
	}
	if _, _, err := objects.directory(func(c *Config) { c.Limits.Entries = 2 }).Objects(context.Background(), "", false,
		&bytes.Buffer{}); err == nil {
		t.Error("D-5: an entry more than the limit")
	}
}

// TestBindsThatFail: a bind that is refused for another reason than the password says nothing of it,
// whatever text is beside it (D-24, D-32).
func TestBindsThatFail(t *testing.T) {
	for _, code := range []int64{goldap.LDAPResultBusy, goldap.LDAPResultInsufficientAccessRights,
		goldap.LDAPResultUnwillingToPerform, goldap.LDAPResultOther, goldap.LDAPResultInvalidDNSyntax} {
		f := serve(t, newWorld().answer)
		f.bind = func(name, _ string) int64 {
			if strings.HasPrefix(name, "CN=alice") {
				return code
			}
			return 0
		}
		f.tell("80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 532, v2580")
		got, err := f.directory(nil).Check(context.Background(), "alice", logon.Secret("wonderland"))
		var wrong *WrongPassword
		if got != nil || !errors.Is(err, ErrAway) || errors.As(err, &wrong) {
			t.Errorf("D-24, D-32: code %d: %+v, %v", code, got, err)
		}
	}
}

// TestForgottenIDs: what one directory said of ids is not said by another (D-34).
func TestForgottenIDs(t *testing.T) {
	asked := 0
	n := IDs{Ask: func(func(*Directory) error) error {
		asked++
		return fmt.Errorf("no: %w", &Error{"this test"})
	}}
	for _, want := range []int{1, 1} {
		if _, _, err := n.SIDOfUID(context.Background(), 7); err == nil || asked != want {
			t.Errorf("D-34: asked %d times, %v", asked, err)
		}
	}
	if n.Forget(); asked != 1 {
		t.Error("D-34: to forget is to ask")
	}
	if _, _, err := n.SIDOfUID(context.Background(), 7); err == nil || asked != 2 {
		t.Errorf("D-34: after it was forgotten asked %d times", asked)
	}
}
