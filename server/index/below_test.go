package index

import (
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// TestWalkOfRootFolderRemovesDocuments checks that the end of a walk of the tree / removes the documents that it did
// not find, as in any other tree (N-8).
func TestWalkOfRootFolderRemovesDocuments(t *testing.T) {
	w := firmWorker(t, "")
	d := sd.New(sd.Parts{})
	for _, list := range [][]watch.Seen{
		{{Path: "/", Folder: true, Descriptor: d}, {Path: "/d", Folder: true, Descriptor: d}, {Path: "/d/a", Descriptor: d}},
		{{Path: "/", Folder: true, Descriptor: d}},
	} {
		check.NoError(t, w.Batch(&watch.Batch{Tree: "/", Begin: true, Seen: list, End: true}))
		check.Equal(t, len(w.state.rows), len(list), "documents after a walk")
	}
}

// TestDeletionsKeepNamelessDocuments checks that deletions of other documents keep those that the index cannot name
// (N-5). A search of all of them for each deletion takes 39 seconds here.
func TestDeletionsKeepNamelessDocuments(t *testing.T) {
	const names = 1 << 14
	w := firmWorker(t, "")
	var list []watch.Seen
	for i := range names {
		list = append(list, watch.Seen{Path: "/t/\xff" + strconv.Itoa(i)})
	}
	report(t, w, list...)
	for i := range names {
		report(t, w, watch.Seen{Path: "/t/" + strconv.Itoa(i), Gone: true})
	}
	check.Equal(t, len(w.unnamed), names, "documents without a name")
}

// TestSearchPermissionOfRootFolderCounts checks that the host's search permission of the tree / counts for the
// documents in it, and that a document there has no condition about another folder (N-95).
func TestSearchPermissionOfRootFolderCounts(t *testing.T) {
	read := check.Must(sddl.Parse("O:SYG:SYD:(A;;FR;;;WD)"))
	staffOnly := check.Must(sddl.Parse("O:SYG:SYD:(A;;FX;;;" + staff + ")"))
	for _, c := range []struct {
		traverse Traverse
		want     []string
	}{{TraverseHost, []string{alice, bob}}, {TraverseAlways, []string{alice, bob, carol}}} {
		w := firmWorker(t, c.traverse)
		check.NoError(t, w.Batch(&watch.Batch{Tree: "/", Begin: true, End: true, Seen: []watch.Seen{
			{Path: "/", Folder: true, Descriptor: staffOnly, Search: staffOnly},
			{Path: "/d", Folder: true, Descriptor: staffOnly, Search: staffOnly}, {Path: "/d/b", Descriptor: read},
			{Path: "/x", Gone: true}, {Path: "/a", Descriptor: read}}}))
		check.Equal(t, strings.Join(readers(w, "/a"), " "), strings.Join(c.want, " "), "readers with %s", c.traverse)
	}
}
