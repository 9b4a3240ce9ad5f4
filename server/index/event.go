package index

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Event is one change of what the index says. One of the pointers is set, or Gone.
type Event struct {
	Seq  uint64 `json:"seq"`  // 1, 2, …; a gap or a repetition is an error
	Time int64  `json:"time"` // of what it was made of, in nanoseconds since 1970

	Start  *StartEvent  `json:"start,omitempty"`
	Person *PersonEvent `json:"person,omitempty"`
	Class  *ClassEvent  `json:"class,omitempty"`
	Row    *RowEvent    `json:"row,omitempty"`
	// Gone is the path of a document that is no longer there.
	Gone string `json:"gone,omitempty"`
	// Directory tells that all classes are as of this version.
	Directory string `json:"directory,omitempty"`
}

// StartEvent is the first event of an index: what it is about.
type StartEvent struct {
	Format int      `json:"format"` // 1
	Index  string   `json:"index"`  // a random name of this one
	Rights []string `json:"rights"`
	Share  string   `json:"share,omitempty"` // SDDL
	// Traverse says how folders on the way are tested: "", "privilege" or "always".
	Traverse string `json:"traverse,omitempty"`
	// Until is the number of the last event of those that were put together: the events up to it
	// amount to what was known then. 0: there were none before.
	Until uint64 `json:"until,omitempty"`
}

// PersonEvent gives a person a number, which is never another's.
type PersonEvent struct {
	Number int    `json:"number"`
	SID    string `json:"sid"`
	Name   string `json:"name"`
}

// ClassEvent says who has the right of a class. The first of a class has what it is made of.
type ClassEvent struct {
	ID     string `json:"id"`
	Right  string `json:"right,omitempty"`
	Mask   uint32 `json:"mask,omitempty"`
	Folder bool   `json:"folder,omitempty"`
	SD     string `json:"sd,omitempty"`    // bytes in base64, of what decides
	Share  string `json:"share,omitempty"` // the same of the share
	// Passing is of a class that asks who passes a folder, Holders that they who hold the privilege
	// pass it, too; Through names the classes of the folders that a document lies behind.
	Passing bool     `json:"passing,omitempty"`
	Holders bool     `json:"holders,omitempty"`
	Through []string `json:"through,omitempty"`

	Version string `json:"version"` // of the directory
	Members string `json:"members"` // numbers of people: "0-3,7"
	// Expression has clauses that must all allow, each read in order: "+SID" allows, "-SID"
	// refuses, "+*" allows everybody. It is missing where SIDs alone do not tell.
	Expression [][]string `json:"expression,omitempty"`
	// Allow and Expand are the same without refusals and order: who has a SID of Allow has
	// the right, and so have the people of Expand, who get it by no SID that all others
	// with it have it by. Neither grants more than the check (N-4).
	Allow  []string `json:"allow,omitempty"`
	Expand []string `json:"expand,omitempty"`
}

// RowEvent says of which classes a document is. One that could not be read has none, and
// belongs to no one.
type RowEvent struct {
	Path       string   `json:"path"`
	Tree       string   `json:"tree"`
	Folder     bool     `json:"folder,omitempty"`
	Classes    []string `json:"classes,omitempty"`    // in the order of the rights
	Descriptor string   `json:"descriptor,omitempty"` // SHA-256 of its bytes, 16 in hexadecimal digits
	Error      string   `json:"error,omitempty"`
	// Pass is the class of who passes a folder, where folders on the way are tested.
	Pass string `json:"pass,omitempty"`

	seq  uint64 // of the event
	time int64
	walk uint64 // how many walks its worker had begun when it was last seen
}

// append appends the event as a line of JSON.
func (e *Event) append(dst []byte) ([]byte, error) {
	line, err := json.Marshal(e)
	if err != nil {
		return dst, err
	}
	return append(append(dst, line...), '\n'), nil
}

// ParseEvent reads a line. A field that is not known, that is there twice or that is in
// another case is an error, and so is an event that says nothing or two things.
func ParseEvent(line []byte) (*Event, error) {
	e := &Event{}
	if err := strict.Unmarshal(line, e); err != nil {
		return nil, err
	}
	said := 0
	for _, set := range []bool{e.Start != nil, e.Person != nil, e.Class != nil, e.Row != nil, e.Gone != "",
		e.Directory != ""} {
		if set {
			said++
		}
	}
	if said != 1 || e.Seq == 0 {
		return nil, fmt.Errorf("event %d says %d things: want one", e.Seq, said)
	}
	return e, nil
}

// class returns what a class event is about, by its descriptor.
func (e *ClassEvent) class() (Class, error) {
	c := Class{ID: e.ID, Right: e.Right, Mask: winnt.AccessMask(e.Mask), Type: winnt.FileObject, Passing: e.Passing,
		Holders: e.Holders}
	if e.Folder {
		c.Type = winnt.DirectoryFileObject
	}
	for _, x := range []struct {
		text string
		to   **sd.Descriptor
	}{{e.SD, &c.Descriptor}, {e.Share, &c.Share}} {
		if x.text == "" {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(x.text)
		if err != nil {
			return c, fmt.Errorf("class %s: %w", e.ID, err)
		}
		if *x.to, err = sd.Decode(b); err != nil {
			return c, fmt.Errorf("class %s: %w", e.ID, err)
		}
	}
	return c, nil
}

// encoded returns a descriptor as a class event has it.
func encoded(d *sd.Descriptor) string {
	if d == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(d.Binary())
}

// ranges writes the numbers in a set: "0-3,7".
func ranges(s effective.Set) string {
	var b strings.Builder
	for i, n := 0, 64*len(s); i < n; i++ {
		if !s.Has(i) {
			continue
		}
		first := i
		for i+1 < n && s.Has(i+1) {
			i++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(first))
		if i > first {
			b.WriteString("-" + strconv.Itoa(i))
		}
	}
	return b.String()
}

// parseRanges reads what ranges writes; no number may be people or more.
func parseRanges(text string, people int) (effective.Set, error) {
	out := make(effective.Set, (people+63)/64)
	if text == "" {
		return out, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		from, to, span := strings.Cut(part, "-")
		if !span {
			to = from
		}
		a, err1 := strconv.ParseUint(from, 10, 31)
		b, err2 := strconv.ParseUint(to, 10, 31)
		if err1 != nil || err2 != nil || a > b || int(b) >= people {
			return nil, fmt.Errorf("members %q: want numbers below %d", part, people)
		}
		for i := a; i <= b; i++ {
			out[i/64] |= 1 << (i % 64)
		}
	}
	return out, nil
}

// person reads the SID of a person.
func (p *PersonEvent) person() (sid.SID, error) { return sid.Parse(p.SID) }

// at returns a time as events have it.
func at(t time.Time) int64 { return t.UnixNano() }
