package roster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/refmon/refmon/internal/verbs/bulk/accounts"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/index"
)

// Directory is asked who its people are; [ldap.Directory] is one.
type Directory interface {
	Since(ctx context.Context, old ldap.Mark) (now ldap.Mark, changed bool, err error)
	People(ctx context.Context, list *accounts.List) error
}

// LDAP tells versions of a directory: it implements [index.Roster]. Directory is needed; its
// fields are immutable.
type LDAP struct {
	Directory Directory
	Beat      time.Duration // how often it is asked; 0: [index.Often]
}

// Run asks until the context ends.
func (l *LDAP) Run(ctx context.Context, out chan<- index.Version) error {
	often := l.Beat
	if often == 0 {
		often = index.Often
	}
	r := reading{directory: l.Directory}
	for {
		v := r.look(ctx)
		select {
		case out <- v:
		case <-ctx.Done():
			return nil
		}
		select {
		case <-time.After(often):
		case <-ctx.Done():
			return nil
		}
	}
}

// reading keeps how far a directory was read. Owned by its goroutine.
type reading struct {
	directory   Directory
	mark        ldap.Mark
	read        bool              // known stands, as of mark
	known, last [sha256.Size]byte // of what counts, and of what was read last
}

var errChanging = errors.New("the directory changed while it was read")

// look asks once. The moment that a beat vouches for is taken before (N-7).
func (r *reading) look(ctx context.Context) index.Version {
	moment := index.Now()
	mark, changed, err := r.directory.Since(ctx, r.mark)
	switch {
	case err != nil:
		return index.Version{Err: fmt.Errorf("ask the directory: %w", err)}
	case r.read && !changed:
		r.mark = mark
		return index.Version{Beat: moment}
	}
	r.read = false
	var list accounts.List
	if err := r.directory.People(ctx, &list); err != nil {
		return index.Version{Err: fmt.Errorf("read the directory: %w", err)}
	}
	text := list.YAML()
	sum := sha256.Sum256(text)
	before := r.last
	r.last = sum
	if sum != before { // twice alike is enough where something always changes (N-21)
		_, again, err := r.directory.Since(ctx, mark)
		if err != nil || again {
			return index.Version{Err: errors.Join(err, errChanging)}
		}
	}
	r.mark, r.read = mark, true
	if sum == r.known {
		return index.Version{Beat: moment}
	}
	d, err := people.Read(text)
	if err != nil {
		r.read = false
		return index.Version{Err: fmt.Errorf("what the directory says: %w", err)}
	}
	r.known = sum
	return index.Version{People: d, Name: hex.EncodeToString(sum[:8]), File: text, Beat: moment}
}
