package stages

import (
	"fmt"
	"testing"

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
	p := &batchPublisher{c: c, site: h.site}
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
		list, err := h.dial(site.Work).next(t.Context(), site.StreamSeen, subjectOf(part), 1)
		check.NoError(t, err)
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
}
