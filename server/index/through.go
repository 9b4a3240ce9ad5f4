package index

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Traverse selects the check of traverse rights on the folders above a document (F-23). The zero
// value means [TraverseNever].
type Traverse string

// The policies, as in refmond's configuration.
const (
	TraverseNever     Traverse = "never"
	TraversePrivilege Traverse = "privilege" // holders of SeChangeNotifyPrivilege need no traverse right
	TraverseAlways    Traverse = "always"    // everybody needs the traverse right
	// TraverseHost checks the host's search permission of each folder, the root included, as smbd
	// does (N-95).
	TraverseHost Traverse = "host"
)

// check validates a traverse policy and returns its form in a start event, which is "" for [TraverseNever] and for the
// zero value. It returns an error for an unknown policy.
func (t Traverse) check() (string, error) {
	switch t {
	case "", TraverseNever:
		return "", nil
	case TraversePrivilege, TraverseAlways, TraverseHost:
		return string(t), nil
	}
	return "", fmt.Errorf("traverse: %q, want host, privilege, always or never", string(t))
}

// passRight is the right's name in a folder's class.
const passRight = "traverse"

// NewPassing returns the class of a folder, whose members may traverse it. d is the folder's descriptor. If holders is
// true, everybody with SeChangeNotifyPrivilege is a member too. With a nil d, only these holders are members (N-15).
func NewPassing(d *sd.Descriptor, holders bool) Class {
	c := NewClass(d, nil, passRight, winnt.FILE_TRAVERSE, winnt.DirectoryFileObject)
	c.Passing, c.Holders = true, holders
	c.ID = digest("refmon passing 1", c.ID, fmt.Sprint(holders))
	return c
}

// Behind returns a copy of the class for documents behind folders: its members must also be members of each folder's
// class. The new ID depends on the class's own ID and those of the folders, but not on their order or duplicates
// (N-15). Without folders the ID stays. The folders replace those that c has. It does not change c or folders.
func (c Class) Behind(folders []Class) Class {
	c.Through = slices.Clone(folders)
	slices.SortFunc(c.Through, func(a, b Class) int { return strings.Compare(a.ID, b.ID) })
	c.Through = slices.CompactFunc(c.Through, func(a, b Class) bool { return a.ID == b.ID })
	if len(c.Through) > 0 {
		c.ID = digest(append([]string{"refmon behind 1", c.ID}, ids(c.Through)...)...)
	}
	return c
}

// own returns the class without its traverse condition: the class that documents have regardless of the folders above.
func (c *Class) own() Class { return NewClass(c.Descriptor, c.Share, c.Right, c.Mask, c.Type) }

// digest returns a class ID, a hash of several texts. The texts must have no zero bytes, because a zero byte separates
// them.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// ids returns the IDs of classes, in their order, for an event or a hash; nil if there are none.
func ids(classes []Class) (out []string) {
	for i := range classes {
		out = append(out, classes[i].ID)
	}
	return out
}

var errPassing = errors.New("the index has no data on its parent folders")

// passing looks up the classes of the folders above a document by their IDs. An ID that is unknown, or of a class of
// documents, is an error.
func (s *State) passing(ids []string) (out []Class, err error) {
	for _, id := range ids {
		k := s.classes[id]
		if k == nil || !k.Passing {
			return nil, fmt.Errorf("%w: %s", errPassing, id)
		}
		out = append(out, k.Class)
	}
	return out, nil
}

// passed is the cached result of a folder's class: the principals that may traverse the folder.
type passed struct {
	allowed    effective.Set
	expression effective.Expression
	exact      bool
}

// maxPassBytes limits the results of folders' classes that a decider caches. A user of the tree can change the
// descriptor of a folder again and again (N-137).
const maxPassBytes = 64 << 20

// size returns about how many bytes of memory a cached result takes.
func (p *passed) size() int {
	const entry, term = 256, 64
	n := entry + 8*len(p.allowed)
	for _, clause := range p.expression {
		n += term * len(clause)
	}
	return n
}

// pass computes which principals may traverse a folder. c must be a folder's class; its descriptor decides. If
// c.Holders is set, holders of SeChangeNotifyPrivilege may traverse it too. The result is cached, and the caller must
// not change it. An error is not cached.
func (d *decider) pass(c *Class) (*passed, error) {
	if known := d.passes[c.ID]; known != nil {
		return known, nil
	}
	e, err := d.evaluator(c.Type, c.Mask)
	if err != nil {
		return nil, err
	}
	p := &passed{allowed: slices.Clone(e.Allowed(c.Descriptor)[0])}
	p.expression, p.exact = e.Expression(c.Descriptor, 0)
	if c.Holders {
		holders := 0
		for i := range d.compiled.Len() {
			if d.compiled.Token(i).Has(winnt.SeChangeNotifyPrivilege) { // bypasses every traverse check (N-15)
				p.allowed[i/64] |= 1 << (i % 64)
				holders++
			}
		}
		switch {
		case holders == d.compiled.Len():
			p.expression, p.exact = effective.Everybody(), true
		case holders > 0:
			p.exact = false
		}
	}
	size := p.size()
	if d.passBytes += size; d.passBytes > maxPassBytes {
		clear(d.passes)
		d.passBytes = size
	}
	d.passes[c.ID] = p
	return p, nil
}

// folderOf returns the parent of a clean, absolute path, which may begin with a host: //HOST/DIR. The parent of "/a" is
// "/", that of "/" is "", and that of "//HOST" is "/". It panics for a path without a slash, such as "".
func folderOf(at string) string {
	slash := strings.LastIndexByte(at, '/')
	if slash == 0 && at != "/" {
		return "/"
	}
	return at[:slash]
}

// Limits of the folders above one document, which a user of the tree chooses. All of them are in one message of a
// cluster, and a change of the highest folder makes a new class, with a list of folders, for each one below it.
const (
	maxAbove      = 1 << 20 // bytes of their descriptors, as events have them
	maxAboveCount = 128     // folders with different classes
)

// above returns the classes of the folders that a document's path traverses, each once, nearest first. above returns
// nil if traverse rights are not checked. The tree's root is omitted (F-22), except with TraverseHost. An unknown
// folder counts as unreadable, and so do all folders beyond maxAbove or maxAboveCount (N-15). The caller must not
// change the result.
func (w *Worker) above(tree, at string) ([]Class, error) {
	if w.traverse == "" || at == tree {
		return nil, nil
	}
	folder := folderOf(at)
	if folder == w.lastFolder {
		return w.lastAbove, nil
	}
	var out []Class
	size, seen := 0, map[string]bool{}
	for dir := folder; len(dir) > len(tree) || w.traverse == TraverseHost && dir == tree; dir = folderOf(dir) {
		r := w.state.rows[dir]
		id := ""
		if r != nil {
			id = r.Pass
		}
		if id == "" {
			var err error
			if id, err = w.passable(nil); err != nil {
				return nil, err
			}
		}
		if !seen[id] {
			k := w.state.classes[id]
			out = append(out, k.Class)
			size += len(k.event.SD)
			seen[id] = true
		}
	}
	if size > maxAbove || len(out) > maxAboveCount {
		id, err := w.passable(nil)
		if err != nil {
			return nil, err
		}
		out = []Class{w.state.classes[id].Class}
	}
	w.lastFolder, w.lastAbove = folder, out
	return out, nil
}

// passable returns the ID of the class of a folder with descriptor d, whose members may traverse it. A new class is
// computed and emitted. d is nil if the folder could not be read.
func (w *Worker) passable(d *sd.Descriptor) (string, error) {
	c := NewPassing(d, w.traverse == TraversePrivilege)
	if w.state.classes[c.ID] == nil {
		return c.ID, w.decide(&c, nil)
	}
	return c.ID, nil
}

// below updates the rows below folders whose traverse classes have changed, those below several of them once: a user of
// the tree can change each of many nested folders. It stops at the first error.
func (w *Worker) below(tree string, folders []string) error {
	changed := map[string]bool{}
	for _, at := range folders {
		changed[at] = true
	}
	inner := func(at string) bool {
		for dir := folderOf(at); len(dir) >= len(tree); dir = folderOf(dir) {
			if changed[dir] {
				return true
			}
		}
		return false
	}
	w.lastFolder = ""
	for _, folder := range slices.Sorted(maps.Keys(changed)) {
		if inner(folder) {
			continue
		}
		for _, at := range w.state.under(folder) {
			if at == folder {
				continue
			}
			if err := w.reclass(tree, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// reclass updates the row of a document after the traverse class of a folder above it changed. It reads no file, and
// writes the row only if its classes changed (N-16). An unreadable one stays unchanged.
func (w *Worker) reclass(tree, at string) error {
	r := w.state.rows[at]
	if r.Error != "" {
		return nil
	}
	above, err := w.above(tree, at)
	if err != nil {
		return err
	}
	now := *r
	now.Classes = nil
	for _, id := range r.Classes {
		c := w.state.classes[id].own()
		c = c.Behind(above)
		if err := w.known(&c); err != nil {
			return err
		}
		now.Classes = append(now.Classes, c.ID)
	}
	if now.same(r) {
		return nil
	}
	return w.add(Event{Row: &now})
}

// unseen ends a walk of a tree: it removes the documents that the walk did not find. walk is the walk's number. A
// document that was found below a missing folder is now behind an unknown folder (N-15).
func (w *Worker) unseen(tree string, walk uint64) error {
	var folders []string
	for _, at := range w.state.under(tree) {
		r := w.state.rows[at]
		if r.walk >= walk {
			continue
		}
		if err := w.add(Event{Gone: at}); err != nil {
			return err
		}
		if r.Pass != "" {
			folders = append(folders, at)
		}
	}
	return w.below(tree, folders)
}

// known makes sure that a row may name class c: a class that the state does not have is decided and emitted. An error
// leaves the class unknown.
func (w *Worker) known(c *Class) error {
	if w.state.classes[c.ID] != nil {
		return nil
	}
	return w.decide(c, nil)
}
