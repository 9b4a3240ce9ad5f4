package lsa

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestExpandFindsEachGroupOnce checks that nested groups are expanded, each once and in the order of discovery (L-20).
func TestExpandFindsEachGroupOnce(t *testing.T) {
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
		st.groups[home.WithRID(group)] = Group{Name: fmt.Sprintf("g%08d", group), SID: home.WithRID(group),
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
		all, beyond := st.expand(id(c.of...)), st.containingGroups(id(c.of...))
		check.That(t, slices.Equal(all[:len(all):len(all)][:min(len(all), 1)], id(c.of...)[:min(len(c.of), 1)]),
			"L-20: expand(%v) = %v, want its first one first", c.of, all)
		slices.SortFunc(all, sid.SID.Compare)
		slices.SortFunc(beyond, sid.SID.Compare)
		check.That(t, slices.Equal(all, id(c.all...)) && slices.Equal(beyond, id(c.beyond...)),
			"L-20: of %v: %v and beyond %v, want %v and %v", c.of, all, beyond, c.all, c.beyond)
	}
	if st.names["SEVEN"] != home.WithRID(7) || st.names["G00000040"] != home.WithRID(40) || st.uids[70] != 7 ||
		st.gids[140] != home.WithRID(40) || len(st.names) != 8 || len(st.uids) != 1 || len(st.gids) != 7 {
		t.Errorf("the index is %v, %v, %v", st.names, st.uids, st.gids)
	}
	if _, ok := st.account(corp.WithRID(7)); ok {
		t.Error("account of another domain's SID: found, want none")
	}
}

// TestAccountListsPrintEveryState checks the complete output of each list: the header, an account of each state, groups
// without and with members, a member without a name, and rights of both kinds, sorted by RID and SID.
func TestAccountListsPrintEveryState(t *testing.T) {
	f := open(t, nil)
	alice := f.account(t, Account{Name: "alice", UID: number(3000), FullName: "Alice \x1b[31m"}, "correct")
	machine := alice.Prefix()
	f.account(t, Account{Name: "bare"}, "")
	f.account(t, Account{Name: "off", Disabled: true}, "correct")
	f.account(t, Account{Name: "shut"}, "correct")
	f.account(t, Account{Name: "offshut", Disabled: true}, "correct")
	for i := range lockAfter {
		for _, name := range []string{"SHUT", "offshut"} {
			f.from(fmt.Sprint("o", i), name, "guess")
		}
	}
	stranger := sid.MustParse("S-1-5-21-9-8-7-1000")
	f.must(t, func(e *Edit) error {
		e.AddGroup(Group{Name: "empty", GID: number(4200000000)})
		e.AddGroup(Group{Name: "team", GID: number(77), Members: []sid.SID{alice, stranger, sid.Everyone}})
		e.Grant(stranger, winnt.SeBackupPrivilege.Bit(), logon.SeBatchLogonRight)
		e.Grant(sid.MustParse("S-1-5-21-9-8-7-999"), 0, 0) // an entry without a right, before the other one
		return nil
	})
	_, closed := io.Pipe()
	check.NoError(t, closed.Close())
	for what, list := range map[string]struct {
		write func(io.Writer) error
		want  []string
	}{
		"accounts": {f.ListAccounts, []string{"NAME SID UID STATE FULL NAME",
			"alice M-1001 3000 active Alice \uFFFD[31m", "bare M-1002 - no password -", "off M-1003 - disabled -",
			"shut M-1004 - locked out -", "offshut M-1005 - disabled -"}},
		"groups": {f.ListGroups, []string{"GROUP SID GID MEMBER MEMBER'S SID",
			"empty M-1006 4200000000 - -", `team M-1007 77 HOST\alice M-1001`, "team M-1007 77 - S-1-5-21-9-8-7-1000",
			"team M-1007 77 Everyone S-1-1-0"}},
		"rights": {f.ListRights, []string{"WHO SID RIGHTS",
			"- S-1-5-21-9-8-7-1000 SeBackupPrivilege SeBatchLogonRight"}},
	} {
		var b strings.Builder
		check.NoError(t, list.write(&b))
		check.ErrorIs(t, list.write(closed), io.ErrClosedPipe, "the %s in a closed pipe", what)
		var got []string
		for line := range strings.Lines(strings.ReplaceAll(b.String(), machine.String(), "M")) {
			line = strings.Join(strings.Fields(line), " ")
			// TestNewStoreGrantsWindowsDefaultRights checks the groups and rights of a new store.
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

// TestAccountListAlignsWideNames checks that the second column starts at the same terminal column in the heading and in
// the row of a name with fullwidth characters, which take two columns each.
func TestAccountListAlignsWideNames(t *testing.T) {
	f := open(t, nil)
	f.account(t, Account{Name: "山田太郎"}, "")
	var b strings.Builder
	check.NoError(t, f.ListAccounts(&b))
	check.That(t, strings.HasPrefix(b.String(), "NAME      SID ") && strings.Contains(b.String(), "\n山田太郎  S-1-"),
		"list:\n%s", b.String())
}
