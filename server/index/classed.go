package index

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// described is the key of the cache of classes: a descriptor, and whether it is a folder's. A walk reports equal
// descriptors as the same pointer.
type described struct {
	d      *sd.Descriptor
	folder bool
}

// classed is a cache entry: the classes that documents with one descriptor have, without the condition about the
// folders above the document.
type classed struct {
	hash    string
	ids     []string
	classes []Class
}

// Limits of the descriptors whose classes a worker caches: their number, and their size in bytes.
const (
	maxClassed      = 1 << 14
	maxClassedBytes = 16 << 20
)

// classed returns the classes that a document with descriptor d gets, one for each right, from the cache if possible.
// folder means that the document is a folder. It does not compute the members of the classes. The caller must not
// change the slices.
func (w *Worker) classed(d *sd.Descriptor, folder bool) classed {
	key := described{d, folder}
	if known, ok := w.byDescriptor[key]; ok {
		return known
	}
	bytes := d.AppendOriginal(nil)
	sum := sha256.Sum256(bytes)
	out := classed{hash: hex.EncodeToString(sum[:8])}
	t := winnt.FileObject
	if folder {
		t = winnt.DirectoryFileObject
	}
	for _, right := range w.rights {
		out.classes = append(out.classes, NewClass(d, w.share, right.Name, right.Mask(t), t))
	}
	out.ids = ids(out.classes)
	// The key keeps the descriptor in memory, which a user of the tree can make large (N-137).
	if w.cached += len(bytes); len(w.byDescriptor) >= maxClassed || w.cached > maxClassedBytes {
		clear(w.byDescriptor)
		w.cached = len(bytes)
	}
	w.byDescriptor[key] = out
	return out
}

// classes sets the classes and the descriptor's hash in r, for the descriptor d of the row. Classes that the state
// does not have are decided and emitted first. The slice may be shared with other rows.
func (w *Worker) classes(r *RowEvent, d *sd.Descriptor) error {
	above, err := w.above(r.Tree, r.Path)
	if err != nil {
		return err
	}
	own := w.classed(d, r.Folder)
	r.Descriptor = own.hash
	if len(above) == 0 {
		r.Classes = own.ids // shared by all rows with this descriptor; must not be changed
	}
	for i := range own.classes {
		c := own.classes[i].Behind(above)
		if err := w.known(&c); err != nil {
			return err
		}
		if len(above) > 0 {
			r.Classes = append(r.Classes, c.ID)
		}
	}
	return nil
}

// dropClassed frees the cache of classes by descriptor, unless a walk of a tree is in progress. The cache is keyed by
// pointer, and later batches have other pointers, so they would find no descriptor in it (N-137).
func (w *Worker) dropClassed() {
	if len(w.walks) == 0 {
		clear(w.byDescriptor)
		w.cached = 0
	}
}
