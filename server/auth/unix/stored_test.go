package unix_test

import (
	"os"
	"testing"

	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestStored: a peer is the account that has its uid, a disabled account gets no
// token, an administrator the limited one (L-7), and 65534 is Anonymous (L-25).
func TestStored(t *testing.T) {
	s, err := lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	alice, out := uint32(4711), uint32(4712)
	var id sid.SID
	if err := s.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		id = e.AddAccount(lsa.Account{Name: "alice", UID: &alice})
		e.AddAccount(lsa.Account{Name: "out", UID: &out, Disabled: true})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	identity := unix.Stored{Store: s}
	tok, err := identity.Token(&unix.Peer{UID: alice, GID: 100}, 0x12345)
	if err != nil || tok.User().SID != id || tok.AuthenticationID() != 0x12345 || tok.Type() != winnt.TokenPrimary {
		t.Errorf("alice is %v, %v", tok, err)
	}
	if _, err := identity.Token(&unix.Peer{UID: out}, 1); err == nil {
		t.Error("a disabled account got a token")
	}
	me, err := identity.Token(&unix.Peer{UID: uint32(os.Getuid())}, 0x12346)
	if err != nil || me.IsAdmin() || me.ElevationType() != winnt.TokenElevationTypeDefault {
		t.Errorf("the administrator's token: %v, %v", me, err)
	}
	anonymous, err := identity.Token(&unix.Peer{UID: 65534}, 0x12347)
	if err != nil || anonymous.User().SID != sid.Anonymous || anonymous.Type() != winnt.TokenPrimary {
		t.Errorf("65534 is %v, %v", anonymous, err)
	}
}
