package stages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// TestBatchIsDividedAmongParts checks that each document of a large batch is in one message of its part, with its
// descriptor, and that deleted names and folders are in all parts if traverse rights are checked (N-75).
func TestBatchIsDividedAmongParts(t *testing.T) {
	h := newOpenSite(t, 2)
	h.site.Traverse = index.TraverseAlways
	c := h.dial(site.Watch("a"))
	p := &batchPublisher{c: c, site: h.site, started: 1 << 62} // by a clock that is ahead
	parts := []site.Part{h.part, h.part}
	parts[1].Number = 1
	for _, part := range parts {
		p.chains = append(p.chains, &chain{c: c, stream: site.StreamSeen, subject: subjectOf(part), rival: p.rival})
	}
	x := watch.Batch{Tree: h.tree, Begin: true, Seen: []watch.Seen{{Path: h.tree + "/gone", Gone: true},
		{Path: h.tree + "/folder", Folder: true, Descriptor: forAll}}}
	for i := range 3 * maxDocuments {
		x.Seen = append(x.Seen, watch.Seen{Path: fmt.Sprint(h.tree, "/", i), Descriptor: forAll})
	}
	check.NoError(t, p.batch(t.Context(), &x))
	documents := 0
	for _, part := range parts {
		list := check.Must(h.dial(site.Work).next(t.Context(), site.StreamSeen, subjectOf(part), 1))
		shared := 0
		for i := range list {
			_, b, err := parseSeen(h.site, part, list[i].Body)
			check.NoError(t, err)
			for _, s := range b.Seen {
				if s.Gone || s.Folder {
					shared++
				} else if s.Descriptor != nil {
					documents++
				}
			}
		}
		check.Equal(t, shared, 2, "deleted names and folders in part %d", part.Number)
	}
	check.Equal(t, documents, 3*maxDocuments, "documents with a descriptor")
	next, batches := &batchPublisher{c: c, site: h.site, chains: p.chains}, make(chan watch.Batch)
	ctx, end := context.WithCancel(t.Context())
	go func() {
		batches <- watch.Batch{}
		end()
	}()
	check.NoError(t, next.publish(ctx, batches))
	check.Equal(t, next.started, p.started+walks, "N-49: the number of the next watcher's walks")
}

// source is a source without batches that blocks until its context ends, or returns failed at once if that is set.
type source struct{ failed, stopped error }

func (s source) Run(ctx context.Context, _ chan<- watch.Batch) error {
	if s.failed == nil {
		<-ctx.Done()
	}
	return cmp.Or(s.failed, s.stopped)
}

// TestRestartedSourceReturnsEachError checks that a request starts the next source, and that Run returns the error of
// a source that fails by itself or while it is stopped. The end of the context is not an error.
func TestRestartedSourceReturnsEachError(t *testing.T) {
	broken := errors.New("broken")
	for what, c := range map[string]struct {
		sources []source // each is stopped by a request, the last one by the context
		want    error
	}{
		"by itself":         {[]source{{}, {failed: broken}}, broken},
		"while it restarts": {[]source{{}, {stopped: broken}, {}}, broken},
		"never":             {[]source{{}, {}, {}}, nil},
	} {
		ctx, end := context.WithCancel(t.Context())
		again, begun := make(chan struct{}, len(c.sources)), 0
		s := &restartingSource{again: again, from: func() watch.Source {
			if begun++; begun < len(c.sources) {
				again <- struct{}{}
			} else {
				end()
			}
			return c.sources[begun-1]
		}}
		err := s.Run(ctx, nil)
		end()
		check.That(t, errors.Is(err, c.want), "a source that fails %s: %v after %d sources, want %v", what, err, begun,
			c.want)
	}
}

// runFunc is a source that calls the function.
type runFunc func(ctx context.Context)

func (f runFunc) Run(ctx context.Context, _ chan<- watch.Batch) error {
	f(ctx)
	return nil
}

// TestRequestedWalkWaitsForSource checks that a request for a walk is kept while the source of the tree stops for an
// earlier request.
func TestRequestedWalkWaitsForSource(t *testing.T) {
	h := newOpenSite(t, 1)
	c := h.dial(site.Watch("a"))
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	request := func() {
		check.NoError(t, errors.Join(c.nc.Publish("again."+h.part.Subject(), nil), c.nc.Flush()))
	}
	begun := 0
	err := Watch(ctx, c, WatchConfig{Host: "a", From: func(string) watch.Source {
		begun++
		return []runFunc{
			func(ctx context.Context) {
				request()
				<-ctx.Done()
				request()
				time.Sleep(50 * time.Millisecond) // the request arrives before the source has stopped
			},
			func(ctx context.Context) { <-ctx.Done() },
			func(context.Context) { end() },
		}[begun-1]
	}})
	check.NoError(t, err)
	check.Equal(t, begun, 3, "walks after two requests")
}

// TestWatcherHasTheConfiguration checks that a watcher in this process has the settings of the configuration and the
// site, and receives requests for a walk.
func TestWatcherHasTheConfiguration(t *testing.T) {
	again := make(chan struct{})
	for traverse, search := range map[index.Traverse]bool{index.TraverseHost: true, index.TraverseAlways: false} {
		o := WatchConfig{Host: "a", NoEvents: true, Every: time.Hour, Beat: time.Second}
		w, _ := o.source(&site.Site{Traverse: traverse}, "/srv", again).(*watch.Watcher)
		check.RequireThat(t, w != nil, "the source is no watcher")
		check.That(t, w.Root == "/srv" && w.NoEvents && w.Every == time.Hour && w.Beat == time.Second &&
			w.Again == again && w.Options.Search == search, "traverse %q: the watcher is %+v", traverse, w)
	}
}

// TestEachTreeOfHostIsWatched checks that Watch runs one source for each tree of its host.
func TestEachTreeOfHostIsWatched(t *testing.T) {
	h := newOpenSite(t, 1)
	h.site.Hosts["a"] = []string{h.tree, "/other"}
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	begun := make(chan string, 2)
	err := Watch(ctx, h.dial(site.Watch("a")), WatchConfig{Host: "a", From: func(tree string) watch.Source {
		return runFunc(func(ctx context.Context) {
			if begun <- tree; len(begun) == cap(begun) {
				end()
			}
			<-ctx.Done()
		})
	}})
	check.RequireThat(t, err == nil && len(begun) == 2, "%d sources, %v", len(begun), err)
	check.That(t, Watch(t.Context(), h.dial(site.Watch("a")), WatchConfig{Host: "c"}) != nil, "an unknown host is watched")
	got := []string{<-begun, <-begun}
	slices.Sort(got)
	want := []string{h.tree, "/other"}
	slices.Sort(want)
	check.SlicesEqual(t, got, want, "trees")
}
