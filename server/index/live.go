package index

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// live is the part of an index that exists only in the process of its run: what the files of the index folder do not
// contain. Its fields are guarded by the mutex of the index.
type live struct {
	people *directory.Directory // nil: no directory was read yet
	// effective is people after the configuration of a share, whose tokens are those of the files' checks.
	effective *directory.Directory
	byUID     map[uint32]string // SID of the account with a uid; "": several accounts have this uid
}

// newLive returns an index that answers queries directly from the state of a running worker. From then on the worker
// locks the index for each change. Every query returns an error until the first [Index.publish].
func newLive(w *Worker, dir string) *Index {
	x := &Index{dir: dir, limit: defaultLimit, clock: watch.Now, boot: watch.BootID(), state: w.state, run: &live{}}
	w.lock = &x.mu
	return x
}

// publish makes the worker's latest results visible to queries: it copies f as the current watermark, and lets queries
// read w's state. Call it again after each compaction, which replaces the state.
func (x *Index) publish(w *Worker, f *Watermark) {
	x.mu.Lock()
	defer x.mu.Unlock()
	same := *f
	same.Sources = maps.Clone(f.Sources)
	x.state, x.watermark = w.state, &same
}

// setPeople sets the directory d from which queries of a running index take uids and groups. effective is d after a
// share's configuration, or d itself. The index keeps both. A uid of several users identifies nobody.
func (x *Index) setPeople(d, effective *directory.Directory) {
	byUID := map[uint32]string{}
	for _, id := range d.IDs() {
		if id.Group {
			continue
		}
		if _, twice := byUID[id.ID]; twice {
			byUID[id.ID] = ""
			continue
		}
		byUID[id.ID] = id.SID.String()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.run.people, x.run.effective, x.run.byUID = d, effective, byUID
}

// unmapped is the overflow uid, which the kernel reports for each user that a user namespace does not map.
const unmapped = 65534

// PersonOf returns the SID of the person with a uid, from the directory of the run. ok is false if the directory has
// no such person or several, for uid 65534, before the first directory, and for an index that is read from its folder.
func (x *Index) PersonOf(uid uint32) (person string, ok bool) {
	if x.run == nil || uid == unmapped {
		return "", false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	person = x.run.byUID[uid]
	return person, person != ""
}

// tokenOf returns the token of a person of a run's directory. It returns an error for an unknown person, for an index
// that is read from its folder, and before the first heartbeat.
func (x *Index) tokenOf(who string) (*token.Token, error) {
	if x.run == nil {
		return nil, errors.New("terms are those of a token: only a run knows the groups of a person, and none answers")
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, err := x.follow(); err != nil {
		return nil, err
	}
	p, err := x.principal(x.run.people, who)
	if err != nil {
		return nil, err
	}
	return p.Token, nil
}

// principal returns a person of directory d, by name or SID. It returns errNobody for an unknown person or a nil d, and
// another error if the person no longer has an account in d.
//
// +checklocks:x.mu
func (x *Index) principal(d *directory.Directory, who string) (*directory.Principal, error) {
	number, known := x.state.number(who)
	if !known || d == nil {
		return nil, errNobody
	}
	user, err := sid.Parse(x.state.people[number].SID)
	if err != nil {
		return nil, err
	}
	for i := range d.Principals {
		if p := &d.Principals[i]; p.SID() == user {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%s has no account now", who)
}

// Current reports whether every source has a heartbeat that is at most limit old: the directory and each tree. A limit
// of 0 means that of the index. If it returns false, some answers are unknown. It also returns false if the index
// cannot be read.
func (x *Index) Current(limit time.Duration) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	watermark, err := x.follow()
	if err != nil {
		return false
	}
	g := age{watermark, x.within(Query{Limit: limit}), x.clock(), x.boot}
	for source := range x.sources(watermark) {
		if g.stale(source) != "" {
			return false
		}
	}
	return true
}
