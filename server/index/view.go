package index

import (
	"errors"
	"os"
	"path/filepath"
	"time"
)

// View tells a sink what an event changes in its tables. It belongs to the
// sink's goroutine; [NewView] makes one.
type View struct{ state *State }

// DocumentRow says of which class a document is for one right.
type DocumentRow struct {
	Path, Tree, Right, Class string
	Descriptor               string // hash
	Seq                      uint64 // of the event that wrote it
	Time                     time.Time
}

// MemberRow says that a person has the right of a class.
type MemberRow struct{ Class, SID string }

// Difference holds what an event changes. The zero value changes nothing.
type Difference struct {
	Gone      []string // paths, also of documents that could not be read any more
	Documents []DocumentRow
	Class     string // whose people are others
	Gained    []string
	Lost      []string
}

// NewView makes a view of the events that a folder has; without one it is empty.
func NewView(state string) (*View, error) {
	v := &View{newState()}
	events, err := os.Open(filepath.Join(state, eventsName))
	if errors.Is(err, os.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = events.Close() }() // only read
	_, err = replay(events, v.state, func(*Event) {})
	return v, err
}

// Documents yields a row for each document that could be read and each right.
func (v *View) Documents(yield func(DocumentRow) bool) {
	for _, r := range v.state.rows {
		for _, d := range v.documents(r) {
			if !yield(d) {
				return
			}
		}
	}
}

func (v *View) documents(r *RowEvent) (out []DocumentRow) {
	for i, id := range r.Classes {
		out = append(out, DocumentRow{r.Path, r.Tree, v.state.start.Rights[i], id, r.Descriptor, r.seq,
			time.Unix(0, r.time)})
	}
	return out
}

// Directory returns the version of the directory that all is as of.
func (v *View) Directory() string { return v.state.version }

// Members yields a row for each class and each person who has its right.
func (v *View) Members(yield func(MemberRow) bool) {
	for id, k := range v.state.classes {
		if k.Passing { // it is of no document
			continue
		}
		for n := range k.members.All() {
			if !yield(MemberRow{id, v.state.people[n].SID}) {
				return
			}
		}
	}
}

// Apply takes the next event and returns what it changes.
func (v *View) Apply(e *Event) (Difference, error) {
	var d Difference
	var before *kind
	if e.Class != nil && v.state.classes[e.Class.ID] != nil {
		k := *v.state.classes[e.Class.ID]
		before = &k
	}
	if err := v.state.Apply(e); err != nil {
		return d, err
	}
	switch {
	case e.Gone != "":
		d.Gone = []string{e.Gone}
	case e.Row != nil && e.Row.Error != "":
		d.Gone = []string{e.Row.Path}
	case e.Row != nil:
		d.Documents = v.documents(e.Row)
	case e.Class != nil && !e.Class.Passing:
		after := v.state.classes[e.Class.ID].members
		d.Class, d.Gained = e.Class.ID, v.state.sids(after, nil)
		if before != nil {
			d.Gained, d.Lost = v.state.sids(after, before.members), v.state.sids(before.members, after)
		}
	}
	return d, nil
}
