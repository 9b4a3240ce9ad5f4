package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
)

// question is the client's only line: the tree to watch and its configuration, or the ids to look up.
type question struct {
	Version  int           `json:"version"` // 1
	Tree     string        `json:"tree"`    // path of the tree
	Share    string        `json:"share,omitempty"`
	Traverse string        `json:"traverse,omitempty"`
	Beat     time.Duration `json:"beat,omitempty"` // requested interval of heartbeats; 0: the server's choice
	// Users and Groups are uids and gids whose SIDs the client wants. With them the server sends these and no batches.
	Users  []uint32 `json:"users,omitempty"`
	Groups []uint32 `json:"groups,omitempty"`
}

// answer is the server's first line: whether it accepts the watch or question, and the SIDs of ids. An empty Error
// accepts.
type answer struct {
	Error  string    `json:"error,omitempty"`
	Busy   bool      `json:"busy,omitempty"`   // the client may try again; with an Error
	Users  []sid.SID `json:"users,omitempty"`  // SIDs of the question's uids, in their order
	Groups []sid.SID `json:"groups,omitempty"` // SIDs of the question's gids, in their order
}

// batch is each further line of the server: a batch of a watcher's findings.
type batch struct {
	Failed string `json:"failed,omitempty"` // why the watch ended: this is the last line and has no other field
	Begin  bool   `json:"begin,omitempty"`
	End    bool   `json:"end,omitempty"`
	Time   int64  `json:"time,omitempty"` // time of the heartbeat, in nanoseconds since 1970; 0: no heartbeat
	Up     int64  `json:"up,omitempty"`
	Seen   []seen `json:"seen,omitempty"`
	// Unnameable is the number of changes without a row (see watch.Batch).
	Unnameable int `json:"unnameable,omitempty"`
	// Descriptors has the descriptors of Seen without duplicates.
	Descriptors [][]byte `json:"descriptors,omitempty"`
}

// seen is one document of a batch.
type seen struct {
	Path       string `json:"path,omitempty"`
	Raw        []byte `json:"raw,omitempty"` // replaces a path that is not UTF-8
	Folder     bool   `json:"folder,omitempty"`
	Gone       bool   `json:"gone,omitempty"`
	Descriptor int    `json:"descriptor,omitempty"` // one-based index of Descriptors; 0: none
	Error      string `json:"error,omitempty"`
}

// line encodes a message as a line.
func line(message any) ([]byte, error) {
	b, err := json.Marshal(message)
	return append(b, '\n'), err
}

// encode returns a batch as one line of JSON, with its line feed. Equal descriptors are written once. It fails only
// if JSON encoding fails. A path that is not UTF-8 travels as bytes. A zero heartbeat time is left out.
func encode(b *watch.Batch) ([]byte, error) {
	out := batch{Begin: b.Begin, End: b.End, Up: int64(b.Heartbeat.Up), Unnameable: b.Unnameable}
	if !b.Heartbeat.Time.IsZero() {
		out.Time = b.Heartbeat.Time.UnixNano()
	}
	places := map[string]int{}
	for i := range b.Seen {
		s := &b.Seen[i]
		x := seen{Path: s.Path, Folder: s.Folder, Gone: s.Gone}
		if !utf8.ValidString(s.Path) {
			x.Path, x.Raw = "", []byte(s.Path)
		}
		switch {
		case s.Err != nil:
			x.Error = s.Err.Error()
		case s.Descriptor != nil:
			d := s.Descriptor.AppendOriginal(nil)
			if places[string(d)] == 0 {
				out.Descriptors = append(out.Descriptors, d)
				places[string(d)] = len(out.Descriptors)
			}
			x.Descriptor = places[string(d)]
		}
		out.Seen = append(out.Seen, x)
	}
	return line(&out)
}

// decode parses one line of the feed into a batch of the tree root. A document that is gone has the error
// fs.ErrNotExist; an unreadable document has the server's error text. Errors are an unknown field, a malformed
// descriptor, a document outside the tree, and the server's reason to end the watch.
func decode(text []byte, root string) (watch.Batch, error) {
	var in batch
	if err := strict.Unmarshal(text, &in); err != nil {
		return watch.Batch{}, err
	}
	if in.Failed != "" {
		return watch.Batch{}, fmt.Errorf("refmond ended the watch: %s", in.Failed)
	}
	if in.Unnameable < 0 {
		return watch.Batch{}, fmt.Errorf("unnameable: %d: want 0 or more", in.Unnameable)
	}
	out := watch.Batch{Tree: root, Begin: in.Begin, End: in.End, Unnameable: in.Unnameable}
	if in.Time != 0 {
		out.Heartbeat = watch.Heartbeat{Time: time.Unix(0, in.Time), Up: time.Duration(in.Up)}
	}
	list := make([]*sd.Descriptor, len(in.Descriptors))
	for i, b := range in.Descriptors {
		var err error
		if list[i], err = sd.Decode(b); err != nil {
			return watch.Batch{}, fmt.Errorf("descriptor %d: %w", i+1, err)
		}
	}
	for i := range in.Seen {
		x := &in.Seen[i]
		s := watch.Seen{Path: x.Path, Folder: x.Folder, Gone: x.Gone}
		if x.Path == "" {
			s.Path = string(x.Raw)
		}
		switch {
		case !tree.Contains(root, s.Path):
			return watch.Batch{}, fmt.Errorf("document %q: it is not in the tree %s", s.Path, root)
		case x.Descriptor < 0 || x.Descriptor > len(list):
			return watch.Batch{}, fmt.Errorf("document %q: there is no descriptor %d", s.Path, x.Descriptor)
		case x.Gone:
			s.Err = fs.ErrNotExist
		case x.Error != "":
			s.Err = errors.New(x.Error)
		case x.Descriptor > 0:
			s.Descriptor = list[x.Descriptor-1]
		}
		out.Seen = append(out.Seen, s)
	}
	return out, nil
}
