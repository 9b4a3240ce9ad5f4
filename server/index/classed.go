package index

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// described is a descriptor of files or folders. A source returns equal descriptors as the same pointer.
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

// maxClassed is the most descriptors whose classes a worker caches.
const maxClassed = 1 << 14

// classed returns the classes of a descriptor, one for each right, from the cache if possible. The caller must not
// change the slices. It does not decide the classes.
func (w *Worker) classed(d *sd.Descriptor, folder bool) classed {
	key := described{d, folder}
	if known, ok := w.byDescriptor[key]; ok {
		return known
	}
	sum := sha256.Sum256(d.AppendOriginal(nil))
	out := classed{hash: hex.EncodeToString(sum[:8])}
	t := winnt.FileObject
	if folder {
		t = winnt.DirectoryFileObject
	}
	for _, right := range w.rights {
		out.classes = append(out.classes, NewClass(d, w.share, right.Name, right.Mask(t), t))
	}
	out.ids = ids(out.classes)
	if len(w.byDescriptor) >= maxClassed {
		clear(w.byDescriptor)
	}
	w.byDescriptor[key] = out
	return out
}
