package lsa

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestWhoseName: a name that several have is the one's who comes first: well-known, this computer's, a domain's of an
// id map, a user's of the host, a group's of the host; a domain before it says whose (L-12, L-13).
func TestWhoseName(t *testing.T) {
	f, _ := openWatched(t, nil)
	machine := f.Computer().SID
	f.account(t, Account{Name: "wheel"}, "")
	carol := f.account(t, Account{Name: "carol", UID: number(3000)}, "")
	f.account(t, Account{Name: "corp"}, "")
	f.account(t, Account{Name: "host"}, "")
	var staff, team sid.SID
	f.must(t, func(e *Edit) error {
		staff, team = e.AddGroup(Group{Name: "HOME"}), e.AddGroup(Group{Name: "team of 50", GID: number(24)})
		return nil
	})
	for _, c := range []struct {
		name string
		want sid.SID // zero for unknown
	}{
		{"both", fileaccess.UnixUser(11)}, {`Unix User\both`, fileaccess.UnixUser(11)},
		{`unix group\both`, fileaccess.UnixGroup(21)}, {"both@unix group", fileaccess.UnixGroup(21)},
		{"overflow", fileaccess.UnixGroup(23)}, {"wheel", machine.WithRID(1001)}, {`.\wheel`, machine.WithRID(1001)},
		{`Unix Group\wheel`, fileaccess.UnixGroup(22)}, {`Unix User\carol`, carol}, {"team", team},
		{`Unix Group\team`, team}, {"corp", machine.WithRID(1003)}, {"home", staff}, {"host", machine},
		{`HOST\host`, machine.WithRID(1004)}, {`host\HOME`, staff}, {`HOME\host`, sid.SID{}}, {`BUILTIN\HOME`, sid.SID{}},
		{`.\administrators`, sid.Administrators}, {`HOST\Administrators`, sid.SID{}}, {`BUILTIN\wheel`, sid.SID{}},
		{`CORP\wheel`, sid.SID{}}, {`.\both`, sid.SID{}}, {`HOST\dora`, sid.SID{}}, {`Unix User\`, sid.SID{}},
		{`Unix Group\dora`, sid.SID{}}, {`Unix User\wheel`, sid.SID{}}, {`.\HOST`, machine.WithRID(1004)},
	} {
		a, ok := f.LookupName(c.name)
		if ok == c.want.IsZero() || a.SID != c.want {
			t.Errorf("L-13: %s is %+v, want %v", c.name, a, c.want)
		}
		if !ok && a != (logon.Account{}) {
			t.Errorf("L-12: %s is unknown, and %+v", c.name, a)
		}
	}
	if err := f.Update(sid.LocalSystem, func(e *Edit) error { return e.DeleteAccount("corp") }); err != nil {
		t.Fatal(err)
	}
	want := logon.Account{SID: corp, Use: winnt.SidTypeDomain, Domain: "CORP", DomainSID: corp}
	for _, got := range []func() (logon.Account, bool){func() (logon.Account, bool) { return f.LookupName("Corp") },
		func() (logon.Account, bool) { return f.LookupSID(corp) }} {
		if a, ok := got(); !ok || a != want {
			t.Errorf("L-13: a domain of an id map is %+v, %t", a, ok)
		}
	}
}

// TestAccountsOfSIDs: all that is told of a SID, by a look-up and to a record, which does not ask the host (L-14).
func TestAccountsOfSIDs(t *testing.T) {
	f, _ := openWatched(t, nil)
	alice := f.account(t, Account{Name: "alice", UID: number(3000), FullName: "A", Disabled: true}, "")
	var staff sid.SID
	f.must(t, func(e *Edit) error { staff = e.AddGroup(Group{Name: "staff"}); return nil })
	m := alice.Prefix()
	f.greet(logon.Account{SID: home.WithRID(9), Use: winnt.SidTypeUser, Domain: "HOME", DomainSID: home, Name: "zoe"})
	users, unixGroup := sid.MustParse("S-1-22-1"), sid.MustParse("S-1-22-2")
	for _, c := range []struct {
		id        sid.SID
		use       winnt.SIDNameUse
		domain    string
		domainSID sid.SID
		name      string
		record    bool
	}{
		{alice, winnt.SidTypeUser, "HOST", m, "alice", true}, {staff, winnt.SidTypeAlias, "HOST", m, "staff", true},
		{sid.Administrators, winnt.SidTypeAlias, "BUILTIN", sid.Administrators.Prefix(), "Administrators", true},
		{sid.Everyone, winnt.SidTypeWellKnownGroup, "", sid.SID{}, "Everyone", true},
		{m, winnt.SidTypeDomain, "HOST", m, "", false}, {m.WithRID(513), winnt.SidTypeGroup, "HOST", m, "None", false},
		{fileaccess.UnixUser(11), winnt.SidTypeUser, "Unix User", users, "both", false},
		{fileaccess.UnixGroup(21), winnt.SidTypeGroup, "Unix Group", unixGroup, "both", false},
		{users, winnt.SidTypeDomain, "Unix User", users, "", false},
		{unixGroup, winnt.SidTypeDomain, "Unix Group", unixGroup, "", false},
		{home, winnt.SidTypeDomain, "HOME", home, "", false},
		{home.WithRID(9), winnt.SidTypeUser, "HOME", home, "zoe", true},
	} {
		want := logon.Account{SID: c.id, Use: c.use, Domain: c.domain, DomainSID: c.domainSID, Name: c.name}
		if a, ok := f.LookupSID(c.id); !ok || a != want {
			t.Errorf("L-14: %v is %+v, %t, want %+v", c.id, a, ok, want)
		}
		name, domain, ok := f.Account(c.id)
		if ok != c.record || ok && (name != c.name || domain != c.domain) || !ok && name+domain != "" {
			t.Errorf("%v is to a record %q of %q, %t", c.id, name, domain, ok)
		}
	}
	for _, id := range []sid.SID{m.WithRID(512), m.WithRID(514), m.WithRID(1003), home.WithRID(10), home.WithRID(513),
		corp.WithRID(1), fileaccess.UnixUser(21), fileaccess.UnixGroup(11), {}} {
		if a, ok := f.LookupSID(id); ok {
			t.Errorf("L-14: %v is %+v", id, a)
		}
	}
	if a, _ := f.LookupSID(fileaccess.UnixUser(77)); a.Name != "" {
		t.Errorf("L-14: an unknown user is %+v", a)
	}
}

// TestSIDOfText: a text is a SID in its one spelling, else a name.
func TestSIDOfText(t *testing.T) {
	f, _ := openWatched(t, nil)
	for text, want := range map[string]string{"S-1-5-18": "S-1-5-18", "S-1-22-1-7": "S-1-22-1-7", "Everyone": "S-1-1-0",
		"dora": "S-1-22-1-12", "BA": "", "s-1-5-18": "", "S-1-5-018": "", "": "", "zoe": ""} {
		id, err := f.SID(text)
		if want == "" && (err == nil || !id.IsZero() || !strings.Contains(err.Error(),
			": no account or group has that name: write its SID")) || want != "" && (err != nil || id.String() != want) {
			t.Errorf("%q is %v, %v, want %s", text, id, err, want)
		}
	}
}

// TestGuestNames: a name is kept up to its bound and told anew when it changes; the first that is too many takes the
// place of all (L-73).
//
// +checklocksignore
func TestGuestNames(t *testing.T) {
	f, _ := openWatched(t, nil)
	greet := func(rid uint32, domain, name string) {
		f.greet(logon.Account{SID: home.WithRID(rid), Use: winnt.SidTypeUser, Domain: domain, DomainSID: home, Name: name})
	}
	long := strings.Repeat("n", logon.MaxName-5)
	for _, c := range []struct {
		domain, name string
		told         bool
	}{
		{"HOME", long, true}, {"HOME", long + "n", false}, {"HOME", "zoe", true}, {"", "zoe", false}, {"HOME", "", false},
		{"host", "zoe", false}, {"Host", "zoe", false}, {".", "zoe", false}, {"Unix Group", "zoe", false},
		{"Unix User", "zoe", false}, {"UNIX USER", "zoe", false}, {"unix group", "zoe", false}, {"HOST", "zoe", false},
		{"UNIX GROUP", "zoe", false}, {"Unix Groups", "zoe", true}, {"Unix", "zoe", true}, {"Everyone", "zoe", false},
		{"everyone", "zoe", false}, {"NT AUTHORITY", "zoe", false}, {"HOSTS", "zoe", true},
	} {
		f.guests = guests{}
		greet(1, c.domain, c.name)
		if a, ok := f.LookupSID(home.WithRID(1)); ok != c.told || ok && (a.Name != c.name || a.Domain != c.domain) {
			t.Errorf("L-73: %.9q of %q is told: %t, as %.9q", c.name, c.domain, ok, a.Name)
		}
	}
	greet(1, "HOME", "zoe")
	greet(1, "HOME", "zoe born other")
	greet(1, "", "zoe")
	if a, _ := f.LookupSID(home.WithRID(1)); a.Name != "zoe born other" {
		t.Errorf("L-73: told as %q", a.Name)
	}
	count := func() int {
		f.guests.mu.RLock()
		defer f.guests.mu.RUnlock()
		return len(f.guests.names)
	}
	f.guests = guests{}
	for i := range uint32(maxGuests) {
		greet(i, "HOME", "x")
	}
	if n := count(); n != 10_000 {
		t.Errorf("L-73: %d names", n)
	}
	greet(5, "HOME", "x") // one who is there takes no place
	if n := count(); n != 10_000 {
		t.Errorf("L-73: %d names with one twice", n)
	}
	greet(maxGuests, "HOME", "x")
	if _, ok := f.LookupSID(home.WithRID(maxGuests)); !ok || count() != 1 {
		t.Errorf("L-73: %d names with one too many", count())
	}
}

// TestExpand: the groups of SIDs, of these, and of both once, in the order in which they are met (L-20).
func TestExpand(t *testing.T) {
	id := func(n ...uint32) (all []sid.SID) {
		for _, rid := range n {
			all = append(all, home.WithRID(rid))
		}
		return all
	}
	st := &state{machine: home, groups: map[sid.SID]Group{}, accounts: map[uint32]Account{7: {Name: "Seven", RID: 7,
		UID: number(70)}}}
	// 10 is in 11, 11 in 12 and 13, 13 in 10 again; 20 is in itself; 30 in none.
	for group, members := range map[uint32][]uint32{11: {10}, 12: {11}, 13: {11}, 10: {13}, 20: {20}, 30: nil,
		40: {1, 2}} {
		st.groups[home.WithRID(group)] = Group{Name: "g" + number8(int(group)), SID: home.WithRID(group),
			Members: id(members...), GID: number(group + 100)}
	}
	st.index()
	for _, c := range []struct{ of, all, beyond []uint32 }{
		{nil, nil, nil}, {[]uint32{99}, []uint32{99}, nil}, {[]uint32{12}, []uint32{12}, nil},
		{[]uint32{10}, []uint32{10, 11, 12, 13}, []uint32{11, 12, 13}},
		{[]uint32{11}, []uint32{10, 11, 12, 13}, []uint32{10, 12, 13}},
		{[]uint32{20}, []uint32{20}, nil}, {[]uint32{30, 30}, []uint32{30}, nil},
		{[]uint32{1, 2, 1}, []uint32{1, 2, 40}, []uint32{40}}, {[]uint32{2, 40}, []uint32{2, 40}, nil},
		{[]uint32{12, 10, 1}, []uint32{1, 10, 11, 12, 13, 40}, []uint32{11, 13, 40}},
	} {
		all, beyond := st.expand(id(c.of...)), st.beyond(id(c.of...))
		if !slices.Equal(all[:len(all):len(all)][:min(len(all), 1)], id(c.of...)[:min(len(c.of), 1)]) {
			t.Errorf("L-20: of %v the first is not the first: %v", c.of, all)
		}
		slices.SortFunc(all, sid.SID.Compare)
		slices.SortFunc(beyond, sid.SID.Compare)
		if !slices.Equal(all, id(c.all...)) || !slices.Equal(beyond, id(c.beyond...)) {
			t.Errorf("L-20: of %v: %v and beyond %v, want %v and %v", c.of, all, beyond, c.all, c.beyond)
		}
	}
	if st.names["SEVEN"] != home.WithRID(7) || st.names["G00000040"] != home.WithRID(40) || st.uids[70] != 7 ||
		st.gids[140] != home.WithRID(40) || len(st.names) != 8 || len(st.uids) != 1 || len(st.gids) != 7 {
		t.Errorf("the index is %v, %v, %v", st.names, st.uids, st.gids)
	}
	if _, ok := st.account(corp.WithRID(7)); ok {
		t.Error("an account of another domain")
	}
}
