package index

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// described is a descriptor of files or folders: a source gives equal descriptors as one.
type described struct {
	d      *sd.Descriptor
	folder bool
}

// classed holds the classes of a descriptor, without the folders that a document lies behind.
type classed struct {
	hash    string
	ids     []string
	classes []Class
}

// maxClassed is how many descriptors a worker knows the classes of.
const maxClassed = 1 << 14

// classed returns the classes of a descriptor.
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
