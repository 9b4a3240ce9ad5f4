package index_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
)

// TestTreesMustBeSeparate checks that trees may be neither equal nor nested (N-142).
func TestTreesMustBeSeparate(t *testing.T) {
	for trees, want := range map[string]bool{"/a": true, "/a /b": true, "/a /ab": true, "/a/b /a/c": true, "a": false,
		"/a /a": false, "/a /a/": false, "/b/../a /a/b": false, "/a /b/../a/b": false, "/a/b /a": false,
		"/b /a /a/b/c": false, "/ /a": false} {
		err := index.SeparateTrees(strings.Fields(trees))
		check.That(t, (err == nil) == want, "trees %s: %v", trees, err)
	}
	err := index.Run(t.Context(), index.Config{Trees: []string{"/a", "/a/b"}, Rights: "read", State: t.TempDir()})
	check.That(t, err != nil && strings.Contains(err.Error(), "tree /a/b is the tree /a or below it"), "%v", err)
}

// TestDocumentsOfFormerTreeAreDeleted takes a tree off the configuration. The next run deletes its documents from the
// index and from the search engine, and says so (N-141).
func TestDocumentsOfFormerTreeAreDeleted(t *testing.T) {
	l := newLive(t, true)
	name, other := filepath.Join(t.TempDir(), "bulk.ndjson"), t.TempDir()
	check.NoError(t, os.WriteFile(filepath.Join(other, "old"), nil, 0o604))
	var warned []string
	l.config.Warn = func(err error) { warned = append(warned, err.Error()) }
	for _, trees := range [][]string{{l.tree, other}, {l.tree + "/"}} {
		b := check.Must(index.NewBulk(name, "docs", l.state, index.BulkSIDs))
		ready := make(chan struct{})
		l.config.Trees, l.config.Sinks, l.config.Ready = trees, []index.Sink{b}, func() { close(ready) }
		l.start()
		for walked := false; !walked; {
			l.awaitBeats()
			select {
			case <-ready:
				walked = true
			default:
			}
		}
		l.end()
	}
	l.config.Trees, l.config.Sinks, l.config.Ready = []string{other, other + "typo"}, nil, nil
	err := index.Run(t.Context(), l.config) // a mistyped tree ends the run before it deletes documents
	check.That(t, err != nil && strings.HasPrefix(err.Error(), "tree "+other+"typo: "), "a missing tree: %v", err)
	_, err = index.Open(other, 0)
	check.That(t, errors.Is(err, os.ErrNotExist) && strings.HasPrefix(err.Error(), other+" has no index"), "%v", err)
	engine := searched{}
	engine.take(t, string(check.Must(os.ReadFile(name))))
	check.SlicesEqual(t, engine.ids(), []string{l.tree, l.path("plan"), l.path("sub"), l.path("sub/offer")}, "documents")
	check.SlicesEqual(t, warned, []string{
		"tree " + other + " is no longer given: removing its documents from the index (2)"},
		"warnings")
	for _, h := range check.Must(l.open(time.Hour).Heartbeats()) {
		check.That(t, h.Source != other, "%s still has a heartbeat: %+v", other, h)
	}
}
