package objects

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// Way is the list of folders that an access traverses on its way to an object, as descriptors of their search
// permission, each once. A nil Way has no folders. Ways of one source with equal folders are usually the same
// pointer. A Way is immutable.
type Way struct {
	Folders []*sd.Descriptor // FILE_TRAVERSE is the host's search permission

	text string // for each folder u32 length and the self-relative descriptor
	hash uint64
	shut bool // a folder gives others no search permission
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
	return w.text
}

// PassesOthers reports whether each folder grants the search permission to others, that is accounts not named as
// owner, group or in its ACL. It is true for nil.
func (w *Way) PassesOthers() bool { return w == nil || !w.shut }

// ParseWay parses the text of a way that [Way.Text] returned. It returns nil for "". Text that is cut off or has an
// invalid descriptor is an error.
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

// with returns a copy of the way with one more folder at its end. d is the descriptor of the folder, not nil, and
// text its form in Text. A nil way has no folder.
func (w *Way) with(d *sd.Descriptor, text string) *Way {
	out := &Way{Folders: []*sd.Descriptor{d}, text: w.Text() + text, hash: madeWays.Add(1) * 0x9E3779B97F4A7C15}
	others := false
	for _, a := range d.DACL().All() {
		others = others || a.Type() == sd.AccessAllowed && a.SID() == sid.Everyone
	}
	if out.shut = !others; w != nil {
		out.Folders, out.shut = append(slices.Clone(w.Folders), d), out.shut || w.shut
	}
	return out
}

// Ways creates ways. It returns the same pointer for equal ways, until it forgets them at maxWays. The zero value is
// empty. It is safe for concurrent use.
type Ways struct {
	mu sync.Mutex
	// +checklocks:mu
	known map[string]*Way // guarded by mu; by their text
}

// maxWays limits the ways that Ways remembers. It forgets all when it reaches the limit.
const maxWays = 1 << 12

// With returns w with the folder d added, or w itself if it already has an equal folder. w may be nil. w does not
// change.
func (k *Ways) With(w *Way, d *sd.Descriptor) *Way {
	raw := d.AppendOriginal(nil)
	part := string(append(binary.LittleEndian.AppendUint32(nil, uint32(len(raw))), raw...))
	for rest := w.Text(); rest != ""; {
		n := 4 + int(binary.LittleEndian.Uint32([]byte(rest[:4])))
		if rest[:n] == part {
			return w
		}
		rest = rest[n:]
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	text := w.Text() + part
	if known := k.known[text]; known != nil {
		return known
	}
	if k.known == nil || len(k.known) >= maxWays {
		k.known = map[string]*Way{}
	}
	k.known[text] = w.with(d, part)
	return k.known[text]
}
