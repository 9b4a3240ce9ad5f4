package logon_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestAddedGroups: a group that the caller of a logon adds has the attributes that it was given, 0 of which are those
// of a disabled one, and stands behind the groups of every logon, in each token; the caller's list is left alone
// (T-144).
func TestAddedGroups(t *testing.T) {
	for _, a := range []uint32{0, winnt.SE_GROUP_ENABLED, winnt.SE_GROUP_ENABLED_BY_DEFAULT, token.GroupDefault,
		winnt.SE_GROUP_USE_FOR_DENY_ONLY, winnt.SE_GROUP_OWNER | winnt.SE_GROUP_ENABLED} {
		for _, own := range [][]string{{users}, {users, "S-1-5-32-544"}} {
			more := []token.Group{{SID: sid.MustParse(team), Attributes: a}}
			r, st := logon.Compose(person(allRights, own...), winnt.LOGON32_LOGON_INTERACTIVE, more...)
			if st != ntstatus.Success || more[0].Attributes != a {
				t.Fatal(st, more)
			}
			if len(own) == 2 != (r.Linked != nil) {
				t.Errorf("T-144: groups %v: a linked token: %t", own, r.Linked != nil)
			}
			for _, s := range []*token.Spec{&r.Token, r.Linked} {
				if s == nil {
					continue
				}
				tok, err := token.New(*s)
				if err != nil {
					t.Fatal(err)
				}
				var last token.Group
				for _, g := range tok.Groups() {
					if g.Attributes&winnt.SE_GROUP_INTEGRITY == 0 {
						last = g
					}
				}
				if last.SID != sid.MustParse(team) || last.Attributes != a {
					t.Errorf("T-144: groups %v: the last group is %v with %#x, want %#x", own, last.SID, last.Attributes, a)
				}
				if got, want := tok.Member(last.SID, false), a&winnt.SE_GROUP_ENABLED != 0; got != want {
					t.Errorf("T-144: %#x: enabled %t, want %t", a, got, want)
				}
			}
		}
	}
}

// TestAdministratorOfEachToken: a result is an administrator's where one of its tokens is SYSTEM's or has
// Administrators enabled, whatever else it has.
func TestAdministratorOfEachToken(t *testing.T) {
	plain := func(s sid.SID, groups ...token.Group) *token.Spec {
		return &token.Spec{User: token.Group{SID: s}, Groups: groups}
	}
	user := sid.MustParse(alice)
	group := func(s sid.SID, a uint32) token.Group { return token.Group{SID: s, Attributes: a} }
	type row struct {
		spec *token.Spec
		want bool
	}
	rows := []row{{nil, false}, {plain(user), false}, {plain(sid.LocalSystem), true}, {plain(sid.Administrators), false},
		{plain(user, group(sid.LocalSystem, token.GroupDefault)), false},
		{plain(user, group(sid.Users, token.GroupDefault), group(sid.Administrators, 0)), true}}
	for _, a := range []uint32{token.GroupDisabled, winnt.SE_GROUP_ENABLED, winnt.SE_GROUP_ENABLED_BY_DEFAULT,
		token.GroupDefault, winnt.SE_GROUP_USE_FOR_DENY_ONLY, winnt.SE_GROUP_OWNER,
		token.GroupDefault | winnt.SE_GROUP_OWNER} {
		rows = append(rows, row{plain(user, group(sid.Administrators, a)), a&winnt.SE_GROUP_ENABLED != 0},
			row{plain(user, group(sid.BackupOperators, a)), false})
	}
	for i, first := range rows[1:] {
		for j, second := range rows {
			r := logon.Result{Token: *first.spec, Linked: second.spec}
			if got := r.Administrator(); got != (first.want || second.want) {
				t.Errorf("%s: %t", fmt.Sprint(i, " and ", j), got)
			}
		}
	}
}
