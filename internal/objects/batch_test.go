package objects_test

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/test/check"
)

// TestStoppedBatchReportsItsPosition checks that a stopped batch reports the lines before the object, and the bytes
// without the rest. A reset empties it.
func TestStoppedBatchReportsItsPosition(t *testing.T) {
	var stopped atomic.Bool
	b := objects.Batch{First: 10, Lines: 9, End: 100, Stopped: &stopped}
	b.Add(objects.Object{})
	check.That(t, !b.Stop(12, 30) && !b.Cut, "a batch stops before Stop says so")
	stopped.Store(true)
	check.That(t, b.Stop(12, 30) && b.Cut && b.Lines == 2 && b.End == 70 && b.Len() == 1,
		"stopped: %+v of %d objects, want 2 lines, 70 bytes and 1 object", b, b.Len())
	b.Each(func(*objects.Object) { t.Error("a stopped batch passes an object") })
	b.Reset()
	check.DeepEqual(t, b, objects.Batch{Stopped: &stopped}, "batch after a reset")
	check.NoError(t, jsonl.Lines(strings.NewReader("{}"), 0, 0).Next(&b))
	b.Reset()
	b.Add(objects.Object{})
	check.Equal(t, b.Len(), 1, "objects added to a batch with the empty content of the source before")
	b.Reset()
	check.NoError(t, sourceOf(io.EOF, objects.Object{}).Next(&b))
	check.That(t, b.Content == nil, "a batch has the content of the source before")
}
