package lsa

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestNewStoreHasBuiltinGroupsOnly checks that a new store has the built-in groups with their members, no accounts
// (L-21), and its own machine SID.
func TestNewStoreHasBuiltinGroupsOnly(t *testing.T) {
	f := open(t, func(c *Config) { // an empty file is a new store
		check.NoError(t, os.WriteFile(filepath.Join(c.Folder, File), nil, 0o600))
	})
	owner := fileaccess.UnixUser(uint32(os.Getuid()))
	want := map[string][]sid.SID{"Administrators S-1-5-32-544": {owner},
		"Users S-1-5-32-545": {sid.AuthenticatedUsers, sid.Interactive}, "Guests S-1-5-32-546": nil,
		"Power Users S-1-5-32-547": nil, "Backup Operators S-1-5-32-551": nil, "Remote Desktop Users S-1-5-32-555": nil}
	st := f.now.Load()
	for id, g := range st.groups {
		members, ok := want[g.Name+" "+id.String()]
		check.That(t, ok && g.SID == id && g.GID == nil && slices.Equal(g.Members, members),
			"L-21: group %v is %+v, want members %v and no gid", id, g, members)
	}
	if len(st.groups) != len(want) || len(st.accounts) != 0 || len(st.maps) != 0 || st.next != 1001 || st.policy != "" {
		t.Errorf("L-21: a new store has %d groups, %+v, want %d and nothing else", len(st.groups), st, len(want))
	}
	parts := map[uint32]bool{}
	for range 3 {
		m := open(t, nil).Computer()
		check.That(t, m.SID.Authority() == 5 && m.SID.SubAuthorities() == 4 && m.SID.Sub(0) == 21,
			"the SID of a machine is %v, want S-1-5-21 and three more numbers", m.SID)
		for i := range 3 {
			parts[m.SID.Sub(1+i)] = true
		}
		want := logon.Account{SID: m.SID, Use: winnt.SidTypeDomain, Domain: "HOST", DomainSID: m.SID}
		check.Equal(t, m, want, "a machine")
	}
	check.That(t, len(parts) >= 9, "three machines have %d numbers, want at least 9", len(parts))
	if info, err := os.Stat(filepath.Join(f.cfg.Folder, File)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the store: %v, %v, want mode 0600, no error", info, err)
	}
}

// TestOwnerIsAdministrator checks that the administrator of a new store is the uid that owns its folder, not its gid
// or the uid that opens it (L-21).
func TestOwnerIsAdministrator(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a folder of another user is made by root alone")
	}
	cfg := Config{Folder: t.TempDir(), Computer: "host", Password: cheap, Subuids: []string{}}
	check.NoError(t, os.Chown(cfg.Folder, 4321, 4322))
	s := check.Must(Open(cfg))
	defer s.Close()
	if got := s.now.Load().groups[sid.Administrators].Members; !slices.Equal(got, []sid.SID{fileaccess.UnixUser(4321)}) {
		t.Errorf("L-21: members of Administrators %v, want uid 4321 alone", got)
	}
}
