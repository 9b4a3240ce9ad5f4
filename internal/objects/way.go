package objects

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// Way is the list of folders that an access traverses on its way to an object, as descriptors of their search
// permission, each once. A nil Way has no folders. Ways of one source with equal folders are usually the same
// pointer. A Way is immutable.
type Way struct {
	above  *Way           // the folders before the last, shared with the ways of other objects; nil: none
	folder *sd.Descriptor // of the last; FILE_TRAVERSE is the host's search permission
	part   string         // of the last: u32 length and the self-relative descriptor
	size   int            // bytes of the parts of all folders
	count  int            // folders
	hash   uint64
	shut   bool // a folder gives others no search permission
}

// madeWays counts the created ways. Their hashes derive from it.
var madeWays atomic.Uint64

// Hash returns a number that differs for each Way that was made, also for two of equal folders, and is 0 for nil.
func (w *Way) Hash() uint64 {
	if w == nil {
		return 0
	}
	return w.hash
}

// Text returns the way in the form that [ParseWay] reads, which is binary. It returns "" for nil.
func (w *Way) Text() string {
	if w == nil {
		return ""
	}
	text := make([]byte, w.size)
	for end := w.size; w != nil; w = w.above {
		end -= copy(text[end-len(w.part):], w.part)
	}
	return string(text)
}

// Folders returns the descriptors of the folders, from the root down. FILE_TRAVERSE is the host's search permission.
func (w *Way) Folders() []*sd.Descriptor {
	if w == nil {
		return nil
	}
	out := make([]*sd.Descriptor, w.count)
	for ; w != nil; w = w.above {
		out[w.count-1] = w.folder
	}
	return out
}

// PassesOthers reports whether each folder grants the search permission to others, that is accounts not named as
// owner, group or in its ACL. It is true for nil.
func (w *Way) PassesOthers() bool { return w == nil || !w.shut }

// ParseWay decodes the list of folders that [Way.Text] encoded. It returns nil for "". A truncated text and an invalid
// descriptor are errors.
func ParseWay(text string) (*Way, error) {
	var w *Way
	for rest := text; rest != ""; {
		n := len(rest)
		if n >= 4 {
			n = int(binary.LittleEndian.Uint32([]byte(rest[:4])))
		}
		if n > len(rest)-4 {
			return nil, errors.New("folders on the way: the text is cut off")
		}
		d, err := sd.Decode([]byte(rest[4 : 4+n]))
		if err != nil {
			return nil, fmt.Errorf("folders on the way: %w", err)
		}
		w, rest = w.with(d, rest[:4+n]), rest[4+n:]
	}
	return w, nil
}

// with returns the way with one more folder at its end. d is the descriptor of the folder, not nil, and part its form
// in Text. A nil way has no folder.
func (w *Way) with(d *sd.Descriptor, part string) *Way {
	out := &Way{above: w, folder: d, part: part, size: len(part), count: 1,
		hash: madeWays.Add(1) * 0x9E3779B97F4A7C15}
	others := false
	for _, a := range d.DACL().All() {
		others = others || a.Type() == sd.AccessAllowed && a.SID() == sid.Everyone
	}
	if out.shut = !others; w != nil {
		out.size, out.count, out.shut = out.size+w.size, 1+w.count, out.shut || w.shut
	}
	return out
}

// Ways creates ways. It returns the same pointer for equal ways, until it forgets them at maxWays or maxWayBytes. The
// zero value is empty. It is safe for concurrent use.
type Ways struct {
	mu sync.Mutex
	// +checklocks:mu
	known map[link]*Way // guarded by mu
	// +checklocks:mu
	size int // guarded by mu; bytes of the last folders of known
}

// link is what a way consists of: the folders before the last, and the last one's form in Text.
type link struct {
	above *Way
	part  string
}

// Limits of the ways that Ways remembers. It forgets all when it reaches one.
const (
	maxWays     = 1 << 12
	maxWayBytes = 64 << 20
)

// With returns w with the folder d added, or w itself if it already has an equal folder. w may be nil. w does not
// change.
func (k *Ways) With(w *Way, d *sd.Descriptor) *Way {
	raw := d.AppendOriginal(nil)
	part := string(append(binary.LittleEndian.AppendUint32(nil, uint32(len(raw))), raw...))
	for above := w; above != nil; above = above.above {
		if above.part == part {
			return w
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	at := link{w, part}
	if known := k.known[at]; known != nil {
		return known
	}
	size := len(part) + d.HeapSize()
	if k.size += size; k.known == nil || len(k.known) >= maxWays || k.size > maxWayBytes {
		k.known, k.size = map[link]*Way{}, size
	}
	k.known[at] = w.with(d, part)
	return k.known[at]
}
