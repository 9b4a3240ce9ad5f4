package index

import (
	"slices"
	"strings"
)

// Counts says how many documents an index has, how many of them could not be read and so
// belong to no one, how many classes and how many people.
type Counts struct {
	Documents, Unreadable, Classes, People int
	// Unnamed documents have a path that is not UTF-8, and so no row.
	Unnamed int
	// Listed classes have people whom no list of SIDs that allow tells of, and who are listed one
	// by one; ListedDocuments are of such a class.
	Listed, ListedDocuments int
}

// Listed is a class with people whom no list of SIDs that allow tells of: consumers that know
// neither refusals nor order grant them the right by their own SIDs, or not at all (N-4).
type Listed struct {
	Class     string   `json:"class"`
	Right     string   `json:"right"`
	Documents int      `json:"documents"`
	People    []string `json:"people"`    // SIDs, in the order of the directory
	Directory string   `json:"directory"` // version
}

// Listed returns the classes of documents of which people are listed one by one, by their ids.
func (x *Index) Listed() ([]Listed, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, err := x.follow(); err != nil {
		return nil, err
	}
	var out []Listed
	for id, k := range x.state.classes {
		if k.rows > 0 && len(k.event.Expand) > 0 {
			out = append(out, Listed{id, k.Right, k.rows, k.event.Expand, k.event.Version})
		}
	}
	slices.SortFunc(out, func(a, b Listed) int { return strings.Compare(a.Class, b.Class) })
	return out, nil
}

// Counts returns the numbers of the present state.
func (x *Index) Counts() (Counts, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	fence, err := x.follow()
	if err != nil {
		return Counts{}, err
	}
	s := x.state
	c := Counts{Documents: len(s.rows), Unnamed: fence.Unnamed, Unreadable: s.unread,
		Classes: len(s.classes), People: len(s.people)}
	for _, k := range s.classes {
		if k.rows > 0 && len(k.event.Expand) > 0 {
			c.Listed++
			c.ListedDocuments += k.rows
		}
	}
	return c, nil
}
