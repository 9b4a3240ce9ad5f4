package index

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// described is a descriptor of files or folders. A walk reports equal descriptors as the same pointer.
type described struct {
	d      *sd.Descriptor
	folder bool
}

// classed has the classes of a descriptor, without the folders above the document.
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

// classed returns the classes of a descriptor, one for each right, from the cache if possible. The caller must not
// change the slices. It does not decide the classes.
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

// dropClassed empties the cache unless a walk is in progress. Later batches have other pointers, so that no descriptor
// would be found again (N-137).
func (w *Worker) dropClassed() {
	if len(w.walks) == 0 {
		clear(w.byDescriptor)
		w.cached = 0
	}
}
