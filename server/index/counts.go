package index

import (
	"slices"
	"strings"
)

// Counts has the numbers of documents, unreadable documents, classes and people of an index. Documents includes
// folders and unreadable documents. Nobody may find unreadable documents.
type Counts struct {
	Documents  int `json:"documents"`
	Unreadable int `json:"unreadable"`
	Classes    int `json:"classes"`
	People     int `json:"people"`
	// Unnamed is the number of documents without a row because their path is not UTF-8, or NotCounted.
	Unnamed int `json:"unnamed"`
	// Unnameable is the number of changes since the start of the run in folders whose path is too
	// long for the kernel, or NotCounted. They may be outside the trees, on the same file system.
	Unnameable int `json:"unnameable"`
	// Listed is the number of classes with members that Allow does not cover (Expand),
	// ListedDocuments the number of their documents.
	Listed          int `json:"listed"`
	ListedDocuments int `json:"listedDocuments"`
}

// Listed is a class with members that no list of allowed SIDs covers. Consumers that support
// neither deny entries nor order must grant the right to these members' own SIDs, or not at all
// (N-4).
type Listed struct {
	Class     string   `json:"class"`
	Right     string   `json:"right"`
	Documents int      `json:"documents"`
	People    []string `json:"people"`    // SIDs, in the order of the directory
	Directory string   `json:"directory"` // version
}

// Listed returns the classes of documents with members in Expand, sorted by ID; nil if there are none. The caller must
// not change the People. It does not check the age of heartbeats. It returns an error if the index cannot be read or
// had no heartbeat yet.
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

// Counts returns the numbers of the current state. It does not check the age of heartbeats. It returns an error if the
// index cannot be read or had no heartbeat yet.
func (x *Index) Counts() (Counts, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	watermark, err := x.follow()
	if err != nil {
		return Counts{}, err
	}
	s := x.state
	c := Counts{Documents: len(s.rows), Unnamed: watermark.Unnamed, Unnameable: watermark.Unnameable, Unreadable: s.unread,
		Classes: len(s.classes), People: len(s.people)}
	for _, k := range s.classes {
		if k.rows > 0 && len(k.event.Expand) > 0 {
			c.Listed++
			c.ListedDocuments += k.rows
		}
	}
	return c, nil
}
