package ldap

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/sid"
)

// forest has the entries of a changing directory.
type forest struct {
	*rand.Rand
	entries []map[string][]string // the attributes of each entry; "dn" is its name
	next    uint32
}

var forestClaims = []claimOf{{Claim{Attribute: "level", Type: claims.Int64}, "level"}}

// read makes p read the whole forest.
func (f *forest) read(p *People) error {
	p.claims, p.place = forestClaims, pac.Place{Domain: domain}
	return p.Read(f.forEach)
}

// forEach calls add for each entry of the forest.
func (f *forest) forEach(add func(*goldap.Entry) error) error {
	for _, attributes := range f.entries {
		e := &goldap.Entry{DN: attributes["dn"][0]}
		for _, name := range append(slices.Clone(peopleAttributes), "level") {
			if values := attributes[name]; len(values) > 0 {
				e.Attributes = append(e.Attributes, goldap.NewEntryAttribute(name, values))
			}
		}
		if err := add(e); err != nil {
			return err
		}
	}
	return nil
}

// account adds a user, a group, a distribution group, a group of BUILTIN or an account of another domain.
func (f *forest) account() {
	f.next++
	id := domain.WithRID(f.next)
	e := map[string][]string{"dn": {fmt.Sprintf("CN=a%d,DC=corp", f.next)}, "sAMAccountName": {fmt.Sprint("a", f.next)}}
	switch f.IntN(10) {
	case 0:
		e["objectClass"], e["groupType"] = []string{"group"}, []string{"2"}
	case 1:
		e["objectClass"], id = []string{"group"}, sid.MustParse("S-1-5-32").WithRID(f.next)
	case 2:
		e["objectClass"], id = []string{"foreignSecurityPrincipal"}, []sid.SID{sid.Everyone, sid.AuthenticatedUsers,
			domain.WithRID(1001 + uint32(f.IntN(5)))}[f.IntN(3)]
	case 3, 4, 5:
		e["objectClass"], e["groupType"] = []string{"top", "group"}, []string{"-2147483646"}
	default:
		e["objectClass"], e["userAccountControl"] = []string{"top", "user"}, []string{"512"}
		e["primaryGroupID"] = []string{"513"}
	}
	e["objectSid"] = []string{id.Binary()}
	f.entries = append(f.entries, e)
	f.join(e)
}

// join gives an entry other groups: of any kind, unknown ones, and itself.
func (f *forest) join(e map[string][]string) {
	e["memberOf"] = nil
	for range f.IntN(5) {
		dn := f.entries[f.IntN(len(f.entries))]["dn"][0]
		if f.IntN(9) == 0 {
			dn = fmt.Sprintf("cn=A%d,dc=corp", f.IntN(20)+1001) // in upper case, or an unknown group
		}
		if !slices.Contains(e["memberOf"], dn) {
			e["memberOf"] = append(e["memberOf"], dn)
		}
	}
}

// change changes one entry.
func (f *forest) change() {
	i := f.IntN(len(f.entries))
	e := map[string][]string{}
	for name, values := range f.entries[i] {
		e[name] = slices.Clone(values)
	}
	n := f.IntN(20)
	flip := func(name string, a ...string) { e[name] = []string{a[f.IntN(len(a))]} }
	switch n {
	case 0, 1:
		f.account()
		return
	case 2:
		if len(f.entries) > 10 {
			f.entries = slices.Delete(f.entries, i, i+1)
			return
		}
	case 3: // the server's order changes
		f.entries[0], f.entries[i] = f.entries[i], f.entries[0]
		return
	case 4:
		flip("sAMAccountName", "renamed", "Renamed", e["dn"][0])
	case 5:
		e["dn"] = []string{fmt.Sprintf("CN=moved%d,DC=corp", f.next)}
		f.next++
	case 6:
		flip("userAccountControl", "512", "514")
	case 7:
		flip("primaryGroupID", "513", fmt.Sprint(1001+f.IntN(10)))
	case 8:
		flip("level", "1", "2", "high")
	case 9:
		flip("gidNumber", "50", "51")
	case 10:
		flip("uidNumber", "50", "51", "-3")
	case 11:
		flip("groupType", "2", "-2147483646")
	case 12:
		flip("sIDHistory", domain.WithRID(77).Binary(), domain.WithRID(78).Binary())
	case 13:
		flip("objectSid", domain.WithRID(1001+uint32(f.IntN(8))).Binary()) // sometimes that of another account
	default:
		f.join(e)
	}
	f.entries[i] = e
}

// TestIncrementalReadEqualsFullRead changes a directory many times: it adds, removes, renames, moves and disables
// accounts, nests groups in cycles, and changes claims and ids. After each change the accounts and their digest equal
// those of a full read (D-35).
func TestIncrementalReadEqualsFullRead(t *testing.T) {
	f := &forest{Rand: rand.New(rand.NewPCG(randtest.Seed(t), 1)), next: 1000}
	f.entries = append(f.entries, map[string][]string{"dn": {"DC=corp"}, "objectClass": {"domainDNS"},
		"objectSid": {domain.Binary()}})
	for range 30 {
		f.account()
	}
	var known People
	renewed := 0
	steps := randtest.Count(t, "REFMON_DIRECTORY_CHANGES", 500)
	for step := range steps {
		before := known.collector
		check.NoError(t, f.read(&known))
		known.Unresolved = nil // reported
		if known.collector == before {
			renewed++
		}
		var fresh People
		check.NoError(t, f.read(&fresh))
		got, want := known.Accounts(), fresh.Accounts()
		if got.Sum() != want.Sum() || !reflect.DeepEqual(got.Users, want.Users) ||
			!reflect.DeepEqual(got.Groups, want.Groups) || got.Domain != want.Domain {
			t.Fatalf("D-35: step %d:\n got %+v\nwant %+v", step, difference(got, want), difference(want, got))
		}
		for range 1 + f.IntN(2) {
			f.change()
		}
	}
	check.That(t, renewed >= steps/5,
		"D-35: %d of %d changes were resolved alone, want at least %d", renewed, steps, steps/5)
}

// TestRenamedEntryIsReadAgain checks a group that is renamed and keeps its attributes, and values that only their
// boundaries distinguish (D-35).
func TestRenamedEntryIsReadAgain(t *testing.T) {
	group := map[string][]string{"dn": {"CN=g,DC=corp"}, "objectClass": {"group"}, "sAMAccountName": {"g"},
		"objectSid": {domain.WithRID(2001).Binary()}, "groupType": {"-2147483646"}}
	user := map[string][]string{"dn": {"CN=u,DC=corp"}, "objectClass": {"user"}, "sAMAccountName": {"u"},
		"objectSid": {domain.WithRID(1104).Binary()}, "userAccountControl": {"512"}, "primaryGroupID": {"513"},
		"memberOf": {"CN=g,DC=corp"}}
	f := &forest{entries: []map[string][]string{{"dn": {"DC=corp"}, "objectClass": {"domainDNS"},
		"objectSid": {domain.Binary()}}, group, user}}
	var p People
	check.NoError(t, f.read(&p))
	sum := p.Accounts().Sum()
	group["dn"], user["memberOf"] = []string{"CN=h,DC=corp"}, []string{"CN=h,DC=corp"}
	check.NoError(t, f.read(&p))
	check.Equal(t, p.Accounts().Sum(), sum, "D-35: the accounts after the group was renamed")
	for _, control := range []string{"514", "512"} { // a change, and back
		user["userAccountControl"] = []string{control}
		check.NoError(t, f.read(&p))
	}
	check.Equal(t, p.Accounts().Sum(), sum, "D-35: the accounts after a change was taken back")
	user["memberOf"] = []string{"CN=gone,DC=corp"}
	check.NoError(t, f.read(&p))
	check.That(t, strings.Contains(strings.Join(p.Unresolved, "\n"), "CN=gone,DC=corp"),
		"D-22: unresolved are %q, want the group that is gone", p.Unresolved)
	of := func(name string, values ...string) string {
		return string(appendAttribute(nil, goldap.NewEntryAttribute(name, values)))
	}
	check.That(t, of("n", "ab", "c") != of("n", "a", "bc"), "D-35: the values ab, c and a, bc have one encoding")
	check.That(t, of("n", "", "a") != of("n", "a"), "D-35: an empty value has no encoding")
	check.That(t, of("uidNumber", "7") != of("gidNumber", "7"), "D-35: two attributes have one encoding")
}

// TestReadDropsSIDsThatDirectoryMayNotAssign checks that a read of the whole directory has no user of another domain,
// and none of the SIDs that a logon would drop, such as Administrators and labels (D-10, D-15). It names them.
func TestReadDropsSIDsThatDirectoryMayNotAssign(t *testing.T) {
	entry := func(class, name string, id sid.SID, history ...string) map[string][]string {
		e := map[string][]string{"dn": {"CN=" + name + ",DC=corp"}, "objectClass": {class}, "sAMAccountName": {name},
			"objectSid": {id.Binary()}, "groupType": {"-2147483646"}}
		for _, h := range history {
			e["sIDHistory"] = append(e["sIDHistory"], sid.MustParse(h).Binary())
		}
		return e
	}
	const former, administrators, system, high = "S-1-5-21-9-9-9-1500", "S-1-5-32-544", "S-1-5-18", "S-1-16-12288"
	u := entry("user", "u", domain.WithRID(1104), former, administrators, system, high)
	u["memberOf"] = []string{"CN=g,DC=corp", "CN=system,DC=corp"}
	f := &forest{entries: []map[string][]string{{"dn": {"DC=corp"}, "objectClass": {"domainDNS"},
		"objectSid": {domain.Binary()}}, entry("group", "g", domain.WithRID(2001), administrators, former),
		entry("group", "system", sid.MustParse(system)), u, entry("user", "other", sid.MustParse(former)),
		entry("user", "local", sid.MustParse(system))}}
	var p People
	check.NoError(t, f.read(&p))
	a := p.Accounts()
	check.RequireThat(t, len(a.Users) == 1 && len(a.Groups) == 1, "D-10: users %+v, groups %+v, want u and g", a.Users,
		a.Groups)
	check.Equal(t, fmt.Sprint(a.Users[0].MemberOf, a.Groups[0].MemberOf), fmt.Sprintf("[%v %s] [%s]",
		domain.WithRID(2001), former, former), "D-15: groups of u and of g")
	notes := strings.Join(p.Unresolved, "\n")
	for _, want := range []string{`"CN=u,DC=corp" had the SID ` + administrators, `"CN=u,DC=corp" had the SID ` + high,
		`"CN=g,DC=corp" had the SID ` + administrators, `"CN=other,DC=corp": ldap: the SID ` + former,
		`"CN=local,DC=corp": ldap: the SID ` + system} {
		check.That(t, strings.Contains(notes, want), "D-15: the notes have no %s:\n%s", want, notes)
	}
}

// difference returns the accounts of a whose values differ in b.
func difference(a, b *directory.Accounts) (out []any) {
	for i := range a.Users {
		if i >= len(b.Users) || !reflect.DeepEqual(a.Users[i], b.Users[i]) {
			out = append(out, a.Users[i])
		}
	}
	for i := range a.Groups {
		if i >= len(b.Groups) || !reflect.DeepEqual(a.Groups[i], b.Groups[i]) {
			out = append(out, a.Groups[i])
		}
	}
	return out
}

// TestInterruptedLDAPReadKeepsAccounts checks that an interrupted read leaves the accounts unchanged, and that the next
// complete read applies (D-22).
func TestInterruptedLDAPReadKeepsAccounts(t *testing.T) {
	f := &forest{Rand: rand.New(rand.NewPCG(1, 1)), next: 1000}
	f.entries = []map[string][]string{{"dn": {"DC=corp"}, "objectClass": {"domainDNS"}, "objectSid": {domain.Binary()}}}
	for range 20 {
		f.account()
	}
	var known People
	check.NoError(t, f.read(&known))
	was, away := known.Accounts(), errors.New("away")
	sum := was.Sum()
	for _, e := range f.entries[1:] {
		e["sAMAccountName"] = []string{e["dn"][0][3:5] + "x"}
	}
	err := known.Read(func(add func(*goldap.Entry) error) error { return errors.Join(f.forEach(add), away) })
	check.That(t, errors.Is(err, away) && known.Accounts() == was && known.Accounts().Sum() == sum,
		"D-22: %v, want the error and the same accounts as before", err)
	var fresh People
	check.NoError(t, errors.Join(f.read(&known), f.read(&fresh)))
	check.That(t, known.Accounts().Sum() == fresh.Accounts().Sum(),
		"D-22: the next read has other accounts, want those of a fresh one")
	f.entries = append(f.entries, map[string][]string{"dn": {"CN=odd,DC=corp"}, "objectClass": {"user"},
		"sAMAccountName": {"odd"}, "objectSid": {domain.WithRID(9).Binary()}, "uidNumber": {"-3"}, "gidNumber": {"x"}})
	check.NoError(t, f.read(&known))
	users := known.Accounts().Users
	odd, notes := users[len(users)-1], fmt.Sprint(known.Unresolved)
	check.That(t, odd.Name == "odd" && !odd.UID.Known && !odd.GID.Known && strings.Contains(notes, `gidnumber "x"`),
		"D-40: %+v, %s", odd, notes)
	f.entries[len(f.entries)-1]["level"] = []string{"high"}
	group := map[string][]string{"dn": {"CN=claimed,DC=corp"}, "objectClass": {"group"}, "sAMAccountName": {"claimed"},
		"objectSid": {domain.WithRID(10).Binary()}, "groupType": {"-2147483646"}, "level": {"high"}}
	f.entries = append(f.entries, group)
	check.NoError(t, f.read(&known))
	users, groups := known.Accounts().Users, known.Accounts().Groups
	notes = fmt.Sprint(known.Unresolved)
	check.That(t, users[len(users)-1].Name != "odd" && groups[len(groups)-1].Name == "claimed" &&
		strings.Contains(notes, `"CN=odd,DC=corp": ldap: the claim level is not a number`),
		"D-40: a user with a claim that is no number: %+v, %s, want no user odd", users[len(users)-1], notes)
	var none People
	check.NoError(t, none.Read(func(func(*goldap.Entry) error) error { return nil }))
	check.That(t, none.Accounts() != nil, "D-22: a read of no entries has no accounts, want an empty list")
}

// generated is a server with n accounts, each in five of a thousand groups, which it generates page
// by page.
func generated(t testing.TB, n int) *fake {
	const groups = 1000
	f := serve(t, nil)
	w := newWorld()
	f.search = func(a asked) (out [][]byte) {
		if a.base == "" {
			return w.answer(a)
		}
		from := 0
		if a.cookie != "" {
			if _, err := fmt.Sscan(a.cookie, &from); err != nil {
				t.Error(err)
			}
		}
		to := min(from+page, n+groups)
		for i := from; i < to; i++ {
			out = append(out, account(a.id, i, groups))
		}
		more := goldap.NewControlPaging(0)
		if to < n+groups {
			more.SetCookie([]byte(fmt.Sprint(to)))
		}
		return append(out, done(a.id, goldap.ApplicationSearchResultDone, 0, more))
	}
	return f
}

// account encodes the entry of a group for i below groups, and of a user otherwise.
func account(id int64, i, groups int) []byte {
	dn := func(g int) string { return fmt.Sprintf("CN=group %d,OU=groups,%s", g%groups, base) }
	if i < groups {
		of := []string{}
		if i >= 10 {
			of = append(of, dn(i/10))
		}
		return found(id, dn(i), map[string][]string{"objectClass": {"top", "group"},
			"objectSid": {domain.WithRID(uint32(2000 + i)).Binary()}, "sAMAccountName": {fmt.Sprint("group", i)},
			"groupType": {"-2147483646"}, "memberOf": of})
	}
	var of []string
	for k := range 5 {
		of = append(of, dn(i*(k+3)))
	}
	return found(id, fmt.Sprintf("CN=user %d,OU=people,%s", i, base), map[string][]string{
		"objectClass": {"top", "person", "organizationalPerson", "user"},
		"objectSid":   {domain.WithRID(uint32(10000 + i)).Binary()}, "sAMAccountName": {fmt.Sprint("user", i)},
		"userAccountControl": {"512"}, "primaryGroupID": {"513"}, "memberOf": of, "department": {"Sales"},
		"uidNumber": {fmt.Sprint(10000 + i)}})
}

// TestPeopleReadsEachAccountOnce reads all pages of a directory: each account once, with its groups (D-22, D-5).
func TestPeopleReadsEachAccountOnce(t *testing.T) {
	const n = 600
	f := generated(t, n)
	d := f.directory(func(c *Config) { c.Claims = map[string]Claim{"department": {"department", 3}} })
	var list People
	check.NoError(t, d.People(context.Background(), &list))
	text := dirfile.Write(list.Accounts())
	users, groups := len(list.Accounts().Users), len(list.Accounts().Groups)
	if users != n || groups != 1000 || len(list.Unresolved) != 0 {
		t.Fatalf("D-22: %d users, %d groups, unresolved %.300q, want %d users, 1000 groups, nothing unresolved", users,
			groups, list.Unresolved, n)
	}
	dir := check.Must(dirfile.Read(text))
	p := dir.Account("user1599")
	check.RequireThat(t, p != nil && p.Token.Member(domain.WithRID(uint32(2000+(1599*3)%1000)), false), "D-22: %+v", p)
	if c, ok := p.Token.UserClaims().Lookup("department"); !ok || strings.Join(c.Strings, "") != "Sales" {
		t.Errorf("D-22: %+v", c)
	}
	d = f.directory(func(c *Config) { c.Limits.Entries = n })
	err := d.People(context.Background(), &list)
	check.That(t, err != nil, "D-5: more entries than the limit: no error, want one")
}

// TestPersonParseAllocatesAtMost60Times checks the number of allocations for one exported account: the entry's fields
// and the list.
func TestPersonParseAllocatesAtMost60Times(t *testing.T) {
	e := &entry{DN: "CN=user,OU=people," + base}
	for name, value := range map[string]string{"objectClass": "user", "objectSid": domain.WithRID(7).Binary(),
		"sAMAccountName": "user", "userAccountControl": "512", "primaryGroupID": "513", "memberOf": "CN=a," + base} {
		e.add(name, value)
	}
	var list People
	if got := testing.AllocsPerRun(100, func() {
		check.NoError(t, check.Err(list.parse((*goldap.Entry)(e))))
	}); got > 60 {
		t.Errorf("an account takes %.0f allocations, want at most 60", got)
	}
}
