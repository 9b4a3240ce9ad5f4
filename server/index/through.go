package index

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Traverse says how the folders on the way to a document are tested (F-23). The zero value is
// [TraverseNever].
type Traverse string

// The policies of a tree, as refmond's configuration has them.
const (
	TraverseNever     Traverse = "never"
	TraversePrivilege Traverse = "privilege" // who holds SeChangeNotifyPrivilege passes
	TraverseAlways    Traverse = "always"
)

// check returns the policy as a start event has it.
func (t Traverse) check() (string, error) {
	switch t {
	case "", TraverseNever:
		return "", nil
	case TraversePrivilege, TraverseAlways:
		return string(t), nil
	}
	return "", fmt.Errorf("traverse: %q, want privilege, always or never", string(t))
}

// passRight is the word of classes that ask who passes a folder.
const passRight = "traverse"

// NewPassing returns the class of who passes a folder: by its descriptor, and with holders
// also by SeChangeNotifyPrivilege. A folder without a descriptor is passed by no one, but by
// those holders (N-15).
func NewPassing(d *sd.Descriptor, holders bool) Class {
	c := NewClass(d, nil, passRight, winnt.FILE_TRAVERSE, winnt.DirectoryFileObject)
	c.Passing, c.Holders = true, holders
	c.ID = digest("refmon passing 1", c.ID, fmt.Sprint(holders))
	return c
}

// Behind returns the class of documents that lie behind folders: its id is made of its own
// and of those of the folders, in whatever order they come and how often (N-15).
func (c Class) Behind(folders []Class) Class {
	c.Through = slices.Clone(folders)
	slices.SortFunc(c.Through, func(a, b Class) int { return strings.Compare(a.ID, b.ID) })
	c.Through = slices.CompactFunc(c.Through, func(a, b Class) bool { return a.ID == b.ID })
	if len(c.Through) > 0 {
		c.ID = digest(append([]string{"refmon behind 1", c.ID}, ids(c.Through)...)...)
	}
	return c
}

// own returns a class without the folders that its documents lie behind.
func (c *Class) own() Class { return NewClass(c.Descriptor, c.Share, c.Right, c.Mask, c.Type) }

// digest names some texts, none of which has a zero byte.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func ids(classes []Class) (out []string) {
	for i := range classes {
		out = append(out, classes[i].ID)
	}
	return out
}

var errPassing = errors.New("it lies behind folders of which nothing was told")

// passing returns the classes of folders by their ids.
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

// passed is who passes a folder.
type passed struct {
	allowed    effective.Set
	expression effective.Expression
	told       bool
}

// pass decides who passes the folders of a class.
func (d *decider) pass(c *Class) (*passed, error) {
	if known := d.passes[c.ID]; known != nil {
		return known, nil
	}
	e, err := d.evaluator(c.Type, c.Mask)
	if err != nil {
		return nil, err
	}
	p := &passed{allowed: slices.Clone(e.Allowed(c.Descriptor)[0])}
	p.expression, p.told = e.Expression(c.Descriptor, 0)
	if c.Holders {
		holders := 0
		for i := range d.compiled.Len() {
			if d.compiled.Token(i).Has(winnt.SeChangeNotifyPrivilege) { // it passes every folder (N-15)
				p.allowed[i/64] |= 1 << (i % 64)
				holders++
			}
		}
		switch {
		case holders == d.compiled.Len():
			p.expression, p.told = effective.Everybody(), true
		case holders > 0:
			p.told = false
		}
	}
	d.passes[c.ID] = p
	return p, nil
}

// folderOf returns the folder of a clean path, which may begin with the name of a host: //HOST/DIR.
func folderOf(at string) string { return at[:strings.LastIndexByte(at, '/')] }

// above returns the classes of the folders on the way to a document, those below the root of
// its tree: the root itself is not tested (F-22). A folder that is not known is passed by no
// one.
func (w *Worker) above(tree, at string) ([]Class, error) {
	if w.traverse == "" || at == tree {
		return nil, nil
	}
	folder := folderOf(at)
	if folder == w.lastFolder {
		return w.lastAbove, nil
	}
	var out []Class
	for dir := folder; len(dir) > len(tree); dir = folderOf(dir) {
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
		out = append(out, w.state.classes[id].Class)
	}
	w.lastFolder, w.lastAbove = folder, out
	return out, nil
}

// passable returns the class of who passes a folder, decided; nil is the descriptor of a
// folder that could not be read.
func (w *Worker) passable(d *sd.Descriptor) (string, error) {
	c := NewPassing(d, w.traverse == TraversePrivilege)
	if w.state.classes[c.ID] == nil {
		return c.ID, w.decide(&c, nil)
	}
	return c.ID, nil
}

// below gives all that lies below a folder the classes that it has now: no file is read for
// it, and only rows whose class is another one are written (N-16).
func (w *Worker) below(tree, folder string) error {
	w.lastFolder = ""
	for _, at := range w.state.under(folder) {
		r := w.state.rows[at]
		if at == folder || r.Error != "" {
			continue
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
			continue
		}
		if err := w.add(Event{Row: &now}); err != nil {
			return err
		}
	}
	return nil
}

// unseen forgets what a walk has not found. What it found below a folder that it has not found is behind a
// folder that is not known (N-15).
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
	for _, at := range folders {
		if err := w.below(tree, at); err != nil {
			return err
		}
	}
	return nil
}

// known decides a class that is new.
func (w *Worker) known(c *Class) error {
	if w.state.classes[c.ID] != nil {
		return nil
	}
	return w.decide(c, nil)
}
