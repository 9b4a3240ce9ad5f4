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
	"github.com/refmon/refmon/server/index/site"
)

// Bounds of a message. What is larger is refused before it is read.
const (
	maxDocuments = 1024    // in one message of a watcher
	maxSeen      = 4 << 20 // bytes of one
	maxRecord    = 8 << 20 // bytes of a record of a log
	targetRecord = 1 << 20 // a record is cut when it has so many bytes
	maxFence     = 1 << 10
	maxHead      = 1 << 10
	maxBehind    = 4096 // folders that one document lies behind
)

// seen holds one message of a watcher, about one part of a tree.
type seen struct {
	// Run is a random name of the walk that it belongs to. Started grows with each walk, and
	// with each watcher by more: a walk that began earlier is refused.
	Run     string `json:"run"`
	Started int64  `json:"started"`
	Begin   bool   `json:"begin,omitempty"`
	End     bool   `json:"end,omitempty"`
	Beat    *beat  `json:"beat,omitempty"`
	// Descriptors are those of Documents, each once.
	Descriptors [][]byte   `json:"descriptors,omitempty"`
	Documents   []document `json:"documents,omitempty"`
}

// document is one file or folder. Descriptor counts from 1; 0: it could not be read.
type document struct {
	Path       []byte `json:"path"` // on its own host
	Folder     bool   `json:"folder,omitempty"`
	Descriptor int    `json:"descriptor,omitempty"`
	Error      string `json:"error,omitempty"`
	Gone       bool   `json:"gone,omitempty"`
}

// beat is a moment for which a source vouches.
type beat struct {
	Time int64  `json:"time"`         // nanoseconds since 1970
	Up   int64  `json:"up,omitempty"` // nanoseconds since the machine started
	Boot string `json:"boot,omitempty"`
}

func beatOf(b index.Beat) *beat {
	if b.Time.IsZero() {
		return nil
	}
	return &beat{b.Time.UnixNano(), int64(b.Up), index.Boot()}
}

// moment returns a beat as it is on this machine: what another one counts since its start
// says nothing here.
func (b *beat) moment() index.Beat {
	out := index.Beat{Time: time.Unix(0, b.Time)}
	if b.Boot != "" && b.Boot == index.Boot() {
		out.Up = time.Duration(b.Up)
	}
	return out
}

// ahead reports whether a moment is yet to come: a clock was set.
func (b *beat) ahead(present index.Beat) bool {
	return time.Unix(0, b.Time).Sub(present.Time) > tolerance
}

// parseSeen reads a message of a watcher about a part. A document that is not below the
// part's tree, or of another part, makes all of it malformed (N-51).
func parseSeen(s *site.Site, p site.Part, b []byte) (*seen, *index.Batch, error) {
	if len(b) > maxSeen {
		return nil, nil, fmt.Errorf("%d bytes", len(b))
	}
	m := &seen{}
	if err := strict.Unmarshal(b, m); err != nil {
		return nil, nil, err
	}
	if m.Run == "" || m.Started <= 0 || len(m.Documents) > maxDocuments {
		return nil, nil, fmt.Errorf("run %q of %d with %d documents", m.Run, m.Started, len(m.Documents))
	}
	out := &index.Batch{Tree: p.Root(), Begin: m.Begin, End: m.End}
	if m.Beat != nil {
		out.Beat = m.Beat.moment()
	}
	list := make([]*sd.Descriptor, len(m.Descriptors)+1)
	for i, d := range m.Descriptors {
		var err error
		if list[i+1], err = sd.Decode(d); err != nil {
			return nil, nil, fmt.Errorf("descriptor %d: %w", i+1, err)
		}
	}
	for i := range m.Documents {
		x, err := m.Documents[i].seen(s, p, list)
		if err != nil {
			return nil, nil, err
		}
		out.Seen = append(out.Seen, *x)
	}
	return m, out, nil
}

func (d *document) seen(s *site.Site, p site.Part, list []*sd.Descriptor) (*index.Seen, error) {
	at := string(d.Path)
	switch {
	case at != p.Tree && !strings.HasPrefix(at, p.Tree+"/") || path.Clean(at) != at:
		return nil, fmt.Errorf("%q is not below %s", at, p.Tree)
	case !d.Gone && !(d.Folder && s.Tests()) && s.PartOf(at) != p.Number:
		return nil, fmt.Errorf("%q is of part %d", at, s.PartOf(at))
	case d.Descriptor < 0 || d.Descriptor >= len(list):
		return nil, fmt.Errorf("%q has descriptor %d of %d", at, d.Descriptor, len(list)-1)
	}
	x := &index.Seen{Path: "//" + p.Host + at, Folder: d.Folder, Descriptor: list[d.Descriptor], Gone: d.Gone}
	if d.Error != "" {
		x.Err = errors.New(d.Error)
	}
	return x, nil
}

// record is one message of a log: what a worker made, and of what.
type record struct {
	Generation uint64 `json:"generation"` // of the worker: each that takes a share has the next
	Worker     string `json:"worker"`
	Tries      int    `json:"tries,omitempty"`   // how many workers began at this cursor and wrote nothing
	Cursor     uint64 `json:"cursor"`            // the last message that all before and in this record is made of
	Started    int64  `json:"started,omitempty"` // of the walk that it belongs to
	Whole      bool   `json:"whole,omitempty"`   // a walk has ended, and nothing was lost since: beats vouch
	Refused    uint64 `json:"refused,omitempty"` // messages that did not count, in all
	Poison     uint64 `json:"poison,omitempty"`  // messages that counted and could not be used, in all
	// Piece counts from 1 the records that say what the share amounts to, in the place of all that stands before
	// the first of them; Final is in the last of them. 0: the record goes on from what was.
	Piece int  `json:"piece,omitempty"`
	Final bool `json:"final,omitempty"`

	lines  [][]byte      // its events, to be written
	events []index.Event // as they were read
}

// bytes returns a record: a line for itself, and one for each event.
func (r *record) bytes() ([]byte, error) {
	first, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return bytes.Join(append([][]byte{first}, r.lines...), []byte("\n")), nil
}

// parseRecord reads a record of a log.
func parseRecord(b []byte) (*record, error) {
	if len(b) > maxRecord {
		return nil, fmt.Errorf("a record of %d bytes", len(b))
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

// classBytes returns what a class is made of: a line for each folder that its documents lie behind,
// and last one for itself.
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

// parseClass reads it. All but the last are of folders, each of them named by the last (N-76).
func parseClass(b []byte) (out []*index.ClassEvent, err error) {
	if len(b) > maxRecord {
		return nil, fmt.Errorf("a class of %d bytes", len(b))
	}
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		e := &index.ClassEvent{}
		if err := strict.Unmarshal(line, e); err != nil {
			return nil, err
		}
		if out = append(out, e); len(out) > maxBehind+1 {
			return nil, fmt.Errorf("a class behind more than %d folders", maxBehind)
		}
	}
	last := out[len(out)-1]
	for i, e := range out {
		if folder := i < len(out)-1; e.Passing != folder || folder && !slices.Contains(last.Through, e.ID) {
			return nil, fmt.Errorf("class %s is not a folder's on the way to %s", e.ID, last.ID)
		}
	}
	return out, nil
}

// fence says up to when a share is true.
type fence struct {
	Generation uint64 `json:"generation"`
	Log        uint64 `json:"log"`    // the last record that it stands behind
	Cursor     uint64 `json:"cursor"` // the message that the beat was in
	Beat       beat   `json:"beat"`
	Version    string `json:"version,omitempty"` // of the directory
}

func parseFence(b []byte) (*fence, error) {
	f := &fence{}
	if len(b) > maxFence {
		return nil, fmt.Errorf("%d bytes", len(b))
	}
	if err := strict.Unmarshal(b, f); err != nil {
		return nil, err
	}
	if f.Generation == 0 || f.Beat.Time <= 0 {
		return nil, errors.New("a fence without a generation or a beat")
	}
	return f, nil
}

// head says which version of the directory counts. Its bytes lie in pieces of their own.
type head struct {
	Started int64  `json:"started"` // when its source began, in nanoseconds since 1970
	Version string `json:"version"` // SHA-256 of the bytes, in hexadecimal digits
	Pieces  int    `json:"pieces"`
	Beat    beat   `json:"beat"`
}

// Bounds of a directory: at most 256 MiB.
const (
	pieceBytes = 1 << 20
	maxPieces  = 256
)

func parseHead(b []byte) (*head, error) {
	h := &head{}
	if len(b) > maxHead {
		return nil, fmt.Errorf("%d bytes", len(b))
	}
	if err := strict.Unmarshal(b, h); err != nil {
		return nil, err
	}
	if h.Started <= 0 || h.Beat.Time <= 0 || len(h.Version) != 64 || h.Pieces < 1 || h.Pieces > maxPieces {
		return nil, errors.New("a directory without a version, a beat or pieces")
	}
	return h, nil
}
