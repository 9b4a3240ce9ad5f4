//go:build unix

package auditlog

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
)

// A checkpoint whose root differs from its records is not signed and ends the log. Without disk space nothing is
// signed, which is reported, and the next checkpoint also covers these records (U-71).
func TestWrongRootIsNotSigned(t *testing.T) {
	var good frontier
	leaves := []tlog.Hash{{1}, {2}, {3}}
	for _, l := range leaves {
		good.add(l)
	}
	for name, c := range map[string]struct {
		job    toSign
		refuse error
		want   error
	}{
		"good":         {toSign{leaves, 3, good.root()}, nil, nil},
		"another root": {toSign{leaves, 3, tlog.Hash{9}}, nil, ErrDamaged},
		"another size": {toSign{leaves, 2, good.root()}, nil, ErrDamaged},
		"no room":      {toSign{leaves, 3, good.root()}, syscall.ENOSPC, syscall.ENOSPC},
	} {
		d := newMemDisk(t, "")
		l := &Log{cfg: testConfig(t, d), origin: "test.example/log"}
		n := &notary{log: l, tiles: &tiler{}}
		d.Fail(c.refuse)
		if err := n.notarize(c.job); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		ended := l.failed != nil
		if made := d.now[checkpointName] != nil; made != (c.want == nil) || ended != errors.Is(c.want, ErrDamaged) {
			t.Errorf("%s: a checkpoint %v, the log has ended %v", name, made, ended)
		}
		if c.refuse != nil {
			if s, _ := l.State(); !errors.Is(s.Failed, c.refuse) || s.Ended != nil {
				t.Errorf("%s: state %+v, want the failure", name, s)
			}
			d.Fail(nil)
			if err := n.notarize(toSign{nil, 3, good.root()}); err != nil || l.noted.Load() == nil || l.noted.Load().Size != 3 {
				t.Errorf("%s, then room: %v", name, err)
			}
		}
	}
}

// The first failure of a log is permanent, and later ones return it.
func TestFirstFailureOfLogStays(t *testing.T) {
	var l Log
	first := l.fail(syscall.EIO)
	second := l.fail(syscall.ENOSPC)
	testcheck.That(t, errors.Is(first, syscall.EIO) && errors.Is(second, first),
		"failures %v, then %v, want the first twice", first, second)
	testcheck.ErrorIs(t, (&writer{log: &l}).sync(), syscall.EIO, "a sync after it")
}

// TestFailedCheckpointLeavesNoTiles checks that a checkpoint that follows one that failed on a full disk leaves only
// its own partial tiles (U-71).
func TestFailedCheckpointLeavesNoTiles(t *testing.T) {
	for fails := 1; ; fails++ {
		var tree frontier
		tree.add(tlog.Hash{1})
		d := newMemDisk(t, "")
		l := &Log{cfg: testConfig(t, d), origin: "test.example/log"}
		n := &notary{log: l, tiles: &tiler{}}
		d.Fail(syscall.ENOSPC, inject.OnIndex(fails-1))
		failed := n.notarize(toSign{[]tlog.Hash{{1}}, 1, tree.root()})
		tree.add(tlog.Hash{2})
		d.Fail(nil)
		if err := n.notarize(toSign{[]tlog.Hash{{2}}, 2, tree.root()}); err != nil {
			t.Fatalf("after %s failed: %v", d.Ops()[fails-1], err)
		}
		for name := range d.now {
			if strings.Contains(name, ".p/") && !strings.HasSuffix(name, ".p/2") {
				t.Errorf("after %s failed, %s is left", d.Ops()[fails-1], name)
			}
		}
		if failed == nil {
			return
		}
	}
}

// slowSigner takes an hour for a signature.
type slowSigner struct{ note.Signer }

// Sign implements note.Signer.
func (s slowSigner) Sign(b []byte) ([]byte, error) {
	time.Sleep(time.Hour)
	return s.Signer.Sign(b)
}

// The last checkpoint of a log has all its records, also if the notary is busy when the log is closed. A quiet
// log is signed after ten seconds (U-71).
func TestCloseSignsAllRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, cfg := newConfig(t)
		quiet := mustOpen(t, cfg)
		mustWrite(t, quiet, 1)
		time.Sleep(checkpointTime + time.Second)
		synctest.Wait()
		testcheck.Equal(t, quiet.Checkpoint().Size, 2, "records of the checkpoint without more of them")
		testcheck.NoError(t, quiet.Close())
		_, cfg = newConfig(t)
		cfg.Signers[0], cfg.CheckpointRecords = slowSigner{cfg.Signers[0]}, 1
		l := mustOpen(t, cfg)
		mustWrite(t, l, 3)
		testcheck.NoError(t, l.Close())
		testcheck.Equal(t, l.Checkpoint().Size, 5, "records of the last checkpoint")
	})
}

// Signed records are not passed to the notary again. Stopping it returns the error of its last checkpoint (U-71).
func TestNotaryStopReturnsLastError(t *testing.T) {
	d := newMemDisk(t, "")
	l := &Log{cfg: testConfig(t, d), origin: "test.example/log"}
	n := &notary{log: l, tiles: &tiler{}}
	n.start()
	var tree frontier
	leaves := make([]tlog.Hash, tileWidth)
	for _, leaf := range leaves {
		tree.add(leaf)
	}
	n.push(toSign{leaves, tileWidth, tree.root()}, true)
	testcheck.NoError(t, n.wait())
	writes := len(d.Ops())
	n.push(toSign{nil, tileWidth, tree.root()}, true)
	if n.busy || n.wait() != nil || len(d.Ops()) != writes {
		t.Errorf("a checkpoint that is there was made again: %q", d.Ops()[writes:])
	}
	tree.add(tlog.Hash{1})
	n.push(toSign{[]tlog.Hash{{1}}, tileWidth + 1, tree.root()}, true)
	if err := n.wait(); err != nil || strings.Contains(fmt.Sprint(d.Ops()[writes:]), "tile/0/000") {
		t.Errorf("%v; a full tile was stored again: %q", err, d.Ops()[writes:])
	}
	tree.add(tlog.Hash{2})
	d.Fail(syscall.EIO)
	n.push(toSign{[]tlog.Hash{{2}}, tileWidth + 2, tree.root()}, true)
	if err := n.stop(); !errors.Is(err, syscall.EIO) {
		t.Errorf("stopping after a failed note: %v, want %v", err, syscall.EIO)
	}
}
