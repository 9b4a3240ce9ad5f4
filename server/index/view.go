package index

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// View computes what an event changes in a sink's tables. It is not safe for concurrent use. [NewView] returns one.
type View struct{ state *State }

// DocumentRow has the class of a document for one right.
type DocumentRow struct {
	Path, Tree, Right, Class string
	Descriptor               string // hash
	Seq                      uint64 // number of the event that wrote it
	Time                     time.Time
}

// MemberRow says that a person has the right of a class.
type MemberRow struct{ Class, SID string }

// Difference is the effect of an event. The zero value is not a change.
type Difference struct {
	Gone      []string // paths, including documents that became unreadable
	Documents []DocumentRow
	Class     string   // class whose members changed; "": none
	Gained    []string // SIDs of the class's new members
	Lost      []string // SIDs of its former members
	Dropped   []string // classes that have no members any more
}

// NewView returns a view of the events in the index folder state. If there is no log, the view is empty. It ignores an
// incomplete last line, and returns an error for a damaged log.
func NewView(state string) (*View, error) {
	v := EmptyView()
	events, err := os.Open(filepath.Join(state, eventsName))
	if errors.Is(err, os.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = events.Close() }() // closing a file that was only read loses no data
	if _, err = replay(events, v.state, func(*Event) {}); err != nil {
		return nil, fmt.Errorf("%s: %w", events.Name(), err)
	}
	return v, nil
}

// EmptyView returns a view to which no event has been applied. The first event must be a start event.
func EmptyView() *View { return &View{newState()} }

// Documents calls yield with a row for each readable document and each right, in no order, until yield returns false.
// Do not call Apply meanwhile.
func (v *View) Documents(yield func(DocumentRow) bool) {
	for _, r := range v.state.rows {
		for _, d := range v.documents(r) {
			if !yield(d) {
				return
			}
		}
	}
}

// documents returns the table rows of one document: one for each right, with the class that decides the right.
func (v *View) documents(r *RowEvent) (out []DocumentRow) {
	for i, id := range r.Classes {
		out = append(out, DocumentRow{r.Path, r.Tree, v.state.start.Rights[i], id, r.Descriptor, r.seq,
			time.Unix(0, r.time)})
	}
	return out
}

// Directory returns the version of the directory after the last event, "" before the first version.
func (v *View) Directory() string { return v.state.version }

// Members calls yield with a row for each class of documents and each of its members, in no order, until yield
// returns false. It omits the classes of folders. A class need not have documents. Do not call Apply meanwhile. An
// undecided class has no members.
func (v *View) Members(yield func(MemberRow) bool) {
	for id, k := range v.state.classes {
		if k.Passing { // omit the classes of folders, which have no documents
			continue
		}
		for n := range k.members.All() {
			if !yield(MemberRow{id, v.state.people[n].SID}) {
				return
			}
		}
	}
}

// Compacted drops the classes that a run has dropped by a compaction of its log, see [Compactor]. It returns their IDs.
// The caller must remove the members of these classes: if one of them comes back, Apply returns only its new members.
func (v *View) Compacted() (classes []string) { return v.state.prune() }

// Apply applies the next event and returns its changes. Events about people, directory versions and folder classes
// change nothing and return the zero Difference. The errors are those of [State.Apply]; the view is then unchanged. A
// row with an error counts as gone.
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
	case len(e.Dropped) > 0:
		d.Dropped = e.Dropped
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
