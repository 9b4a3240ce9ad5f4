package ldap

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/verbs/bulk/accounts"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
)

// generated is a server with so many accounts, each in five of a thousand groups, which it
// makes page by page as it is asked.
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

// account is the entry of a group, or of a user behind all groups.
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

// TestExport: all pages of a directory, each account once with its groups (D-22, D-5).
func TestExport(t *testing.T) {
	const n = 600
	f := generated(t, n)
	d := f.directory(func(c *Config) { c.Claims = map[string]Claim{"department": {"department", 3}} })
	var list accounts.List
	if err := d.People(context.Background(), &list); err != nil {
		t.Fatal(err)
	}
	text := list.YAML()
	users, groups := list.Accounts()
	if users != n || groups != 1000 || len(list.Unresolved) != 0 {
		t.Fatalf("D-22: %d users, %d groups, %.300q", users, groups, list.Unresolved)
	}
	dir, err := people.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	p := dir.Account("user1599")
	if p == nil || !p.Token.Member(domain.WithRID(uint32(2000+(1599*3)%1000)), false) {
		t.Fatalf("D-22: %+v", p)
	}
	if c, ok := p.Token.UserClaims().Lookup("department"); !ok || strings.Join(c.Strings, "") != "Sales" {
		t.Errorf("D-22: %+v", c)
	}
	d = f.directory(func(c *Config) { c.Limits.Entries = n })
	if err := d.People(context.Background(), &list); err == nil {
		t.Error("D-5: more entries than the limit")
	}
}

// TestPersonAllocates: one account of an export takes so many pieces of memory: the entry's
// fields, and what the list keeps.
func TestPersonAllocates(t *testing.T) {
	e := &entry{DN: "CN=user,OU=people," + base}
	for name, value := range map[string]string{"objectClass": "user", "objectSid": domain.WithRID(7).Binary(),
		"sAMAccountName": "user", "userAccountControl": "512", "primaryGroupID": "513", "memberOf": "CN=a," + base} {
		e.add(name, value)
	}
	d := &Directory{cfg: Config{Limits: Limits{Groups: 10}}}
	var list accounts.List
	if got := testing.AllocsPerRun(100, func() {
		if err := d.person(nil, e, &list); err != nil {
			t.Fatal(err)
		}
	}); got > 60 {
		t.Errorf("an account takes %.0f pieces of memory, want at most 60", got)
	}
}

// recorded answers a second export with the bytes of the first: the numbers of messages are
// the same on each new connection.
func recorded(f *fake) {
	made := f.search
	var mu sync.Mutex
	kept := map[string][][]byte{}
	f.search = func(a asked) [][]byte {
		mu.Lock()
		defer mu.Unlock()
		key := fmt.Sprint(a.id, a.base, a.cookie)
		if kept[key] == nil {
			kept[key] = [][]byte{slices.Concat(made(a)...)}
		}
		return kept[key]
	}
}

// BenchmarkExport is the export of 100,000 accounts (with -short, 10,000) from a recorded
// stream of answers, over TLS on the loopback; ns/op and cpu-s/op are for all of them.
func BenchmarkExport(b *testing.B) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	f := generated(b, n)
	recorded(f)
	export := func() {
		d := f.directory(nil)
		var list accounts.List
		if err := d.People(context.Background(), &list); err != nil {
			b.Fatal(err)
		}
		if text := list.YAML(); len(text) < 100*n {
			b.Fatal("no file")
		}
		_ = d.Close()
	}
	export()
	b.ReportAllocs()
	var before, after unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &before)
	for b.Loop() {
		export()
	}
	_ = unix.Getrusage(unix.RUSAGE_SELF, &after)
	spent := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(spent)/1e9/float64(b.N), "cpu-s/op")
}
