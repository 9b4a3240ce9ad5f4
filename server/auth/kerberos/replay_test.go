package kerberos

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
)

// TestReplayRejectsWhatItCannotStore checks that an authenticator that cannot be stored is rejected, and that it is not
// known afterwards (K-47).
func TestReplayRejectsWhatItCannotStore(t *testing.T) {
	broken := check.Must(newReplay(t.TempDir(), time.Minute, started))
	broken.mu.Lock()
	_ = broken.notes.Close() // the file cannot be written
	broken.mu.Unlock()
	for range 2 {
		err := broken.enter([16]byte{1}, sid.SID{}, started.Add(time.Minute), started.Add(3*time.Second))
		check.That(t, err != nil && !errors.Is(err, errReplay),
			"K-47: an authenticator that cannot be stored: %v, want an error other than errReplay", err)
	}
}

// TestAuthenticatorIsAcceptedOnce checks that an authenticator is accepted once: by two concurrent calls, by two in
// sequence, and after a restart without a clean stop, whatever the client's clock was (K-47).
func TestAuthenticatorIsAcceptedOnce(t *testing.T) {
	for _, at := range []time.Duration{0, 4 * time.Minute, -4 * time.Minute, 1100 * time.Millisecond} {
		state, now := t.TempDir(), started
		begin := func() *Acceptor {
			return acceptor(t, func(c *Config) { c.State, c.Now = state, func() time.Time { return now } })
		}
		a := begin()
		now = noon
		k := ticket()
		k.At = noon.Add(at)
		blob := k.Blob()
		var taken atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := a.Accept(blob, nil); err == nil {
					taken.Add(1)
				} else if !errors.Is(err, errReplay) {
					t.Errorf("K-47: %v: %v, want %v", at, err, errReplay)
				}
			})
		}
		all.Wait()
		check.That(t, taken.Load() == 1, "K-47: %v: accepted %d times by concurrent calls, want 1", at, taken.Load())
		for range 2 { // the daemon was killed, twice: nothing was closed
			b := begin()
			if _, err := b.Accept(blob, nil); !errors.Is(err, errReplay) && !errors.Is(err, errBefore) {
				t.Errorf("K-47: %v: Accept after a restart: %v, want errReplay or errBefore", at, err)
			}
			now = now.Add(2 * time.Second)
			fresh := ticket()
			fresh.At = now
			_, err := b.Accept(fresh.Blob(), nil)
			check.That(t, err == nil, "K-47: %v: a fresh token after a restart: %v, want no error", at, err)
		}
	}
	// A clock that is set back accepts no authenticator twice.
	back := t.TempDir()
	for i, begun := range []time.Time{noon.Add(time.Minute), noon.Add(-time.Minute)} {
		a := acceptor(t, func(c *Config) { c.State, c.Now = back, clock(begun, noon) })
		k := ticket()
		check.ErrorIs(t, check.Err(a.Accept(k.Blob(), nil)), errBefore, "K-47: start %d", i)
	}
	a, k := acceptor(t, func(c *Config) { c.Now = clock(noon.Add(-time.Minute), noon) }), ticket()
	k.At = noon.Add(-2 * time.Minute)
	check.ErrorIs(t, check.Err(a.Accept(k.Blob(), nil)), errBefore, "K-47: a token from before the start")
}

// TestAuthenticatorIsRefusedForAnotherServiceName changes the service name of an accepted token's ticket, which is not
// encrypted, to one that the same key serves (K-47).
func TestAuthenticatorIsRefusedForAnotherServiceName(t *testing.T) {
	for _, other := range []string{"http", "cifs"} {
		a := acceptor(t, func(c *Config) {
			c.Keys = check.Must(ParseKeytab(forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 3, Key: secret},
				forge.Entry{Service: "cifs/www.example.test", Realm: realm, Version: 3, Key: secret})))
		})
		k := ticket()
		blob := k.Blob()
		check.NoError(t, check.Err(a.Accept(blob, nil)))
		renamed := bytes.Replace(blob, []byte("HTTP"), []byte(other), 1)
		check.ErrorIs(t, check.Err(a.Accept(renamed, nil)), errReplay, "K-47: the token for %q after %q", other, "HTTP")
	}
}

// clock returns the first time once, then the other.
func clock(first, then time.Time) func() time.Time {
	var asked atomic.Bool
	return func() time.Time {
		if asked.Swap(true) {
			return then
		}
		return first
	}
}

// TestReplayIsBounded checks that a full cache accepts nothing, that one user leaves others half of the free entries in
// memory and on disk, and that expired entries are removed (K-47).
func TestReplayIsBounded(t *testing.T) {
	for what, c := range map[string]struct {
		folder string
		most   func(*replay) *int
		at     time.Time
	}{
		"memory": {"", func(r *replay) *int { return &r.most }, started.Add(time.Second)},
		"disk":   {t.TempDir(), func(r *replay) *int { return &r.mostNotes }, started.Add(time.Minute)},
	} {
		r := check.Must(newReplay(c.folder, time.Minute, started))
		*c.most(r) = 100
		var entered byte
		fill := func(rid uint32, now time.Time) (n int) {
			for ; n <= 100; n++ {
				entered++
				err := r.enter([16]byte{entered}, domain.WithRID(rid), c.at.Add(now.Sub(started)), now)
				if errors.Is(err, errFull) {
					break
				}
				check.NoError(t, err)
			}
			return n
		}
		for i, want := range []int{50, 25, 13, 6, 3, 2, 1, 0} {
			check.Equal(t, fill(1101+uint32(i), started), want, "K-47: %s: entries of user %d", what, i)
		}
		check.Equal(t, fill(1101, started), 0, "K-47: %s: further entries of user 0", what)
		later := started.Add(4 * time.Minute)
		check.Equal(t, fill(1102, later), 50, "K-47: %s: entries of user 1 after the others expired", what)
		r.mu.Lock()
		if c.folder == "" {
			check.Equal(t, len(r.young), 50, "K-47: entries of the young half")
		}
		check.Equal(t, len(r.owners), map[string]int{"memory": 0, "disk": 50}[what], "K-47: %s: owners", what)
		r.mu.Unlock()
		check.NoError(t, r.close())
	}
}

// note returns one entry of the file: the authenticator's 16 bytes and its time in microseconds. For a start (key
// 0), the 16 bytes are zeros and a final 2.
func note(key byte, at time.Time) []byte {
	b := make([]byte, 16, 24)
	if b[0] = key; key == 0 {
		b[15] = 2
	}
	return binary.LittleEndian.AppendUint64(b, uint64(at.UnixMicro()))
}

// TestReplayFileKeepsFutureAuthenticators checks the file after each accepted authenticator: the
// start, and authenticators whose clock is more than a second ahead. It also checks what the next
// start keeps and accepts (K-47).
func TestReplayFileKeepsFutureAuthenticators(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kerberos.replay")
	start := started.Truncate(time.Second)
	from := start.Add(time.Second)
	has := func(what string, notes ...[]byte) {
		t.Helper()
		b, err := os.ReadFile(path)
		if want := slices.Concat(notes...); err != nil || !slices.Equal(b, want) {
			t.Errorf("K-47: %s: the file has\n%x, %v, want\n%x", what, b, err, want)
		}
		info, err := os.Stat(path)
		if all, failed := os.ReadDir(dir); err != nil || failed != nil || len(all) != 1 || info.Mode().Perm() != 0o600 {
			t.Errorf("K-47: %s: files %v, mode %v, %v, want one of mode 0600", what, all, info.Mode(), err)
		}
	}
	r, err := newReplay(dir, time.Minute, start)
	check.NoError(t, err)
	has("a start", note(0, from))
	// The disk was full in the middle of an entry. The next entry takes its place.
	r.mu.Lock()
	_, err = r.notes.Write(note(6, start)[:10])
	r.mu.Unlock()
	check.NoError(t, err)
	has("part of an entry", note(0, from), note(6, start)[:10])
	now := start.Add(10 * time.Second)
	enter := func(r *replay, key byte, at time.Time, want error) {
		t.Helper()
		user := domain.WithRID(1000 + uint32(key))
		check.ErrorIs(t, r.enter([16]byte{key}, user, at, now), want, "K-47: %d of %v", key, at.Sub(start))
	}
	enter(r, 1, from.Add(-time.Nanosecond), errBefore)
	enter(r, 1, from, nil)
	enter(r, 2, now.Add(time.Second), nil)
	has("clocks that are right", note(0, from), note(6, start)[:10])
	early := now.Add(time.Second + time.Microsecond)
	enter(r, 3, early, nil)
	enter(r, 4, now.Add(50*time.Second), nil)
	enter(r, 3, early, errReplay)
	has("clocks that are ahead", note(0, from), note(3, early), note(4, now.Add(50*time.Second)))
	if err := r.close(); err != nil || r.close() != nil {
		t.Error(err)
	}
	// Both are still known after the daemon was killed. One expires when its time has passed.
	next := now.Add(2 * time.Second)
	s := check.Must(newReplay(dir, time.Minute, next))
	now = next
	has("the next start", note(0, next.Add(time.Second)), note(3, early), note(4, start.Add(60*time.Second)))
	enter(s, 3, early, errBefore) // its time alone rejects it
	enter(s, 4, start.Add(60*time.Second), errReplay)
	enter(s, 5, start.Add(60*time.Second), nil)
	check.NoError(t, s.close())
	late := start.Add(180 * time.Second) // two minutes after the time of the fourth and the fifth, to the moment
	u := check.Must(newReplay(dir, time.Minute, late))
	has("when their time is over", note(0, late.Add(time.Second)))
	check.NoError(t, u.close())
	// A start time in the future stays in force. An incomplete entry does not count.
	ahead := late.Add(time.Hour)
	check.NoError(t, os.WriteFile(path, slices.Concat(note(0, ahead), note(7, ahead), note(8, ahead)[:23]), 0o600))
	v := check.Must(newReplay(dir, time.Minute, late))
	has("a clock that was set back", note(0, ahead), note(7, ahead))
	now = late.Add(time.Minute)
	enter(v, 9, ahead.Add(-time.Microsecond), errBefore)
	enter(v, 7, ahead, errReplay)
	v.mu.Lock()
	v.noted.all, v.swept = maxNotes-1, v.turned
	v.mu.Unlock()
	enter(v, 10, ahead, nil)
	enter(v, 11, ahead, errFull)
	enter(v, 11, ahead, errFull) // the cache rejected it and did not store it
	// The next switch of the halves makes room: the expired entries leave the file.
	v.mu.Lock()
	v.noted.all = maxNotes
	v.mu.Unlock()
	now = ahead.Add(2*time.Minute - time.Second)
	enter(v, 15, now, nil)
	now = now.Add(time.Second)
	enter(v, 12, now.Add(time.Minute), nil)
	has("a full file with expired entries", note(0, ahead.Add(time.Microsecond)), note(12, now.Add(time.Minute)))
	v.mu.Lock()
	v.noted.all = maxNotes
	v.mu.Unlock()
	enter(v, 13, now.Add(time.Minute), errFull) // once for each switch
	now = now.Add(2 * time.Minute)
	enter(v, 14, now.Add(time.Minute), nil)
	has("an entry that is still valid", note(0, now.Add(-61*time.Second)), note(12, now.Add(-time.Minute)),
		note(14, now.Add(time.Minute)))
	check.NoError(t, v.close())
	check.That(t, maxNotes == 1<<16 && maxReplay == 1<<20,
		"K-47: maxNotes = %d, maxReplay = %d, want 65536, 1048576", maxNotes, maxReplay)
	broken := t.TempDir()
	check.NoError(t, os.Mkdir(filepath.Join(broken, replayFile), 0o700))
	r, err = newReplay(broken, time.Minute, start)
	check.That(t, err != nil && r == nil, "K-47: newReplay of a file that cannot be read: %v, want an error", err)
	broken = t.TempDir()
	check.NoError(t, os.Mkdir(filepath.Join(broken, replayFile+".new"), 0o700))
	check.That(t, check.Err(newReplay(broken, time.Minute, start)) != nil, "K-47: newReplay without its file: no error")
	for err, want := range map[error]ntstatus.Status{errBefore: ntstatus.TimeDifferenceAtDC,
		errFull: ntstatus.InsufficientResources, errReplay: ntstatus.LogonFailure} {
		check.Equal(t, check.Status(reason(refuse(nil, err))), want, "K-80: %v", err)
	}
}

// TestReplayKeepsFarAheadEntries checks entries that were recorded while the clock was an hour ahead. After the clock
// is set back, the cache keeps such an entry until its time has passed, however often the halves switch before. Once
// the entry leaves memory or the file, authenticators of its time are rejected. So the entry is not accepted if the
// clock is set back again, nor after a restart (K-47).
func TestReplayKeepsFarAheadEntries(t *testing.T) {
	dir, start := t.TempDir(), started.Truncate(time.Second)
	far := start.Add(time.Hour)
	expired, valid := far.Add(2*time.Minute), far.Add(2*time.Minute+time.Microsecond) // at far + 4 minutes
	stored := slices.Concat(note(0, start), note(7, far), note(8, valid), note(9, expired))
	check.NoError(t, os.WriteFile(filepath.Join(dir, replayFile), stored, 0o600))
	r, err := newReplay(dir, time.Minute, start)
	check.NoError(t, err)
	for i, c := range []struct {
		key     byte
		at, now time.Time
		want    error
	}{
		{1, start.Add(2 * time.Minute), start.Add(2 * time.Minute), nil},
		{2, start.Add(4 * time.Minute), start.Add(4 * time.Minute), nil},
		{3, start.Add(6 * time.Minute), start.Add(6 * time.Minute), nil},
		{7, far, start.Add(6 * time.Minute), errReplay},
		{9, expired, start.Add(6 * time.Minute), errReplay},
		{4, far.Add(4 * time.Minute), far.Add(4 * time.Minute), nil},
		{8, valid, far, errReplay},
		{9, expired, far, errBefore},
		{7, far, far, errBefore},
		{5, valid, far, nil},
	} {
		check.ErrorIs(t, r.enter([16]byte{c.key}, sid.SID{}, c.at, c.now), c.want, "K-47: %d: entry %d at %v", i, c.key,
			c.now.Sub(start))
	}
	check.NoError(t, r.close())
	// A restart drops the entry from the file, and the next one has a clock that was set back.
	for i, now := range []time.Time{far.Add(time.Hour), start} {
		if r, err = newReplay(dir, time.Minute, now); err != nil {
			t.Fatal(err)
		}
		check.ErrorIs(t, r.enter([16]byte{7}, sid.SID{}, far, far), errBefore, "K-47: start %d", i)
		check.NoError(t, r.close())
	}
}

// TestReplayRejectsNotesOfEarlierFormat starts with a file whose keys also covered the service. None of its
// authenticators is known by its key, so their times are rejected (K-47).
func TestReplayRejectsNotesOfEarlierFormat(t *testing.T) {
	dir, start := t.TempDir(), started.Truncate(time.Second)
	ahead := start.Add(time.Minute)
	header := note(0, start)
	header[15] = 0
	stored := slices.Concat(header, note(7, ahead), note(8, ahead.Add(-time.Second)))
	check.NoError(t, os.WriteFile(filepath.Join(dir, replayFile), stored, 0o600))
	for i := range 2 { // the second start reads the file that the first one wrote
		r := check.Must(newReplay(dir, time.Minute, start))
		check.ErrorIs(t, r.enter([16]byte{1}, sid.SID{}, ahead, ahead), errBefore, "K-47: start %d: the stored time", i)
		check.NoError(t, r.enter([16]byte{byte(i + 2)}, sid.SID{}, ahead.Add(time.Microsecond), ahead))
		check.NoError(t, r.close())
	}
}

// TestReplayEntryLastsUntilEndOfNextHalf checks that an authenticator is known from the switch that starts one half to
// the end of the next half, to the nanosecond. A clock that is set back, and two calls that read the clock before
// either has the lock, do not switch the halves (K-47).
func TestReplayEntryLastsUntilEndOfNextHalf(t *testing.T) {
	r := check.Must(newReplay("", time.Minute, started))
	counts := func(now time.Duration, key byte, want string) {
		t.Helper()
		err := r.enter([16]byte{key}, sid.SID{}, noon, started.Add(now))
		r.mu.Lock()
		defer r.mu.Unlock()
		check.Equal(t, fmt.Sprintf("%d %d %v", len(r.young), len(r.old), errors.Is(err, errReplay)), want, "K-47: after %v",
			now)
	}
	counts(0, 1, "1 0 false")
	counts(2*time.Minute-1, 2, "2 0 false")
	counts(2*time.Minute, 3, "1 2 false")
	counts(2*time.Minute, 2, "1 2 true")
	counts(4*time.Minute-1, 1, "1 2 true")
	counts(4*time.Minute, 1, "1 1 false")
	counts(3*time.Minute, 3, "1 1 true") // set back
	counts(4*time.Minute-1, 1, "1 1 true")
	counts(3*time.Minute, 4, "2 1 false")
	counts(6*time.Minute-1, 1, "2 1 true")
	r.extend(30*time.Second, started.Add(3*time.Minute)) // an earlier time changes nothing
	r.mu.Lock()
	life, from := r.life, r.from
	r.mu.Unlock()
	// Dropped entries were entered up to the switch at 2 minutes, with a skew of a minute. They stay rejected.
	want := started.Add(3 * time.Minute)
	check.That(t, life == 2*time.Minute && from.Equal(want), "K-47: %v from %v, want 2m0s from %v", life, from, want)
	r.extend(time.Minute+1, started.Add(3*time.Minute))
	r.mu.Lock()
	life, from = r.life, r.from
	r.mu.Unlock()
	if life != 2*time.Minute+2 || !from.Equal(started.Add(3*time.Minute+time.Second)) {
		t.Errorf("K-82: %v from %v, want 2m0.000000002s from %v", life, from, started.Add(3*time.Minute+time.Second))
	}
	if r.extend(time.Hour, started); !r.enterable(from) {
		t.Error("K-82: extend with a clock that was set back accepts authenticators before the start, want them rejected")
	}
	now := time.Now().Add(24 * time.Hour)
	_ = r.enter([16]byte{100}, sid.SID{}, now, now)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turned != now.Round(0) {
		t.Errorf("K-47: the switch is at %v, want %v: a monotonic clock does not see a clock that is set back", r.turned,
			now.Round(0))
	}
}

// enterable reports whether the cache accepts authenticators from that time on, and none before it.
func (r *replay) enterable(from time.Time) bool {
	now := from.Add(time.Second)
	return errors.Is(r.enter([16]byte{99}, sid.SID{}, from.Add(-1), now), errBefore) &&
		r.enter([16]byte{99}, sid.SID{}, from, now) == nil
}

// TestReplayKeyHashesAllFields checks the key of an authenticator: a hash of client, time and bytes, the client with
// its length (K-47). Entries on disk rely on it.
func TestReplayKeyHashesAllFields(t *testing.T) {
	le := binary.LittleEndian
	b := slices.Concat(le.AppendUint32(nil, 7), []byte("alice@R"),
		le.AppendUint64(nil, uint64(noon.UnixMicro())), []byte{1, 2, 3})
	sum := sha256.Sum256(b)
	if got := identity("alice@R", noon, []byte{1, 2, 3}); got != [16]byte(sum[:16]) {
		t.Errorf("K-47: %x, want %x", got, sum[:16])
	}
}
