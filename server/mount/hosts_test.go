package mount

import (
	"context"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/sid"
)

// host has a user with two groups, and a user whose groups cannot be read.
type host struct{}

func (host) GroupsOf(_ context.Context, uid uint32) ([]uint32, bool) {
	if uid == 1 {
		return []uint32{10, 20}, true
	}
	return nil, uid != 2
}

// TestAccountGetsHostAndProgramGroups checks that a user has the host's groups and those of its program, and a uid
// without a name only the latter (M-2). A user without complete groups or without a uid is rejected (M-3).
func TestAccountGetsHostAndProgramGroups(t *testing.T) {
	a := Hosted{Peers: unix.Accounts{}, Hosts: host{}}
	for _, c := range []struct {
		uid, gid uint32
		user     string
		groups   []string
	}{
		{1, 30, "S-1-22-1-1", []string{"S-1-22-2-30", "S-1-22-2-10", "S-1-22-2-20"}},
		{3, 30, "S-1-22-1-3", []string{"S-1-22-2-30"}},
		{0, 0, "S-1-22-1-0", []string{"S-1-22-2-0"}},
		{65534, 65534, "S-1-5-7", nil},
	} {
		r, err := a.LogOn(c.uid, c.gid)
		check.That(t, err == nil && r.Token.User.SID.String() == c.user,
			"M-2: uid %d: %v, %v, want %v, nil", c.uid, r.Token.User.SID, err, c.user)
		var got []string
		for _, g := range r.Token.Groups {
			if s := g.SID.String(); g.SID.Authority() == 22 {
				got = append(got, s)
			}
		}
		check.That(t, slices.Equal(got, c.groups), "M-2: uid %d: %v, want %v", c.uid, got, c.groups)
		check.That(t, !r.Administrator(), "M-2: uid %d is an administrator", c.uid)
	}
	for name, f := range map[string]func() (logon.Result, error){
		"half of the groups": func() (logon.Result, error) { return a.LogOn(2, 2) },
		"no uid":             func() (logon.Result, error) { return a.LogOn(unattributed, 0) },
		"the zero value":     func() (logon.Result, error) { return Hosted{}.LogOn(1, 1) },
	} {
		if r, err := f(); err == nil {
			t.Errorf("M-3: %s: %v", name, r.Token.User.SID)
		}
	}
	if _, ok := (HostOwners{}).UID(sid.LocalSystem); ok {
		t.Error("M-12: the system has a uid of the host")
	}
	if uid, ok := (HostOwners{}).UID(sid.MustParse("S-1-22-1-7")); !ok || uid != 7 {
		t.Errorf("M-12: %d, %t, want 7, true", uid, ok)
	}
}
