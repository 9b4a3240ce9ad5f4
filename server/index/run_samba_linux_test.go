package index_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/server/index"
)

// sambaIndex is a live index with a database, over a tree that smbd also serves.
type sambaIndex struct {
	*live
	tree   *smbd.Tree
	server postgres.Server
	run    *exec.Cmd
}

// TestIndexEqualsSamba changes a live tree with closed folders, hard links, long names, POSIX ACLs, descriptors and
// mounts at random, kills the run with SIGKILL and its database too, fills the disk of its state, and compares answers
// with smbd's. The pairs are drawn after the changes, with a seed of that time. REFMON_SAMBA_PAIRS sets their number.
func TestIndexEqualsSamba(t *testing.T) {
	if os.Getenv("REFMON_SAMBA_PAIRS") == "" {
		randtest.SkipUnlessDeep(t, "it compares thousands of pairs with smbd")
	}
	l := newLive(t, false)
	s := &sambaIndex{live: l, server: postgres.Start(t),
		tree: smbd.NewTree(t, l.tree, l.config.Directory, randtest.Seed(t))}
	s.config.Traverse, s.config.Compact = index.TraverseHost, 1<<18
	s.dsn = "host=" + s.server.Dir + " dbname=postgres user=" + postgres.Owner
	s.limitDisk()
	pairs := randtest.Count(t, "REFMON_SAMBA_PAIRS", 100_000)
	s.change(max(300, pairs/50))
	s.run = s.child()
	failures := []func(){s.crashDatabase, s.killRun, s.fillDisk, s.crashDatabase, s.killRun, s.fillDisk}
	for _, fail := range failures {
		s.change(max(40, pairs/500))
		fail()
		s.compareWithSamba(pairs / len(failures))
	}
}

// limitDisk puts the state on a file system of 32 MiB.
func (s *sambaIndex) limitDisk() {
	s.t.Helper()
	check.NoError(s.t, os.MkdirAll(s.state, 0o700))
	if err := unix.Mount("tmpfs", s.state, "tmpfs", 0, "size=32m,mode=700"); err != nil {
		smbd.Skip(s.t, "file systems cannot be mounted here: %v", err)
	}
	s.t.Cleanup(func() { _ = unix.Unmount(s.state, unix.MNT_DETACH) })
}

func (s *sambaIndex) change(times int) {
	s.t.Helper()
	for range times {
		s.tree.Change()
	}
}

func (s *sambaIndex) crashDatabase() {
	s.t.Helper()
	s.server.Crash()
	s.server.Again()
	s.change(1)
}

func (s *sambaIndex) killRun() {
	s.t.Helper()
	check.NoError(s.t, s.run.Process.Kill())
	_ = s.run.Wait() // it was killed
	s.change(20)
	s.run = s.child()
}

// fillDisk fills the disk of the state until the run ends with an error. Nobody gets an answer meanwhile. Then it
// frees the disk and starts another run.
func (s *sambaIndex) fillDisk() {
	s.t.Helper()
	x := s.open(time.Millisecond)
	at := filepath.Join(s.state, "filler")
	f, err := os.Create(at)
	check.NoError(s.t, err)
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	check.RequireThat(s.t, errors.Is(err, unix.ENOSPC), "fill the disk: %v, want %v", err, unix.ENOSPC)
	done := make(chan error, 1)
	go func() { done <- s.run.Wait() }()
	for ended := false; !ended; {
		select {
		case err := <-done:
			if ended = true; err == nil {
				s.t.Error("a run with a full disk ended without an error")
			}
		default:
			s.change(1)
		}
	}
	s.change(20)
	if a := x.CanRead(s.live.tree, "p0", "read"); a.Allowed || a.Because == "" {
		s.t.Errorf("while the disk is full: %+v, want no answer", a)
	}
	check.NoError(s.t, errors.Join(f.Close(), os.Remove(at)))
	s.run = s.child()
}

// compareWithSamba waits for heartbeats later than now and compares random pairs of the tree's documents and people.
func (s *sambaIndex) compareWithSamba(pairs int) {
	s.t.Helper()
	x := s.open(time.Hour)
	s.awaitHeartbeats(x)
	paths := s.tree.Paths()
	s.tree.Compare(paths, pairs, func(path, person string) (bool, string) {
		a := x.CanRead(path, person, "read")
		return a.Allowed, a.Because
	})
	s.compareDatabase(x, paths)
}

// awaitHeartbeats waits until both sources have a heartbeat later than now, in the folder and in the database.
func (s *sambaIndex) awaitHeartbeats(x *index.Index) {
	s.t.Helper()
	for present := time.Now(); s.t.Context().Err() == nil; time.Sleep(5 * time.Millisecond) {
		list, err := x.Heartbeats()
		if err == nil && len(list) == 2 && list[0].Time.After(present) && list[1].Time.After(present) {
			return
		}
	}
	s.t.Fatal("no heartbeat")
}

// compareDatabase compares what the database shows to three people with the index, which equals Samba.
func (s *sambaIndex) compareDatabase(x *index.Index, paths []string) {
	s.t.Helper()
	conn := check.Must(pgx.Connect(s.t.Context(), s.dsn))
	defer conn.Close(context.Background())
	for range 3 {
		p, want := &s.tree.People[rand.IntN(len(s.tree.People))], map[string]bool{}
		for _, path := range paths {
			if x.CanRead(path, p.Name, "read").Allowed {
				want[path] = true
			}
		}
		rows, err := conn.Query(s.t.Context(), `select id from refmon.documents join refmon.members using (class)
			where sid = $1 and right_name = 'read' and tree = any (refmon.fresh())`, p.SIDs[0])
		check.NoError(s.t, err)
		list := check.Must(pgx.CollectRows(rows, pgx.RowTo[string]))
		got := map[string]bool{}
		for _, id := range list {
			got[id] = true
		}
		if !maps.Equal(got, want) {
			s.t.Errorf("the database shows %s %d documents, want %d", p.Name, len(got), len(slices.Collect(maps.Keys(want))))
		}
	}
}
