package kerberos

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Limits of the replay cache.
const (
	maxReplay  = 1 << 20     // authenticators in each of its two maps
	ahead      = time.Second // difference of a client's clock that needs no entry on disk
	noteSize   = 16 + 8      // bytes of an entry on disk: key and time
	maxNotes   = 1 << 16     // entries on disk
	replayFile = "kerberos.replay"
)

// startKey is the key of the first entry on disk, whose time is that of the start. An earlier format has zeros there.
var startKey = [16]byte{15: 2}

var (
	errReplay = errors.New("this authenticator was here before")
	errBefore = fault{ntstatus.TimeDifferenceAtDC,
		errors.New("this authenticator is older than this start of the daemon, or than an earlier one when the clock was " +
			"ahead (remove " + replayFile + " from the state folder)")}
	errFull = fault{ntstatus.InsufficientResources,
		errors.New("more authenticators came than the replay cache holds")}
)

// replay remembers accepted authenticators for as long as their times are valid. It rejects those
// from before its start by their time, because a killed daemon may have accepted them (K-47).
type replay struct {
	most      int    // immutable: maxReplay
	mostNotes int    // immutable: maxNotes
	path      string // immutable: the file; "": nothing is stored

	mu sync.Mutex
	// +checklocks:mu
	life time.Duration // guarded by mu: how long an authenticator is remembered
	// +checklocks:mu
	from time.Time // guarded by mu: authenticators with an earlier time are rejected
	// +checklocks:mu
	young, old map[[16]byte]struct{} // guarded by mu
	// +checklocks:mu
	users share // guarded by mu: of young
	// +checklocks:mu
	loaded map[[16]byte]time.Time // guarded by mu: valid entries that a start or sweep read from disk, with their times
	// +checklocks:mu
	turned time.Time // guarded by mu: when young last became old; never moves back
	// +checklocks:mu
	notes *os.File // guarded by mu: nil: nothing is stored
	// +checklocks:mu
	noted share // guarded by mu: entries on disk after the start
	// +checklocks:mu
	owners map[[16]byte]sid.SID // guarded by mu: users of the entries on disk, without those of earlier runs
	// +checklocks:mu
	swept time.Time // guarded by mu: the value of turned at the last removal of expired entries from the disk
}

// share counts entries by user. The zero value is empty.
type share struct {
	all int
	of  map[sid.SID]int
}

// full reports whether the user may add no entry, if there are at most most.
func (s *share) full(user sid.SID, most int) bool {
	// One user has at most as many as remain free for all others, so it cannot lock them out (K-47).
	return s.of[user] >= most-s.all
}

// add counts an entry of a user, the zero SID for one of an earlier run.
func (s *share) add(user sid.SID) {
	if s.of == nil {
		s.of = map[sid.SID]int{}
	}
	s.all++
	s.of[user]++
}

// newReplay returns a replay cache. Its file in folder has the start time and the authenticators of clients whose
// clocks are ahead, for the next start. If folder is "", nothing is stored. A file that cannot be read or replaced is
// an error.
func newReplay(folder string, skew time.Duration, now time.Time) (*replay, error) {
	r := &replay{life: 2 * skew, from: now.Add(ahead), most: maxReplay, mostNotes: maxNotes,
		young: map[[16]byte]struct{}{}, old: map[[16]byte]struct{}{}, loaded: map[[16]byte]time.Time{},
		owners: map[[16]byte]sid.SID{}, turned: now.Round(0)}
	if folder == "" {
		return r, nil
	}
	r.path = filepath.Join(folder, replayFile)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.sweepLocked(now); err != nil {
		return nil, err
	}
	return r, nil
}

// sweepLocked loads the stored authenticators of earlier runs and removes the expired ones from the file. After an
// error the file may keep them.
// +checklocks:r.mu
func (r *replay) sweepLocked(now time.Time) error {
	kept, err := r.readLocked(now)
	if err != nil {
		return err
	}
	return r.rewriteLocked(kept)
}

// readLocked loads the stored authenticators of earlier runs. A missing file has none. It returns the bytes of those
// that are still valid. It drops expired entries, those of the earlier format and a partial last one. An earlier start,
// and a dropped entry that is complete, can move r.from forward.
// +checklocks:r.mu
func (r *replay) readLocked(now time.Time) (kept []byte, err error) {
	b, err := os.ReadFile(r.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("replay cache: %w", err)
	}
	var former bool
	for ; len(b) >= noteSize; b = b[noteSize:] {
		key, at := [16]byte(b), time.UnixMicro(int64(binary.LittleEndian.Uint64(b[16:])))
		switch {
		case key == startKey, key == [16]byte{}:
			former = key != startKey
			// The time of an earlier start. If the clock was set back since, nothing is accepted
			// twice (K-47).
			if at.After(r.from) {
				r.from = at
			}
		case !former && at.Add(r.life).After(now):
			r.loaded[key] = at
			kept = append(kept, b[:noteSize]...)
		default:
			// Keys of the earlier format also hash the service, so no lookup matches them (K-47).
			r.forgetLocked(key, at)
		}
	}
	return kept, nil
}

// forgetLocked drops a loaded entry whose time is over. The time of authenticators that may be accepted moves past it,
// so the entry stays rejected if the clock is set back (K-47).
//
// +checklocks:r.mu
func (r *replay) forgetLocked(key [16]byte, at time.Time) {
	delete(r.loaded, key)
	if from := at.Add(time.Microsecond); from.After(r.from) {
		r.from = from
	}
}

// rewriteLocked replaces the file of stored authenticators: the new one has the time of this start and the entries in
// kept, which are still valid. After an error the old file stays in use, or no further entry is stored.
// +checklocks:r.mu
func (r *replay) rewriteLocked(kept []byte) error {
	start := binary.LittleEndian.AppendUint64(startKey[:len(startKey):len(startKey)], uint64(r.from.UnixMicro()))
	f, err := os.OpenFile(r.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("replay cache: %w", err)
	}
	_, err = f.Write(append(start, kept...))
	if err = errors.Join(err, f.Sync()); err == nil {
		err = os.Rename(r.path+".new", r.path)
	}
	if err != nil {
		return fmt.Errorf("replay cache: %w", errors.Join(err, f.Close()))
	}
	if r.notes != nil {
		_ = r.notes.Close() // the rename replaced this file, and every write to it was synced
	}
	owners := r.owners
	r.notes, r.noted, r.owners = f, share{}, map[[16]byte]sid.SID{}
	for ; len(kept) > 0; kept = kept[noteSize:] {
		key := [16]byte(kept)
		user, ok := owners[key]
		if ok {
			r.owners[key] = user
		}
		r.noted.add(user)
	}
	if err = diskio.Faults(nil).SyncDir(filepath.Dir(r.path)); err != nil {
		// A crash may bring the old file back, so writes to the new one must fail (K-47).
		return fmt.Errorf("replay cache: %w", errors.Join(err, f.Close()))
	}
	return nil
}

// extend makes the cache remember authenticators for twice the clock skew, if that is longer than now. The cache may
// have forgotten earlier authenticators already, so from then on it rejects each one whose time is before now and a
// second (ahead). A skew that is not larger changes nothing.
func (r *replay) extend(skew time.Duration, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if life := 2 * skew; life > r.life {
		r.life = life
		if from := now.Add(ahead); from.After(r.from) {
			r.from = from
		}
	}
}

// identity returns the hash by which the replay cache recognizes an authenticator. It covers client, time and
// ciphertext. It does not cover the service, because anybody can change the service name in a ticket (K-47).
func identity(client string, at time.Time, cipher []byte) [16]byte {
	h := sha256.New()
	_ = binary.Write(h, binary.LittleEndian, uint32(len(client))) // writing to a hash never fails
	_, _ = io.WriteString(h, client)
	_ = binary.Write(h, binary.LittleEndian, at.UnixMicro())
	_, _ = h.Write(cipher)
	return [16]byte(h.Sum(nil))
}

// enter accepts an authenticator at most once. key is its hash, user the client and at its time. An authenticator far
// in the future is also stored in a file. A rejected authenticator is not stored. Entries stay for at least r.life.
// Errors, in this order:
//   - errBefore: at is too old
//   - errReplay: accepted before
//   - errFull: no space, or none for this user
//   - an error of the file
func (r *replay) enter(key [16]byte, user sid.SID, at, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at.Before(r.from) {
		// An authenticator from before this start may have been accepted then (K-47).
		return errBefore
	}
	// Tickets are valid by the wall clock. A caller may have read it before another call that is
	// already done, and it may be set back. Neither drops an entry that can still be valid (K-47).
	if now = now.Round(0); now.Sub(r.turned) >= r.life {
		if from := r.turned.Add(r.life / 2); from.After(r.from) {
			// All dropped entries are older than from, so setting the clock back later makes none acceptable.
			r.from = from
		}
		r.old, r.young, r.turned = r.young, map[[16]byte]struct{}{}, now
		r.users = share{}
		// An earlier process may have had a clock far ahead of this one's: its entries stay until their own time is over.
		for key, at := range r.loaded {
			if !at.Add(r.life).After(now) {
				r.forgetLocked(key, at)
			}
		}
	}
	_, young := r.young[key]
	_, old := r.old[key]
	_, loaded := r.loaded[key]
	switch {
	case young || old || loaded:
		// An authenticator is accepted once (K-47).
		return errReplay
	case r.users.full(user, r.most):
		// Entries are never removed early (K-47).
		return errFull
	}
	if at.After(now.Add(ahead)) {
		if err := r.noteLocked(key, user, at, now); err != nil {
			return err
		}
	}
	r.young[key] = struct{}{}
	r.users.add(user)
	return nil
}

// noteLocked stores an authenticator from a fast clock in the file, so that a restart does not accept it again. A
// file that is full for the user is first cleared of expired entries, at most once for each r.turned. If it is still
// full, the error is errFull. Without a file noteLocked returns nil.
// +checklocks:r.mu
func (r *replay) noteLocked(key [16]byte, user sid.SID, at, now time.Time) error {
	if r.notes == nil {
		return nil
	}
	if r.noted.full(user, r.mostNotes) && r.swept != r.turned {
		r.swept = r.turned
		if err := r.sweepLocked(now); err != nil {
			return err
		}
	}
	if r.noted.full(user, r.mostNotes) {
		return errFull
	}
	// A full disk can store half an entry. The next one overwrites it, so all entries stay aligned.
	_, err := r.notes.WriteAt(binary.LittleEndian.AppendUint64(key[:len(key):len(key)], uint64(at.UnixMicro())),
		int64(1+r.noted.all)*noteSize)
	if err = errors.Join(err, r.notes.Sync()); err != nil {
		return fmt.Errorf("replay cache: %w", err)
	}
	r.noted.add(user)
	r.owners[key] = user
	return nil
}

// close closes the file. The cache accepts authenticators afterwards, but stores none. A second call does nothing.
func (r *replay) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.notes == nil {
		return nil
	}
	f := r.notes
	r.notes = nil
	return f.Close()
}
