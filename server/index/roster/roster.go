package roster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/watch"
)

// Directory is a source of accounts. [ldap.Directory] implements it and documents the methods.
type Directory interface {
	Since(ctx context.Context, old ldap.Mark) (now ldap.Mark, changed bool, err error)
	People(ctx context.Context, p *ldap.People) error
}

// LDAP reports versions of a directory. It implements [index.Roster]. Directory is required; its
// fields are immutable.
type LDAP struct {
	Directory Directory
	Beat      time.Duration // polling interval; 0: [watch.DefaultBeat]
	Warn      func(error)   // receives the references that a read leaves out; nil: they are dropped
}

// Run queries the directory every Beat, reports the result to out, and blocks until the context ends. It returns nil
// then, and never another error: it reports failures of the directory as versions with an Err. It does not close out.
func (l *LDAP) Run(ctx context.Context, out chan<- index.Version) error {
	often := l.Beat
	if often == 0 {
		often = watch.DefaultBeat
	}
	r := reading{directory: l.Directory, warn: l.Warn}
	for {
		v := r.poll(ctx)
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

// reading is the progress of reading a directory. One goroutine owns it.
type reading struct {
	directory   Directory
	people      ldap.People
	built       *directory.Directory // the last version; nil: none
	mark        ldap.Mark
	read        bool              // known is complete as of mark
	known, last [sha256.Size]byte // sums of the current version and of the last read
	warn        func(error)       // nil: references that are left out are not reported
	reported    map[string]bool   // lines about them that were reported
}

// errChangedMeanwhile is the error if the directory changed during a read. Unlike a file that is being written, such a
// directory is reported: if it changes all the time, it never takes effect.
var errChangedMeanwhile = errors.New("the directory changed while it was read")

// poll queries the directory once and returns a version, a heartbeat or an error. The heartbeat is for the known
// version, and its time is from before the query (N-7). A new version needs two identical reads, or a directory that
// did not change during the read. Otherwise the error is errChangedMeanwhile, and the next poll reads again.
func (r *reading) poll(ctx context.Context) index.Version {
	moment := watch.Now()
	mark, changed, err := r.directory.Since(ctx, r.mark)
	switch {
	case err != nil:
		return index.Version{Err: fmt.Errorf("ask the directory: %w", err)}
	case r.read && !changed:
		r.mark = mark
		return index.Version{Heartbeat: moment}
	}
	r.read = false
	if err := r.directory.People(ctx, &r.people); err != nil {
		return index.Version{Err: fmt.Errorf("read the directory: %w", err)}
	}
	accounts := r.people.Accounts()
	sum := accounts.Sum()
	before := r.last
	r.last = sum
	if sum != before { // equal sums suffice, even if other data of the directory changes all the time (N-21)
		_, again, err := r.directory.Since(ctx, mark)
		if err != nil || again {
			return index.Version{Err: errors.Join(err, errChangedMeanwhile)}
		}
	}
	r.mark, r.read = mark, true
	r.report(r.people.Unresolved)
	r.people.Unresolved = nil
	if sum == r.known {
		return index.Version{Heartbeat: moment}
	}
	d, err := r.built.Update(accounts)
	if err != nil {
		r.read = false
		return index.Version{Err: fmt.Errorf("directory: %w", err)}
	}
	r.known, r.built = sum, d
	return index.Version{People: d, Accounts: accounts, Name: hex.EncodeToString(sum[:8]), Heartbeat: moment}
}

// Limits of reports: the references that one version lists, and the lines that are remembered.
const (
	maxListed   = 5
	maxReported = 1 << 16
)

// report passes the references that a read leaves out to warn. It reports each line once: the first maxListed of a
// version, and the number of the others (N-21). Names of the directory cannot control a terminal or begin a line.
func (r *reading) report(unresolved []string) {
	if r.warn == nil {
		return
	}
	if r.reported == nil || len(r.reported) > maxReported {
		r.reported = map[string]bool{}
	}
	n := 0
	for _, line := range unresolved {
		if r.reported[line] {
			continue
		}
		r.reported[line] = true
		if n++; n <= maxListed {
			r.warn(fmt.Errorf("directory: left out: %s", printable.Line(line)))
		}
	}
	if n > maxListed {
		r.warn(fmt.Errorf("directory: and %d more are left out", n-maxListed))
	}
}
