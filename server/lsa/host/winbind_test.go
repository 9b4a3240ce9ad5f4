package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/sid"
)

// winbindOf returns a winbind whose wbinfo is a script, and a function that counts its runs.
func winbindOf(t *testing.T, script string) (d *Domains, runs func() int, clock *time.Time) {
	t.Helper()
	dir := t.TempDir()
	program, notes := filepath.Join(dir, "wbinfo"), filepath.Join(dir, "runs")
	check.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho run >> "+notes+"\n"+script), 0o700))
	clock = new(time.Time)
	*clock = time.Unix(1e9, 0)
	runs = func() int {
		b, _ := os.ReadFile(notes) // the file does not exist before the first run
		return len(b) / len("run\n")
	}
	return &Domains{wbinfo: program, now: func() time.Time { return *clock }}, runs, clock
}

// TestStalledWinbindIsPaused checks that a winbind that does not respond is not queried for ten seconds, even if a
// child of it keeps the pipes open, and that none of its ids counts as absent (L-61, L-55).
func TestStalledWinbindIsPaused(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	check.NoError(t, unix.Mkfifo(fifo, 0o600))
	for name, script := range map[string]string{"stalls": "exec cat " + fifo, "has a child": "cat " + fifo + " & wait",
		"says it first": "echo WBC_ERR_DOMAIN_NOT_FOUND >&2; exec cat " + fifo} {
		d, runs, clock := winbindOf(t, script)
		ask := func(uid uint32) error {
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			_, found, err := d.SIDOfUID(ctx, uid)
			check.That(t, !found && err != nil, "L-55: %s: %t, %v, want false, an error", name, found, err)
			return err
		}
		check.ErrorIs(t, ask(1), context.DeadlineExceeded, "L-61: %s", name)
		first := runs()
		for uid := range uint32(100) {
			if err := ask(uid); !errors.Is(err, errSilent) {
				t.Fatalf("L-61: %s: %v, want %v", name, err, errSilent)
			}
		}
		if runs() != first {
			t.Errorf("L-61: %s: winbind was queried %d times during the pause, want 0", name, runs()-first)
		}
		*clock = clock.Add(silenceLife)
		check.ErrorIs(t, ask(1), context.DeadlineExceeded, "L-61: %s: query after the pause", name)
	}
	// wbinfo reports a refused connection at once.
	d, runs, clock := winbindOf(t, "echo 'failed to call wbcUidToSid: WBC_ERR_WINBIND_NOT_AVAILABLE' >&2; exit 1")
	for i, want := range []struct {
		err  error
		runs int
	}{{errNotUp, 1}, {errSilent, 1}, {errNotUp, 2}} {
		if i == 2 {
			*clock = clock.Add(silenceLife)
		}
		if _, found, err := d.SIDOfUID(context.Background(), 1); found || !errors.Is(err, want.err) || runs() != want.runs {
			t.Errorf("L-61: winbind is down, query %d: found %t, %v after %d runs, want %v after %d", i, found, err, runs(),
				want.err, want.runs)
		}
	}
	// Closing the pipe ends the remaining reader.
	if f, err := os.OpenFile(fifo, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
		_ = f.Close()
	}
}

// TestBusyQueueDoesNotPauseWinbind checks that a query that ends while it waits for others is no silence of winbind
// (L-61).
func TestBusyQueueDoesNotPauseWinbind(t *testing.T) {
	d, _, _ := winbindOf(t, "echo S-1-5-21-9-8-7-1103\n")
	begun, release := make(chan struct{}), make(chan struct{})
	for i := range maxRunning {
		go func() {
			wait := func(context.Context) (string, bool, error) {
				begun <- struct{}{}
				<-release
				return "", false, nil
			}
			_, _, _ = d.queue.do(context.Background(), anyName, strconv.Itoa(i), wait)
		}()
		<-begun
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := d.SIDOfUID(ctx, 1)
	check.ErrorIs(t, err, errBusy, "L-61: a query that waits for others")
	close(release)
	_, found, err := d.SIDOfUID(t.Context(), 1)
	check.That(t, found && err == nil, "L-61: winbind was not queried: %t, %v, want true and no error", found, err)
}

// TestLookupsOfSIDsRejectNoLookupOfUID checks that lookups of SIDs, of which a client can name any number, count as one
// requester. If too many lookups wait, a SID's is rejected, not that of a uid (L-85).
func TestLookupsOfSIDsRejectNoLookupOfUID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots := admission.NewPool(0, 9) // none is free
		d := &Domains{wbinfo: "no-such-program", queue: lookupQueue{slots: slots, waiting: map[lookupKey]*lookup{}}}
		ctx, cancel := context.WithCancel(t.Context())
		var refused [2]atomic.Int32 // of SIDs and of uids
		count := func(kind int, err error) {
			if errors.Is(err, errBusy) && ctx.Err() == nil {
				refused[kind].Add(1)
			}
		}
		for rid := range uint32(9) {
			go func() {
				_, _, err := d.UIDOf(ctx, sid.MustParse("S-1-5-21-9-8-7").WithRID(rid))
				count(0, err)
			}()
			synctest.Wait()
		}
		for id := range uint32(3) {
			go func() {
				_, _, err := d.SIDOfUID(ctx, id)
				count(1, err)
			}()
			synctest.Wait()
		}
		check.Equal(t, [2]int32{refused[0].Load(), refused[1].Load()}, [2]int32{3, 0},
			"L-85: rejected lookups of SIDs and of uids")
		cancel()
		synctest.Wait()
	})
}

// TestMalformedWinbindOutputIsAnError checks that endless output, another format or encoding, and a winbind that dies
// are errors, never an account or its absence (L-55).
func TestMalformedWinbindOutputIsAnError(t *testing.T) {
	for name, script := range map[string]string{
		"without end":                     "exec yes S-1-5-21-9-8-7-1103",
		"one long line":                   "head -c 100000000 /dev/zero",
		"errors without end":              "yes WBC_ERR_WINBIND_NOT_AVAILABLE >&2; exit 1",
		"killed":                          "kill -9 $$",
		"killed after it":                 "echo S-1-5-21-9-8-7-1103; kill -9 $$",
		"no newline":                      "printf S-1-5-21-9-8-7-1103",
		"a NUL":                           `printf 'S-1-5-21-9-8-7-1103\0\n'`,
		"a blank":                         "echo ' S-1-5-21-9-8-7-1103'",
		"a long SID":                      "echo S-1-5-21-9-8-7-1103-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1",
		"a number of 33 bits":             "echo S-1-5-21-9-8-7-4294967296",
		"a name":                          "echo 'CORP\\alice'",
		"two lines":                       "echo S-1-5-21-9-8-7-1103; echo S-1-5-21-9-8-7-1104",
		"nothing":                         ":",
		"failed without a reason":         "exit 1",
		"an invalid response":             "echo 'failed to call wbcUidToSid: WBC_ERR_INVALID_RESPONSE' >&2; exit 1",
		"failed, not found in its output": "echo WBC_ERR_DOMAIN_NOT_FOUND; exit 1",
	} {
		d, _, _ := winbindOf(t, script)
		if s, found, err := d.SIDOfUID(context.Background(), 7); found || err == nil {
			t.Errorf("L-55: %s: %v, %t, %v, want false, an error", name, s, found, err)
		}
		if n, found, err := d.UIDOf(context.Background(), sid.MustParse("S-1-5-21-9-8-7-1103")); found || err == nil {
			t.Errorf("L-55: %s: %d, %t, %v, want false, an error", name, n, found, err)
		}
	}
	missing := &Domains{wbinfo: filepath.Join(t.TempDir(), "wbinfo")}
	if _, found, err := missing.SIDOfUID(context.Background(), 7); found || err == nil {
		t.Errorf("L-55: a missing wbinfo: %t, %v, want false, an error", found, err)
	}
}

// TestWinbindIsRemembered checks that results are cached for a minute, including that there is no account, and that
// failures are not (L-61).
//
// +checklocksignore
func TestWinbindIsRemembered(t *testing.T) {
	d, runs, clock := winbindOf(t, `case "$2" in
1) echo S-1-5-21-9-8-7-1103 ;;
2) echo WBC_ERR_DOMAIN_NOT_FOUND >&2; exit 1 ;;
*) exit 1 ;;
esac
`)
	for _, c := range []struct {
		uid  uint32
		runs int // of three queries
	}{{1, 1}, {2, 1}, {3, 3}} {
		before := runs()
		for range 3 {
			_, found, err := d.SIDOfUID(context.Background(), c.uid)
			check.That(t, found == (c.uid == 1) && (err != nil) == (c.uid == 3),
				"L-61: SIDOfUID(%d): found %t, %v, want only uid 1 found and an error for 3", c.uid, found, err)
		}
		check.Equal(t, runs()-before, c.runs, "L-61: uid %d: runs of wbinfo", c.uid)
	}
	*clock = clock.Add(answerLife)
	before := runs()
	if _, found, err := d.SIDOfUID(context.Background(), 1); !found || err != nil || runs() != before+1 {
		t.Errorf("L-61: after a minute: found %t, error %v, %d new runs of wbinfo, want 1", found, err, runs()-before)
	}
}

// An answer counts for its minute even while winbind is not queried after a timeout (L-61).
//
// +checklocksignore
func TestCachedWinbindReplySurvivesTimeout(t *testing.T) {
	d, runs, clock := winbindOf(t, "exit 1\n")
	d.known = map[string]remembered{"-U 1": {"S-1-5-21-9-8-7-1103", true, clock.Add(answerLife)}}
	d.silent = clock.Add(silenceLife)
	want := sid.MustParse("S-1-5-21-9-8-7-1103")
	if s, found, err := d.SIDOfUID(context.Background(), 1); s != want || !found || err != nil || runs() != 0 {
		t.Errorf("L-61: a kept answer: %v, %t, %v after %d queries; want %v, true, nil after none", s, found, err, runs(),
			want)
	}
	if _, _, err := d.SIDOfUID(context.Background(), 2); !errors.Is(err, errSilent) {
		t.Errorf("L-61: another question: %v, want %v", err, errSilent)
	}
}

// TestUIDAndGIDQueriesAreSeparate checks that uids and gids are separate queries with separate cached results. "not
// found" and "not mapped" are not errors in either direction (L-55, L-61, L-62).
func TestUIDAndGIDQueriesAreSeparate(t *testing.T) {
	d, runs, _ := winbindOf(t, `case "$1 $2" in
"-U 7") echo S-1-5-21-9-8-7-1 ;;
"-G 7") echo S-1-5-21-9-8-7-2 ;;
"-S S-1-5-21-9-8-7-7") echo 71 ;;
"-Y S-1-5-21-9-8-7-7") echo 72 ;;
"-U 2147483647" | "-G 2147483647") echo S-1-5-21-9-8-7-3 ;;
"--unix-ids-to-sids u2147483648") echo S-1-5-21-9-8-7-4 ;;
"--unix-ids-to-sids g2147483648") echo S-1-5-21-9-8-7-5 ;;
"--unix-ids-to-sids u3000000000" | "--unix-ids-to-sids g3000000000") echo NOT MAPPED ;;
"-S S-1-5-21-9-8-7-1") echo -2147483648 ;;
"-S S-1-5-21-9-8-7-2") echo 4294967294 ;;
"-S S-1-5-21-9-8-7-3") echo 4294967295 ;;
"-S S-1-5-21-9-8-7-4") echo 0 ;;
"-S S-1-5-21-9-8-7-10") echo -1 ;;
"-S S-1-5-21-9-8-7-11") echo 4294967296 ;;
"-S S-1-5-21-9-8-7-12") echo -2147483649 ;;
*) echo WBC_ERR_DOMAIN_NOT_FOUND >&2; exit 1 ;;
esac
`)
	ctx := context.Background()
	machine := sid.MustParse("S-1-5-21-9-8-7")
	for range 2 {
		for _, c := range []struct {
			id       uint32
			uid, gid uint32 // the RIDs; 0 for an id of no account
		}{{7, 1, 2}, {8, 0, 0}, {1<<31 - 1, 3, 3}, {1 << 31, 4, 5}, {3000000000, 0, 0}} {
			for i, ask := range []func(context.Context, uint32) (sid.SID, bool, error){d.SIDOfUID, d.SIDOfGID} {
				rid := []uint32{c.uid, c.gid}[i]
				s, ok, err := ask(ctx, c.id)
				if err != nil || ok != (rid != 0) || ok && s != machine.WithRID(rid) || !ok && !s.IsZero() {
					t.Errorf("L-62: %d is %v, %t, %v, want the RID %d", c.id, s, ok, err, rid)
				}
			}
		}
		for rid, want := range map[uint32]int64{7: 71, 1: 1 << 31, 2: 1<<32 - 2, 3: -2, 4: 0, 9: -1, 10: -2, 11: -2, 12: -2} {
			n, ok, err := d.UIDOf(ctx, machine.WithRID(rid))
			if ok != (want >= 0) || ok && int64(n) != want || (err != nil) != (want == -2) || want == -1 && n != 0 {
				t.Errorf("L-62: RID %d is %d, %t, %v, want %d", rid, n, ok, err, want)
			}
		}
		if n, ok, err := d.GIDOf(ctx, machine.WithRID(7)); n != 72 || !ok || err != nil {
			t.Errorf("L-55: RID 7 is the gid %d, %t, %v, want 72, true, nil", n, ok, err)
		}
	}
	if n := runs(); n != 20 {
		t.Errorf("L-61: 40 queries made %d runs of wbinfo, want 20", n)
	}
}

// TestAnswerCacheIsBounded checks that the cache is emptied when it reaches its limit (L-61).
//
// +checklocksignore
func TestAnswerCacheIsBounded(t *testing.T) {
	d, _, clock := winbindOf(t, "echo S-1-5-21-9-8-7-1103\n")
	d.known = map[string]remembered{}
	for i := range maxAnswers - 1 {
		d.known[strconv.Itoa(i)] = remembered{until: clock.Add(time.Hour)}
	}
	for _, c := range []struct {
		uid  uint32
		kept int
	}{{1, maxAnswers}, {2, 1}, {3, 2}} {
		if _, ok, err := d.SIDOfUID(context.Background(), c.uid); !ok || err != nil || len(d.known) != c.kept {
			t.Errorf("L-61: %d: %t, %v, %d are kept, want %d", c.uid, ok, err, len(d.known), c.kept)
		}
	}
}
