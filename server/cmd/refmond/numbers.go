package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
)

// numbers are the uids and gids that a directory file gives its accounts: uidNumber and
// gidNumber of Active Directory. It is a [lsa.Domains] for id maps of backend ad.
type numbers struct {
	now atomic.Pointer[idTable] // nil: there is no file
}

var _ lsa.Domains = (*numbers)(nil)

// idTable is a file that was read. Immutable.
type idTable struct {
	ids  [2]map[uint32]sid.SID // of users, of groups
	sids [2]map[sid.SID]uint32
	many [2]map[uint32]bool // ids of more than one account
}

// maxNumbers bounds a directory file, in bytes.
const maxNumbers = 256 << 20

// readNumbers reads a directory file; "" for none.
func readNumbers(file string) (*idTable, error) {
	if file == "" {
		return nil, nil
	}
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxNumbers {
		err = fmt.Errorf("%s is longer than %d bytes", file, maxNumbers)
	}
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	d, err := people.Read(text)
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", file, err)
	}
	t := &idTable{}
	for kind := range 2 {
		t.ids[kind], t.sids[kind] = map[uint32]sid.SID{}, map[sid.SID]uint32{}
		t.many[kind] = map[uint32]bool{}
	}
	for _, a := range d.IDs() {
		kind := 0
		if a.Group {
			kind = 1
		}
		if other, twice := t.ids[kind][a.ID]; twice && other != a.SID {
			t.many[kind][a.ID] = true
		}
		t.ids[kind][a.ID], t.sids[kind][a.SID] = a.SID, a.ID
	}
	return t, nil
}

var (
	errNoNumbers = errors.New("there is no directory file")
	errMany      = errors.New("more than one account of the directory has this id")
)

// sid returns the account of an id. An id that two accounts have is of none of them, and
// lets no user in (L-59).
func (n *numbers) sid(kind int, id uint32) (sid.SID, bool, error) {
	t := n.now.Load()
	switch {
	case t == nil:
		return sid.SID{}, false, errNoNumbers
	case t.many[kind][id]:
		return sid.SID{}, false, errMany
	}
	s, ok := t.ids[kind][id]
	return s, ok, nil
}

func (n *numbers) id(kind int, s sid.SID) (uint32, bool, error) {
	t := n.now.Load()
	if t == nil {
		return 0, false, errNoNumbers
	}
	id, ok := t.sids[kind][s]
	return id, ok, nil
}

// SIDOfUID implements [lsa.Domains].
func (n *numbers) SIDOfUID(_ context.Context, uid uint32) (sid.SID, bool, error) {
	return n.sid(0, uid)
}

// SIDOfGID implements [lsa.Domains].
func (n *numbers) SIDOfGID(_ context.Context, gid uint32) (sid.SID, bool, error) {
	return n.sid(1, gid)
}

// UIDOf implements [lsa.Domains].
func (n *numbers) UIDOf(_ context.Context, s sid.SID) (uint32, bool, error) { return n.id(0, s) }

// GIDOf implements [lsa.Domains].
func (n *numbers) GIDOf(_ context.Context, s sid.SID) (uint32, bool, error) { return n.id(1, s) }
