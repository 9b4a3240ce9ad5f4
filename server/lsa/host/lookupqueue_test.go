package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/internal/subids"
)

// TestManyLookupsStartFewProcesses checks that 60 users who connect at the same time make the host run at most
// maxRunning processes at a time, and that one user's 60 connections run at most twice as many in all (L-85).
func TestManyLookupsStartFewProcesses(t *testing.T) {
	getent := func(program string) func(context.Context, uint32) {
		n := &Names{getent: program}
		return func(ctx context.Context, uid uint32) { n.UserName(ctx, uid) }
	}
	winbind := func(program string) func(context.Context, uint32) {
		d := &Domains{wbinfo: program}
		return func(ctx context.Context, uid uint32) { _, _, _ = d.SIDOfUID(ctx, uid) }
	}
	for name, c := range map[string]struct {
		source func(program string) func(context.Context, uint32)
		users  int
	}{
		"one user": {getent, 1}, "60 users": {getent, 60},
		"one user of winbind": {winbind, 1}, "60 users of winbind": {winbind, 60},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			program := filepath.Join(dir, "program")
			check.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\nmkdir "+dir+"/run.$$\nls -d "+dir+"/run.* | wc -l >>"+
				dir+"/log\nsleep 0.01\nrmdir "+dir+"/run.$$\nexit 2\n"), 0o700))
			ask := c.source(program)
			var all sync.WaitGroup
			for i := range 60 {
				all.Go(func() { ask(t.Context(), uint32(i%c.users)) })
			}
			all.Wait()
			b, err := os.ReadFile(filepath.Join(dir, "log"))
			check.NoError(t, err)
			counts := strings.Fields(string(b))
			for _, c := range counts {
				if n, err := strconv.Atoi(c); err != nil || n > maxRunning {
					t.Errorf("L-85: %s processes at the same time, want at most %d", c, maxRunning)
				}
			}
			check.That(t, c.users > 1 || len(counts) <= 2*maxRunning,
				"L-85: %d processes for one user, want at most %d", len(counts), 2*maxRunning)
		})
	}
}

// TestLookupsOfSubordinateUIDsDelayNoOtherUser checks that a user's lookup does not wait for all those of another
// user's subordinate uids (L-85).
func TestLookupsOfSubordinateUIDsDelayNoOtherUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		program, file := filepath.Join(dir, "getent"), filepath.Join(dir, "subuid")
		check.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho $2 >>"+dir+"/log\nexit 2\n"), 0o700))
		check.NoError(t, os.WriteFile(file, []byte("mallory:100000:65536\n"), 0o600))
		slots := admission.NewPool(0, 99) // none is free
		n := &Names{getent: program, subids: subids.Files{Names: []string{file}},
			queue: lookupQueue{slots: slots, waiting: map[lookupKey]*lookup{}}}
		for i := range uint32(61) {
			uid := 100000 + i
			if i == 60 {
				uid = 2000
			}
			go n.GroupsOf(t.Context(), uid)
			synctest.Wait()
		}
		check.Equal(t, slots.Waiting(), 61, "lookups that wait")
		slots.Leave() // one slot is free
		synctest.Wait()
		b, err := os.ReadFile(filepath.Join(dir, "log"))
		check.NoError(t, err)
		check.Equal(t, slices.Index(strings.Fields(string(b)), "2000"), 1, "L-85: lookups before that of the other user")
	})
}

// TestDifferentLookupsShareNoProcess checks that lookups of a user and a group with the same name share no process, nor
// do equal lookups of two requesters, whose turns differ (L-85).
func TestDifferentLookupsShareNoProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// No slot is free.
		n := &Names{queue: lookupQueue{slots: admission.NewPool(0, 9), waiting: map[lookupKey]*lookup{}}}
		ctx, cancel := context.WithCancel(t.Context())
		go n.UID(ctx, "both")
		go n.GID(ctx, "both")
		go n.Groups(ctx, "both")
		go n.groups(ctx, "1000", "both")
		synctest.Wait()
		check.Equal(t, n.queue.slots.Waiting(), 3, "L-85: lookups of a user for two requesters, and of a group")
		cancel()
		synctest.Wait()
	})
}

// TestLookupJoinsQueuedLookup checks that a lookup joins one that waits and none that runs, and that a lookup without
// callers ends and is forgotten (L-85).
func TestLookupJoinsQueuedLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q lookupQueue
		var ran []string
		begun, release := make(chan string), make(chan struct{})
		ask := func(ctx context.Context, key string) chan error {
			done := make(chan error, 1)
			go func() {
				line, found, err := q.do(ctx, anyName, key, func(ctx context.Context) (string, bool, error) {
					begun <- key
					select {
					case <-release:
						return "answer to " + key, true, nil
					case <-ctx.Done():
						return "", false, ctx.Err()
					}
				})
				if err == nil && (line != "answer to "+key || !found) {
					err = fmt.Errorf("%q, %t", line, found)
				}
				done <- err
			}()
			return done
		}
		first := ask(t.Context(), "a")
		ran = append(ran, <-begun)
		answers := []chan error{first, ask(t.Context(), "a")} // the first lookup runs, so this one is new
		ran = append(ran, <-begun)
		for i := range maxRunning - 2 {
			answers = append(answers, ask(t.Context(), fmt.Sprint(i)))
			ran = append(ran, <-begun)
		}
		for range 5 {
			answers = append(answers, ask(t.Context(), "b"))
		}
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		lost := []chan error{ask(hurried, "b"), ask(hurried, "c"), ask(hurried, "c")}
		for _, l := range lost {
			if err := <-l; !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errBusy) {
				t.Errorf("a lookup whose time is over: %v", err)
			}
		}
		synctest.Wait() // c has left the queue
		release <- struct{}{}
		if ran = append(ran, <-begun); ran[len(ran)-1] != "b" {
			t.Errorf("%v ran, want b last: no caller waits for c", ran)
		}
		close(release)
		for i, a := range answers {
			check.Equal(t, <-a, nil, "lookup %d", i)
		}
		synctest.Wait()
		check.That(t, len(ran) == maxRunning+1 && len(q.waiting) == 0 && q.slots.Waiting() == 0,
			"%d lookups ran, %d can be joined, %d wait, want %d, 0, 0", len(ran), len(q.waiting), q.slots.Waiting(),
			maxRunning+1)
		release = make(chan struct{})
		ended, cancel2 := context.WithCancel(t.Context())
		left := ask(ended, "d")
		<-begun
		cancel2()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("a lookup whose caller left: %v", err)
		}
		synctest.Wait()                   // the lookup has ended too, otherwise the test would hang
		q.slots = admission.NewPool(0, 9) // none is free
		running := q.join(lookupKey{anyName, "e"}, nil)
		q.mu.Lock()
		q.forget(running) // as serve does
		q.mu.Unlock()
		next := q.join(lookupKey{anyName, "e"}, nil)
		q.leave(running)
		check.That(t, q.join(lookupKey{anyName, "e"}, nil) == next,
			"L-85: a caller that left a running lookup removed the one that waits")
		q.leave(next)
		q.leave(next)
	})
}
