package auth_test

import (
	"context"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth"
	"github.com/refmon/refmon/server/auth/password"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestPackageAcceptsOnlyItsEvidence checks that each package accepts its own kind of evidence and passes on all other
// kinds. A peer that sends a name must prove that name (L-19).
func TestPackageAcceptsOnlyItsEvidence(t *testing.T) {
	s, err := lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{},
		Password: lsa.Hashing{Memory: 8, Passes: 1}})
	check.NoError(t, err)
	defer s.Close()
	var alice sid.SID
	check.NoError(t, s.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		alice = e.AddAccount(lsa.Account{Name: "alice"})
		return e.SetPassword("alice", "secret")
	}))
	peer := &auth.Peer{Known: true, UID: 4711, GIDs: []uint32{4711}}
	network := winnt.LOGON32_LOGON_NETWORK
	for i, c := range []struct {
		e    auth.Evidence
		want ntstatus.Status
		user sid.SID
	}{
		{auth.Evidence{Peer: peer}, 0, sid.MustParse("S-1-22-1-4711")},
		{auth.Evidence{Name: "alice", Password: "secret", Type: network}, 0, alice},
		{auth.Evidence{Peer: peer, Name: "alice", Password: "secret", Type: network}, 0, alice},
		{auth.Evidence{Peer: peer, Name: "alice", Type: network}, ntstatus.LogonFailure, sid.SID{}},
		{auth.Evidence{Peer: peer, Name: "alice", Password: "guess", Type: network}, ntstatus.LogonFailure, sid.SID{}},
		{auth.Evidence{Peer: peer, Password: "secret", Type: network}, ntstatus.NoSuchPackage, sid.SID{}},
		{auth.Evidence{Type: network}, ntstatus.NoSuchPackage, sid.SID{}},
		{auth.Evidence{Peer: &auth.Peer{}}, ntstatus.NoSuchPackage, sid.SID{}}, // it has the uid of root
		{auth.Evidence{}, ntstatus.NoSuchPackage, sid.SID{}},
	} {
		r, st := auth.First(context.Background(), c.e, unix.New(s), password.New(s))
		check.That(t, st == c.want && r.Token.User.SID == c.user,
			"%d: %v is %v, want %v", i, st, r.Token.User.SID, c.want)
	}
}
