package index_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
)

// applyChanges applies the changes after a number to the earlier readers of each document, and returns the last number.
func (l *live) applyChanges(has map[string]bool, after uint64) (last uint64, err error) {
	last = after
	err = index.Changes(l.state, after, func(c index.Change) error {
		for _, who := range c.Gained {
			has[c.Document+" "+who] = true
		}
		for _, who := range c.Lost {
			delete(has, c.Document+" "+who)
		}
		last = c.Seq
		return nil
	})
	return last, err
}

// forgetful is a bulk file that counts the compactions of the log.
type forgetful struct {
	*index.Bulk
	times int
}

func (f *forgetful) Compacted() error {
	f.times++
	return f.Bulk.Compacted()
}

// TestLogIsCompactedDuringRun checks that a log is compacted during writes and stays small, and that queries,
// followers, sinks and the next run continue unchanged. A follower with a number that is too old
// gets an error (N-22). Only the owner can read the files of the index.
func TestLogIsCompactedDuringRun(t *testing.T) {
	l := newLive(t, false)
	l.config.Compact = 1
	name := filepath.Join(t.TempDir(), "bulk.ndjson")
	bulk := check.Must(index.NewBulk(name, "docs", l.state, index.BulkSIDs))
	forgot := &forgetful{Bulk: bulk}
	l.config.Rights, l.config.Sinks = "read+modify", []index.Sink{forgot}
	l.start()
	l.awaitBeats()
	x := l.open(time.Minute)
	kinds := []string{forStaff, butNotThem, forCarol}
	who := []string{"abd", "ad", "c"}
	follower := map[string]bool{}
	cursor, err := l.applyChanges(follower, 0)
	check.RequireThat(t, err == nil && cursor != 0, "%v %v", cursor, err)
	stale := cursor
	for i := range 60 {
		l.put(fmt.Sprintf("f%d", i%5), fmt.Sprintf("%s(A;;FX;;;S-1-5-21-1-2-3-%d)", kinds[i%3], 5000+i))
		if i%10 != 9 {
			continue
		}
		l.awaitBeats()
		for f := range 5 {
			l.want(x, fmt.Sprintf("f%d", f), who[(i-4+f)%3])
		}
		switch next, err := l.applyChanges(follower, cursor); {
		case errors.Is(err, index.ErrTooOld):
			clear(follower)
			if cursor, err = l.applyChanges(follower, 0); err != nil {
				t.Fatal(err)
			}
		case err != nil:
			t.Fatal(err)
		default:
			cursor = next
		}
		check.Equal(t, check.Err(l.applyChanges(map[string]bool{}, cursor)), nil, "the last number is not one to go on from")
	}
	check.ErrorIs(t, index.Changes(l.state, stale, func(index.Change) error { return nil }), index.ErrTooOld,
		"changes after %d", stale)
	l.end()
	text := check.Must(os.ReadFile(filepath.Join(l.state, "events.jsonl")))
	if n := strings.Count(string(text), "\n"); n > 150 || !strings.Contains(string(text), `"until":`) {
		t.Errorf("%d events, of which two classes and a row a change would be 180; %.200s", n, text)
	}
	check.That(t, forgot.times > 0, "N-22: no compaction reached the sink")
	lines := check.Must(os.ReadFile(name))
	engine := searched{}
	engine.take(t, string(lines))
	l.compare(engine, []string{"f0", "f1", "f4", "plan", "sub/offer"})
	for _, f := range []string{"f0", "f3", "plan", "sub/offer"} {
		for rid, p := range []string{"alice", "bob", "carol", "dave"} {
			got := follower[l.path(f)+fmt.Sprintf(" S-1-5-21-1-2-3-%d", 1107+rid)]
			if want := x.CanRead(l.path(f), p, "read").Allowed; got != want {
				t.Errorf("%s %s: by the changes %v, want %v", f, p, got, want)
			}
		}
	}
	l.config.Sinks = nil
	l.put("f0", forCarol)
	l.start() // continues from a compacted log
	l.awaitBeats()
	l.want(x, "f0", "c")
	l.want(l.open(time.Minute), "plan", "abd")
	l.end()
	files, err := filepath.Glob(filepath.Join(l.state, "*"))
	check.RequireThat(t, err == nil && len(files) >= 3, "files: %q, %v, want log, watermark and cursor", files, err)
	for _, file := range append(files, name) {
		info, err := os.Stat(file)
		check.That(t, err == nil && info.Mode().Perm() == 0o600, "%s: mode %v, %v, want 0600", file, info.Mode(), err)
	}
}

// TestReaderContinuesInCompactedLog checks that a reader that had read half a line of the old log continues with the
// compacted one (N-22).
func TestReaderContinuesInCompactedLog(t *testing.T) {
	l := newLive(t, false)
	l.start()
	l.awaitBeats()
	x := l.open(time.Hour)
	l.want(x, "plan", "abd")
	l.end()
	name := filepath.Join(l.state, "events.jsonl")
	whole := check.Must(os.ReadFile(name))
	for _, half := range []string{`{"seq":`, "{"} {
		if err := os.WriteFile(name, append(slices.Clone(whole), half...), 0o600); err != nil { // the same file
			t.Fatal(err)
		}
		l.want(x, "plan", "abd")
		check.NoError(t, errors.Join(os.WriteFile(name+".new", whole, 0o600), os.Rename(name+".new", name)))
		l.want(x, "plan", "abd")
	}
	check.NoError(t, os.Rename(name, name+".away"))
	l.want(x, "plan", "abd")
	check.NoError(t, errors.Join(os.Rename(name+".away", name), os.WriteFile(name, append(whole, "damaged\n"...), 0o600)))
	for range 2 { // the error is permanent
		because, want := x.CanRead(l.path("plan"), "alice", "read").Because, fmt.Sprintf("at byte %d:", len(whole))
		check.That(t, strings.Contains(because, want), "%q, want %q", because, want)
	}
}
