package stages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// Limits of a message. A larger one is rejected before it is parsed.
const (
	maxDocuments = 1024    // documents in one message of a watcher
	maxSeen      = 4 << 20 // bytes of such a message
	maxRecord    = 8 << 20 // bytes of a log's record
	targetRecord = 1 << 20 // size at which a record is divided
	maxWatermark = 1 << 10
	maxHead      = 1 << 10
	maxBehind    = 4096 // folders on the path to one document
)

// seen is one message of a watcher about one part of a tree.
type seen struct {
	// Run is a random name of the walk. Started grows with each walk, and by more with each
	// watcher; a message of an earlier walk is rejected.
	Run     string     `json:"run"`
	Started int64      `json:"started"`
	Begin   bool       `json:"begin,omitempty"`
	End     bool       `json:"end,omitempty"`
	Beat    *heartbeat `json:"beat,omitempty"`
	// Descriptors lists the descriptors of Documents without duplicates.
	Descriptors [][]byte   `json:"descriptors,omitempty"`
	Documents   []document `json:"documents,omitempty"`
}

// document is one file or folder. Descriptor and Search are one-based indexes of Descriptors;
// Descriptor 0 means that it could not be read.
type document struct {
	Path       []byte `json:"path"` // path on the watcher's host
	Folder     bool   `json:"folder,omitempty"`
	Descriptor int    `json:"descriptor,omitempty"`
	Search     int    `json:"search,omitempty"` // for a folder: descriptor with the host's search permission
	Error      string `json:"error,omitempty"`
	Gone       bool   `json:"gone,omitempty"`
}

// heartbeat is a source's heartbeat: it has reported everything up to this moment.
type heartbeat struct {
	Time int64  `json:"time"`         // nanoseconds since 1970
	Up   int64  `json:"up,omitempty"` // nanoseconds since the machine started
	Boot string `json:"boot,omitempty"`
}

// heartbeatOf converts a heartbeat of this machine for a message. It returns nil for the zero value.
func heartbeatOf(b watch.Heartbeat) *heartbeat {
	if b.Time.IsZero() {
		return nil
	}
	return &heartbeat{b.Time.UnixNano(), int64(b.Up), watch.BootID()}
}

// moment returns the heartbeat for this machine. It drops the uptime of another machine, which
// means nothing here.
func (b *heartbeat) moment() watch.Heartbeat {
	out := watch.Heartbeat{Time: time.Unix(0, b.Time)}
	if b.Boot != "" && b.Boot == watch.BootID() {
		out.Up = time.Duration(b.Up)
	}
	return out
}

// ahead reports whether the heartbeat lies in the future, because a clock was set.
func (b *heartbeat) ahead(present watch.Heartbeat) bool {
	return time.Unix(0, b.Time).Sub(present.Time) > tolerance
}

// parseSeen parses a watcher's message about part p into the message and its batch. Document names in the batch begin
// with the host. A malformed or too large message is an error. A single document outside the part makes the whole
// message invalid (N-51). A heartbeat without documents is valid.
func parseSeen(s *site.Site, p site.Part, b []byte) (*seen, *watch.Batch, error) {
	if len(b) > maxSeen {
		return nil, nil, fmt.Errorf("a message of %d bytes, want at most %d", len(b), maxSeen)
	}
	m := &seen{}
	if err := strict.Unmarshal(b, m); err != nil {
		return nil, nil, err
	}
	if m.Run == "" || m.Started <= 0 || len(m.Documents) > maxDocuments {
		return nil, nil, fmt.Errorf("run %q of %d with %d documents", m.Run, m.Started, len(m.Documents))
	}
	out := &watch.Batch{Tree: p.Root(), Begin: m.Begin, End: m.End}
	if m.Beat != nil {
		out.Heartbeat = m.Beat.moment()
	}
	list := make([]*sd.Descriptor, len(m.Descriptors)+1)
	for i, d := range m.Descriptors {
		var err error
		if list[i+1], err = sd.Decode(d); err != nil {
			return nil, nil, fmt.Errorf("descriptor %d: %w", i+1, err)
		}
	}
	for i := range m.Documents {
		x, err := m.Documents[i].newSeen(s, p, list)
		if err != nil {
			return nil, nil, err
		}
		out.Seen = append(out.Seen, *x)
	}
	return m, out, nil
}

// newSeen converts a document in a watcher's message about part p to a report. list has the message's descriptors, with
// nil first. Errors are a descriptor number outside list, and a path that is not clean, has a zero byte, is outside the
// tree, or belongs to another part. A deleted path may belong to any part. So may a folder if the site tests search
// permissions.
func (d *document) newSeen(s *site.Site, p site.Part, list []*sd.Descriptor) (*watch.Seen, error) {
	at := string(d.Path)
	switch {
	case at != p.Tree && !strings.HasPrefix(at, p.Tree+"/") || path.Clean(at) != at:
		return nil, fmt.Errorf("%q is not below %s", at, p.Tree)
	case strings.ContainsRune(at, 0): // no file has such a name, and PostgreSQL cannot store it (N-51)
		return nil, fmt.Errorf("%q has a zero byte", at)
	case !d.Gone && !(d.Folder && s.Tests()) && s.PartOf(at) != p.Number:
		return nil, fmt.Errorf("%q is of part %d", at, s.PartOf(at))
	case d.Search < 0 || d.Search >= len(list):
		return nil, fmt.Errorf("%q has search permission %d of %d", at, d.Search, len(list)-1)
	case d.Descriptor < 0 || d.Descriptor >= len(list):
		return nil, fmt.Errorf("%q has descriptor %d of %d", at, d.Descriptor, len(list)-1)
	}
	x := &watch.Seen{Path: "//" + p.Host + at, Folder: d.Folder, Descriptor: list[d.Descriptor],
		Search: list[d.Search], Gone: d.Gone}
	if d.Error != "" {
		x.Err = errors.New(d.Error)
	}
	return x, nil
}

// record is one message of a log: a worker's results and their input.
type record struct {
	Generation uint64 `json:"generation"` // each worker that takes the share has the next number
	Worker     string `json:"worker"`
	Tries      int    `json:"tries,omitempty"`   // workers that started at this cursor and wrote nothing
	Cursor     uint64 `json:"cursor"`            // the last input message of all records up to this one
	Started    int64  `json:"started,omitempty"` // of the current walk
	// Whole says of a part that a walk has ended and nothing was lost since, so heartbeats are valid.
	Whole   bool   `json:"whole,omitempty"`
	Refused uint64 `json:"refused,omitempty"` // total of invalid messages
	Poison  uint64 `json:"poison,omitempty"`  // total of valid messages that could not be processed
	// Parts says of a share of the classes that the log has all classes that the logs of these parts define; see
	// hashOfParts. Announced has the last announcement of each part that was read since the record before, or in the
	// last piece of a snapshot of all parts.
	Parts     string           `json:"parts,omitempty"`
	Announced map[string]place `json:"announced,omitempty"`
	// Piece numbers the records of a snapshot from 1. A snapshot replaces all records before its
	// first one. Final marks its last record. 0: an ordinary record.
	Piece int  `json:"piece,omitempty"`
	Final bool `json:"final,omitempty"`

	lines    [][]byte      // encoded events, for writing
	events   []index.Event // parsed events
	repeated []index.Event // parsed events of a snapshot that repeat what its reader already has
	at       uint64        // sequence of the record's message
	id       string        // ID of the record's message
}

// bytes encodes a record as lines of JSON: one for the record itself, then one for each event.
func (r *record) bytes() ([]byte, error) {
	first, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return bytes.Join(append([][]byte{first}, r.lines...), []byte("\n")), nil
}

// parseRecord parses a record of a log with its events. It returns an error for a malformed or too large record, and
// for one without a generation or a worker. It does not check the events' contents.
func parseRecord(b []byte) (*record, error) {
	if len(b) > maxRecord {
		return nil, fmt.Errorf("a record of %d bytes, want at most %d", len(b), maxRecord)
	}
	r := &record{}
	first := true
	for line := range bytes.Lines(b) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if first {
			if err := strict.Unmarshal(line, r); err != nil {
				return nil, err
			}
			first = false
			continue
		}
		e, err := index.ParseEvent(line)
		if err != nil {
			return nil, err
		}
		r.events = append(r.events, *e)
	}
	if r.Generation == 0 || r.Worker == "" || r.Piece < 0 || r.Final && r.Piece == 0 {
		return nil, errors.New("a record without a generation, or the end of no pieces")
	}
	return r, nil
}

// classBytes encodes the definition of a class for a message: a line for each folder that its documents are below, then
// one for the class itself. An empty list gives no bytes.
func classBytes(list []*index.ClassEvent) ([]byte, error) {
	var out [][]byte
	for _, e := range list {
		line, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		out = append(out, line)
	}
	return bytes.Join(out, []byte("\n")), nil
}

// parseClass decodes the definition of a class that classBytes encoded. The last line is the class itself. Each line
// before it must be the class of a folder that the last line lists in Through (N-76). No bytes, a body above maxRecord,
// more than maxBehind folders and malformed JSON are errors.
func parseClass(b []byte) (out []*index.ClassEvent, err error) {
	if len(b) > maxRecord {
		return nil, fmt.Errorf("a class of %d bytes, want at most %d", len(b), maxRecord)
	}
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		e := &index.ClassEvent{}
		if err := strict.Unmarshal(line, e); err != nil {
			return nil, err
		}
		if out = append(out, e); len(out) > maxBehind+1 {
			return nil, fmt.Errorf("a class has more than %d folders above it", maxBehind)
		}
	}
	last := out[len(out)-1]
	for i, e := range out {
		if folder := i < len(out)-1; e.Passing != folder || folder && !slices.Contains(last.Through, e.ID) {
			return nil, fmt.Errorf("class %s is not the class of a folder above class %s", e.ID, last.ID)
		}
	}
	return out, nil
}

// watermark is the watermark of a share: the share is complete up to its heartbeat.
type watermark struct {
	Generation uint64    `json:"generation"`
	Log        uint64    `json:"log"`    // sequence of the last covered record
	Record     string    `json:"record"` // the message ID of that record
	Cursor     uint64    `json:"cursor"` // the message that contained the heartbeat
	Beat       heartbeat `json:"beat"`
	Version    string    `json:"version,omitempty"` // directory version; "" for a part of a tree
}

// parseWatermark parses a watermark. It returns an error for one that is too large, has an unknown field, or is
// without a generation or a heartbeat.
func parseWatermark(b []byte) (*watermark, error) {
	f := &watermark{}
	if len(b) > maxWatermark {
		return nil, fmt.Errorf("a watermark of %d bytes, want at most %d", len(b), maxWatermark)
	}
	if err := strict.Unmarshal(b, f); err != nil {
		return nil, err
	}
	if f.Generation == 0 || f.Beat.Time <= 0 {
		return nil, errors.New("a watermark without a generation or a heartbeat")
	}
	return f, nil
}

// head names the current version of the directory and the messages that have its bytes.
type head struct {
	Started int64     `json:"started"` // start of the directory's publisher, in nanoseconds since 1970
	Version string    `json:"version"` // SHA-256 of the bytes, hexadecimal
	Name    string    `json:"name"`    // the version's name in events: nameDigits hexadecimal digits
	Pieces  int       `json:"pieces"`
	Beat    heartbeat `json:"beat"`
}

// nameDigits is the length of a version's name.
const nameDigits = 16

// Limits of a directory: at most 256 MiB.
const (
	pieceBytes = 1 << 20
	maxPieces  = 256
)

// parseHead parses the head of a directory. It returns an error if it is too large, or if a field is missing, unknown
// or out of range. Name must have nameDigits digits, Version 64, all hexadecimal, and Pieces be 1 to maxPieces.
func parseHead(b []byte) (*head, error) {
	h := &head{}
	if len(b) > maxHead {
		return nil, fmt.Errorf("a head of %d bytes, want at most %d", len(b), maxHead)
	}
	if err := strict.Unmarshal(b, h); err != nil {
		return nil, err
	}
	if h.Started <= 0 || h.Beat.Time <= 0 || len(h.Version) != 64 || len(h.Name) != nameDigits ||
		strings.TrimLeft(h.Version+h.Name, "0123456789abcdef") != "" || h.Pieces < 1 || h.Pieces > maxPieces {
		return nil, errors.New("a directory without a version, a name, a heartbeat or pieces")
	}
	return h, nil
}
