package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/internal/regular"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
)

// numbers maps accounts to uidNumber and gidNumber of Active Directory. It uses a directory file if
// one is configured, otherwise the directory's servers. It implements [lsa.Domains] for id maps of
// backend ad.
type numbers struct {
	now  atomic.Pointer[idTable] // nil: no file is configured
	live ldap.IDs
}

var _ lsa.Domains = (*numbers)(nil)

// idTable maps uids and gids to SIDs, as a directory file lists them. Immutable.
type idTable struct {
	ids  [2]map[uint32]sid.SID // of users, of groups; the zero SID for an id that several accounts have
	sids [2]map[sid.SID]uint32
}

// maxNumbers is the size limit of a directory file, in bytes.
const maxNumbers = 256 << 20

// readNumbers reads the uids and gids of a directory file. readNumbers returns nil and no error if file is "". A number
// that several accounts share is marked as ambiguous. If an account has several numbers, the last is used. A file
// larger than maxNumbers bytes and a malformed file are errors.
func readNumbers(file string) (*idTable, error) {
	if file == "" {
		return nil, nil
	}
	text, err := regular.Read(file, maxNumbers)
	if err != nil {
		return nil, fmt.Errorf("idNumbers: %w", err)
	}
	d, err := dirfile.Read(text)
	if err != nil {
		return nil, fmt.Errorf("idNumbers %s: %w", file, err)
	}
	t := &idTable{}
	for kind := range 2 {
		t.ids[kind], t.sids[kind] = map[uint32]sid.SID{}, map[sid.SID]uint32{}
	}
	for _, a := range d.IDs() {
		kind := 0
		if a.Group {
			kind = 1
		}
		t.sids[kind][a.SID] = a.ID
		if other, twice := t.ids[kind][a.ID]; twice && other != a.SID {
			a.SID = sid.SID{}
		}
		t.ids[kind][a.ID] = a.SID
	}
	return t, nil
}

var errMany = errors.New("more than one account of the directory has this id")

// sid returns the account of a uid or gid, as kind says. If two accounts have it, neither gets it and no user can log
// on with it (L-59).
func (t *idTable) sid(kind int, id uint32) (sid.SID, bool, error) {
	s, ok := t.ids[kind][id]
	if ok && s.IsZero() {
		return s, false, errMany
	}
	return s, ok, nil
}

// SIDOfUID returns the SID of a uid: from the file of numbers if there is one, else from the directory. It implements
// [lsa.Domains].
func (n *numbers) SIDOfUID(ctx context.Context, uid uint32) (sid.SID, bool, error) {
	if t := n.now.Load(); t != nil {
		return t.sid(0, uid)
	}
	return n.live.SIDOfUID(ctx, uid)
}

// SIDOfGID returns the SID of a gid: from the file of numbers if there is one, else from the directory. It implements
// [lsa.Domains].
func (n *numbers) SIDOfGID(ctx context.Context, gid uint32) (sid.SID, bool, error) {
	if t := n.now.Load(); t != nil {
		return t.sid(1, gid)
	}
	return n.live.SIDOfGID(ctx, gid)
}

// UIDOf returns the uid of a SID: from the file of numbers if there is one, else from the directory. It returns false
// for an unknown SID. It implements [lsa.Domains].
func (n *numbers) UIDOf(ctx context.Context, s sid.SID) (uint32, bool, error) {
	if t := n.now.Load(); t != nil {
		id, ok := t.sids[0][s]
		return id, ok, nil
	}
	return n.live.UIDOf(ctx, s)
}

// GIDOf returns the gid of a SID: from the file of numbers if there is one, else from the directory. It returns false
// for an unknown SID. It implements [lsa.Domains].
func (n *numbers) GIDOf(ctx context.Context, s sid.SID) (uint32, bool, error) {
	if t := n.now.Load(); t != nil {
		id, ok := t.sids[1][s]
		return id, ok, nil
	}
	return n.live.GIDOf(ctx, s)
}
