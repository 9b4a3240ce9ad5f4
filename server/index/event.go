package index

import (
	"bytes"
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

// Event is one change of the index. Exactly one pointer, Gone, Directory or Dropped is set.
type Event struct {
	Seq  uint64 `json:"seq"`  // 1, 2, …; a gap or a repetition is an error
	Time int64  `json:"time"` // when the cause of the event happened, in nanoseconds since 1970

	Start  *StartEvent  `json:"start,omitempty"`
	Person *PersonEvent `json:"person,omitempty"`
	Class  *ClassEvent  `json:"class,omitempty"`
	Row    *RowEvent    `json:"row,omitempty"`
	// Gone is the path of a deleted document.
	Gone string `json:"gone,omitempty"`
	// Directory says that all classes now have this version.
	Directory string `json:"directory,omitempty"`
	// Dropped has the IDs of classes that no document has any more. Their members are not known from then on.
	Dropped []string `json:"dropped,omitempty"`
}

// logFormat is the format of events. A log in another format is not read.
const logFormat = 1

// StartEvent is the first event of an index: its configuration.
type StartEvent struct {
	Format int      `json:"format"`          // logFormat
	Index  string   `json:"index"`           // random name of this index
	Rights []string `json:"rights"`          // at least one
	Share  string   `json:"share,omitempty"` // SDDL
	// Guard names the share whose configuration decides, too; "": none.
	Guard string `json:"guard,omitempty"`
	// Traverse is the check of traverse rights: "", "privilege", "always" or "host".
	Traverse string `json:"traverse,omitempty"`
	// Classes is the number of classes that a compacted index ever had. 0: never compacted.
	Classes int `json:"classes,omitempty"`
	// Until is the number of the last compacted event. The events up to it rebuild the state of
	// that time. 0: never compacted.
	Until uint64 `json:"until,omitempty"`
}

// PersonEvent assigns a person a number that is never reused.
type PersonEvent struct {
	Number int    `json:"number"`
	SID    string `json:"sid"`
	Name   string `json:"name"`
}

// ClassEvent has the members of a class. The first event of a class also has its definition.
type ClassEvent struct {
	ID string `json:"id"`
	// Number is 1, 2, … in the order of the classes. An index never gives a number to two classes (N-131). 0: the next
	// number, or that of a known class.
	Number int    `json:"number,omitempty"`
	Right  string `json:"right,omitempty"`
	Mask   uint32 `json:"mask,omitempty"`
	Folder bool   `json:"folder,omitempty"`
	SD     string `json:"sd,omitempty"`    // relevant part of the descriptor, base64
	Share  string `json:"share,omitempty"` // relevant part of the share's descriptor, base64
	// Passing marks a folder's class: its members may traverse the folder. Holders includes those
	// with SeChangeNotifyPrivilege. Through names the classes of the folders above the documents.
	Passing bool     `json:"passing,omitempty"`
	Holders bool     `json:"holders,omitempty"`
	Through []string `json:"through,omitempty"`

	Version string `json:"version"` // directory version that decided the members; "": not decided
	Members string `json:"members"` // numbers of people: "0-3,7"
	// Expression is a list of clauses that must all allow. Each is read in order: "+SID" allows,
	// "-SID" denies, "+*" allows everybody. It is absent if SIDs alone do not determine the
	// members.
	Expression [][]string `json:"expression,omitempty"`
	// Allow and Expand have the same members without denials and order. A holder of a SID in
	// Allow has the right. Expand lists the other members by their own SIDs, unless they are too many.
	// Neither grants more than the access check (N-4).
	Allow  []string `json:"allow,omitempty"`
	Expand []string `json:"expand,omitempty"`
}

// RowEvent has the classes of a document. An unreadable document has an Error and no classes, so nobody may find it.
type RowEvent struct {
	Path       string   `json:"path"`
	Tree       string   `json:"tree"`
	Folder     bool     `json:"folder,omitempty"`
	Classes    []string `json:"classes,omitempty"`    // in the order of the rights
	Descriptor string   `json:"descriptor,omitempty"` // SHA-256 of its bytes, the first 16 hexadecimal digits
	Error      string   `json:"error,omitempty"`
	// Pass is the class for traverse rights on a folder; "" if they are not checked.
	Pass string `json:"pass,omitempty"`

	seq  uint64 // number of the event
	time int64  // time of the event
	walk uint64 // the worker's number of started walks when a watcher last reported the document
}

// append encodes the event as a line of the log, JSON with a checksum, and appends it to dst. On an error it returns
// dst unchanged.
func (e *Event) append(dst []byte) ([]byte, error) {
	line, err := json.Marshal(e)
	if err != nil {
		return dst, err
	}
	return appendSealed(dst, line), nil
}

// ParseEvent parses a line without its line feed. It returns an error for an unknown, repeated or miscapitalized
// field, a wrong checksum, for the number 0, for an event without exactly one content, and for the start of an index in
// another format. It does not check the contents; [State.Apply] does. It does not keep line.
func ParseEvent(line []byte) (*Event, error) {
	if err := knownFormat(line); err != nil {
		return nil, err
	}
	content, sealed, err := unseal(line)
	if err != nil {
		return nil, err
	}
	if sealed {
		line = append(bytes.Clone(content), '}')
	}
	e := &Event{}
	if err := strict.Unmarshal(line, e); err != nil {
		return nil, err
	}
	changes := 0
	for _, set := range []bool{e.Start != nil, e.Person != nil, e.Class != nil, e.Row != nil, e.Gone != "",
		e.Directory != "", len(e.Dropped) > 0} {
		if set {
			changes++
		}
	}
	if changes != 1 || e.Seq == 0 {
		return nil, fmt.Errorf("event %d has %d changes: want one", e.Seq, changes)
	}
	return e, nil
}

// knownFormat rejects a log that another release wrote: it returns an error for a start event with another format
// number. It reads the line leniently, because a later format may have other fields. Every other line passes.
func knownFormat(line []byte) error {
	if !bytes.Contains(line, []byte(`"start":`)) {
		return nil
	}
	var e struct {
		Start *struct {
			Format int `json:"format"`
		} `json:"start"`
	}
	if json.Unmarshal(line, &e) != nil || e.Start == nil || e.Start.Format == logFormat {
		return nil // ParseEvent rejects malformed lines
	}
	return fmt.Errorf("the index has format %d, this program knows %d: use the release that wrote it", e.Start.Format,
		logFormat)
}

// event computes the members of a class and returns the log event with its definition and these members. The caller
// owns the event. If SIDs alone do not determine the members, the event has no expression.
func (d *decider) event(c *Class) (*ClassEvent, error) {
	got, err := d.decide(c)
	if err != nil {
		return nil, err
	}
	e := &ClassEvent{ID: c.ID, Right: c.Right, Mask: uint32(c.Mask), Folder: c.Type == winnt.DirectoryFileObject,
		SD: encoded(c.Descriptor), Share: encoded(c.Share), Passing: c.Passing, Holders: c.Holders,
		Through: ids(c.Through), Version: d.version, Members: ranges(got.members),
		Allow: texts(got.allow), Expand: listed(got.expand)}
	if got.exact {
		for _, clause := range got.expression {
			terms := []string{}
			for _, t := range clause {
				terms = append(terms, t.String())
			}
			e.Expression = append(e.Expression, terms)
		}
	}
	return e, nil
}

// maxExpand limits the SIDs of the people whom a class lists one by one, in bytes of JSON. An entry that denies one
// person can make a class list all others, and its event must fit into a message of a cluster.
const maxExpand = 4 << 20

// listed formats the SIDs of the people whom a class lists one by one. It returns nil if there are none, or if they
// take more than maxExpand bytes (N-4).
func listed(people []sid.SID) []string {
	out, size := texts(people), 0
	for _, s := range out {
		size += len(s) + len(`"",`)
	}
	if size > maxExpand {
		return nil
	}
	return out
}

// texts formats SIDs as S-1-… for JSON; nil if there are none.
func texts(sids []sid.SID) (out []string) {
	for _, s := range sids {
		out = append(out, s.String())
	}
	return out
}

// class rebuilds a class from its stored definition, without the folders in Through. A missing descriptor is nil. It
// returns an error for a malformed descriptor, and does not check that the ID is the hash of the definition.
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

// encoded returns a descriptor as base64 of its binary form for an event, "" for nil.
func encoded(d *sd.Descriptor) string {
	if d == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(d.Binary())
}

// ranges encodes a set of person numbers for the log, such as "0-3,7". An empty set is "".
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

// parseRanges decodes a set of person numbers from the log, such as "0-3,7". "" is the empty set. Ranges may overlap
// and be in any order. It returns an error for a malformed range, and for a number that is not less than people.
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

// person returns the SID of the event, or the error of a malformed one.
func (p *PersonEvent) person() (sid.SID, error) { return sid.Parse(p.SID) }

// at returns the form of a time in events: nanoseconds since 1970.
func at(t time.Time) int64 { return t.UnixNano() }
