package lsa

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestLists: each list in full: its heads, an account of each state, a group without a member and with several, a
// member without a name, rights of both kinds; in the order of RIDs and SIDs.
func TestLists(t *testing.T) {
	f := open(t, nil)
	alice := f.account(t, Account{Name: "alice", UID: number(3000), FullName: "Alice \x1b[31m"}, "correct")
	machine := alice.Prefix()
	f.account(t, Account{Name: "bare"}, "")
	f.account(t, Account{Name: "off", Disabled: true}, "correct")
	f.account(t, Account{Name: "shut"}, "correct")
	f.account(t, Account{Name: "offshut", Disabled: true}, "correct")
	for range 10 {
		for _, name := range []string{"SHUT", "offshut"} {
			f.LogonPassword(name, "guess", network)
		}
	}
	stranger := sid.MustParse("S-1-5-21-9-8-7-1000")
	f.must(t, func(e *Edit) error {
		e.AddGroup(Group{Name: "empty", GID: number(66)})
		e.AddGroup(Group{Name: "team", GID: number(77), Members: []sid.SID{alice, stranger, sid.Everyone}})
		e.Grant(stranger, winnt.SeBackupPrivilege.Bit(), logon.SeBatchLogonRight)
		return nil
	})
	for what, list := range map[string]struct {
		write func(*strings.Builder) error
		want  []string
	}{
		"accounts": {func(b *strings.Builder) error { return f.ListAccounts(b) }, []string{"NAME SID UID STATE FULL NAME",
			"alice M-1001 3000 active Alice \uFFFD[31m", "bare M-1002 - no password -", "off M-1003 - disabled -",
			"shut M-1004 - locked out -", "offshut M-1005 - disabled -"}},
		"groups": {func(b *strings.Builder) error { return f.ListGroups(b) }, []string{"GROUP SID GID MEMBER MEMBER'S SID",
			"empty M-1006 66 - -", `team M-1007 77 HOST\alice M-1001`, "team M-1007 77 - S-1-5-21-9-8-7-1000",
			"team M-1007 77 Everyone S-1-1-0"}},
		"rights": {func(b *strings.Builder) error { return f.ListRights(b) }, []string{"WHO SID RIGHTS",
			"- S-1-5-21-9-8-7-1000 SeBackupPrivilege SeBatchLogonRight"}},
	} {
		var b strings.Builder
		if err := list.write(&b); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(strings.ReplaceAll(b.String(), machine.String(), "M")) {
			line = strings.Join(strings.Fields(line), " ")
			// Groups and rights that a new computer has are those of TestShippedRights.
			if !strings.Contains(line, " S-1-5-32-") && !strings.Contains(line, " S-1-1-0 Se") &&
				!strings.Contains(line, `NT AUTHORITY\`) {
				got = append(got, line)
			}
		}
		if !slices.Equal(got, list.want) {
			t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(list.want, "\n"))
		}
	}
}

// TestMembersGoOneByOne: each of four members goes from its place, by its own removal and with its account, and the
// others stay in their order.
func TestMembersGoOneByOne(t *testing.T) {
	for gone := range 4 {
		for _, deleted := range []bool{false, true} {
			f := open(t, nil)
			var all []sid.SID
			for i := range 4 {
				all = append(all, f.account(t, Account{Name: fmt.Sprint("u", i)}, ""))
			}
			var group sid.SID
			f.must(t, func(e *Edit) error { group = e.AddGroup(Group{Name: "team", Members: all}); return nil })
			f.must(t, func(e *Edit) error {
				if deleted {
					return e.DeleteAccount(fmt.Sprint("U", gone))
				}
				return e.RemoveMember(group, all[gone])
			})
			want := slices.Delete(slices.Clone(all), gone, gone+1)
			if got := f.now.Load().groups[group].Members; !slices.Equal(got, want) {
				t.Errorf("without %d there are %v, want %v", gone, got, want)
			}
			f.reopen(t)
			if got := f.now.Load().groups[group].Members; !slices.Equal(got, want) {
				t.Errorf("on disk, without %d, there are %v, want %v", gone, got, want)
			}
		}
	}
}

// TestSubordinateBeforeAll: an id that became subordinate is neither its account's nor its group's, nor a map's; the
// one beside it is (L-24).
func TestSubordinateBeforeAll(t *testing.T) {
	f := open(t, nil)
	domain := sid.MustParse("S-1-5-21-9-8-7")
	f.account(t, Account{Name: "alice", UID: number(5000)}, "")
	beside := f.account(t, Account{Name: "beside", UID: number(6000)}, "")
	var other sid.SID
	f.must(t, func(e *Edit) error {
		e.AddGroup(Group{Name: "team", GID: number(5000)})
		other = e.AddGroup(Group{Name: "other", GID: number(4999)})
		e.SetMaps([]IDMap{{Domain: domain, Name: "CORP", Low: 7000, High: 7999}})
		return nil
	})
	subuids(t, f, "root:5000:1000\n")
	for _, c := range []struct {
		got, want sid.SID
	}{{f.UserSID(5000), fileaccess.UnixUser(5000)}, {f.GroupSID(5000), fileaccess.UnixGroup(5000)},
		{f.UserSID(5999), fileaccess.UnixUser(5999)}, {f.GroupSID(5999), fileaccess.UnixGroup(5999)},
		{f.UserSID(6000), beside}, {f.GroupSID(4999), other}, {f.GroupSID(7000), domain.WithRID(0)},
		{f.UserSID(7999), domain.WithRID(999)}, {f.UserSID(8000), fileaccess.UnixUser(8000)}} {
		if c.got != c.want {
			t.Errorf("L-24: %v, want %v", c.got, c.want)
		}
	}
}
