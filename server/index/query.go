package index

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/token"
)

// Index answers queries from the files of a run, in any process of the machine. It is safe for concurrent use.
// [Open] returns one.
type Index struct {
	dir   string
	limit time.Duration
	clock func() watch.Heartbeat // immutable
	boot  string                 // immutable: boot ID of this machine

	mu sync.Mutex
	// +checklocks:mu
	file *os.File
	// +checklocks:mu
	state *State
	// +checklocks:mu
	in *bufio.Reader // reads file
	// +checklocks:mu
	lines lineReader
	// +checklocks:mu
	at int64 // offset of the next line
	// +checklocks:mu
	watermark *Watermark // the last one that was read
	// +checklocks:mu
	info os.FileInfo // describes the file of watermark
	// +checklocks:mu
	bad error // the first error of reading the log; it is permanent

	run *live // immutable; nil: the index follows the files of a folder
}

// Answer reports whether a person has a right on a document. The zero value denies.
type Answer struct {
	Allowed bool   `json:"allowed"`
	Because string `json:"because,omitempty"` // why the result is unknown; "" if it is known

	Class      string    `json:"class,omitempty"`      // ID of the document's class for the right
	Descriptor string    `json:"descriptor,omitempty"` // SHA-256 of the document's descriptor, shortened
	Directory  string    `json:"directory,omitempty"`  // version of the directory
	Seq        uint64    `json:"seq"`                  // number of the last event
	Time       time.Time `json:"time"`                 // the tree is complete up to this time
}

// Open opens the index in a directory for queries. It reads the log with the first query. A query about a tree fails
// if the last heartbeat of the tree or of the directory is older than limit. It returns an error if there is no log.
// The caller closes the index.
func Open(dir string, limit time.Duration) (*Index, error) {
	file, err := os.Open(filepath.Join(dir, eventsName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s has no index: name the state folder of a run that has started: %w", dir, err)
	}
	if err != nil {
		return nil, err
	}
	return &Index{dir: dir, limit: limit, clock: watch.Now, boot: watch.BootID(), file: file,
		in: bufio.NewReaderSize(file, 1<<18), state: newState()}, nil
}

// Close makes each later query fail. It closes the log file if [Open] opened the index, and leaves the log of a run
// open. A second call returns an error for an opened index only.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.run != nil {
		x.bad = os.ErrClosed
		return nil
	}
	return x.file.Close()
}

// CanRead reports whether a person, by name or SID, has a right on a document. path is the absolute, clean path in the
// index. An empty right means the first right of the index. It never fails: for an unknown document, person or right,
// and for unreadable or stale data, the answer is no, and Because has the reason (N-5, N-9).
func (x *Index) CanRead(path, who, right string) Answer {
	return x.CanReadAll(nil, []string{path}, Query{Who: who, Right: right})[0]
}

// Query names the user, by token or name, and the right of a question. A token takes precedence over a name.
type Query struct {
	Who   string        // a person, by name or SID
	Token *token.Token  // the user's token, whose access the index decides itself (N-19); nil: use Who
	Right string        // "": the first right of the index
	Limit time.Duration // the greatest age of a heartbeat; 0: that of the index
}

// chunk is the number of documents or classes that are looked up before the lock is released. A run that maintains the
// same state waits for one chunk at most.
const chunk = 128

// CanReadAll appends an answer for each path to dst, in their order, and returns the extended slice. All answers are
// about the person or token of q and its right; see [Index.CanRead]. Answers after the first 128 may be of a later
// state. Without paths it returns dst.
func (x *Index) CanReadAll(dst []Answer, paths []string, q Query) []Answer {
	may := byMember(q.Who)
	if q.Token != nil {
		may = byToken(q.Token)
	}
	for part := range slices.Chunk(paths, chunk) {
		dst = x.answer(dst, part, q, may)
	}
	return dst
}

// errGuarded is the error of a query for a token in an index with the configuration of a share, whose lists of names
// only people of the directory can match (N-100).
var errGuarded = errors.New("the configuration of a share decides, too: name a person instead of a token")

// byMember returns a test whether a person is a stored member of a class. who is a name or SID. The test's text is ""
// for every person in the directory, member or not. For an unknown person the text says that the directory does not
// have the person.
func byMember(who string) func(*State, *kind) (bool, string) {
	return func(s *State, k *kind) (bool, string) {
		number, known := s.number(who)
		if !known {
			return false, errNobody.Error()
		}
		return k.members.Has(number), ""
	}
}

// answer decides access for each document and appends the results to dst. may tests whether a class admits the user,
// and gives a reason if that is unknown. An index that cannot be read gives each document its error.
func (x *Index) answer(dst []Answer, paths []string, q Query, may func(*State, *kind) (bool, string)) []Answer {
	x.mu.Lock()
	defer x.mu.Unlock()
	watermark, err := x.follow()
	present := x.clock()
	for _, path := range paths {
		if err != nil {
			dst = append(dst, Answer{Because: err.Error()})
			continue
		}
		dst = append(dst, x.one(&age{watermark, x.within(q), present, x.boot}, path, q.Right, may))
	}
	return dst
}

// one decides access to one document. right "" is the index's first right. g has the ages of the heartbeats. If all
// data is known and current, may decides by the document's class. These cases are denials, with the reason in Because:
//
//   - a stale source, which is checked first
//   - a missing or unreadable document
//   - an unknown right
//   - a class without decided members
//
// +checklocks:x.mu
func (x *Index) one(g *age, path, right string, may func(*State, *kind) (bool, string)) Answer {
	a := Answer{Seq: x.state.seq, Directory: x.state.version}
	row := x.state.rows[path]
	if row == nil {
		if a.Because = g.stale(g.sourceOf(path)); a.Because == "" {
			a.Because = "the document is not in the index"
		}
		return a
	}
	a.Descriptor, a.Time = row.Descriptor, g.Sources[row.Tree].Time
	if a.Because = g.stale(row.Tree); a.Because != "" {
		return a
	}
	if row.Error != "" {
		a.Because = "the document could not be read: " + row.Error
		return a
	}
	at := max(0, slices.Index(x.state.start.Rights, right))
	if right != "" && x.state.start.Rights[at] != right {
		a.Because = otherRight(right).Error()
		return a
	}
	k := x.state.classes[row.Classes[at]]
	if k.event.Version == "" { // no worker has decided the members yet (N-40)
		a.Class, a.Because = row.Classes[at], "its class is not decided yet"
		return a
	}
	if a.Allowed, a.Because = may(x.state, k); a.Because == "" {
		a.Class = row.Classes[at]
	}
	return a
}

// otherRight returns the error of a question for a right that the index does not have.
func otherRight(right string) error { return fmt.Errorf("the index is not about the right %s", right) }

// CheckRight returns an error if the index does not have a right. "" is its first right. It returns nil as long as the
// index has no heartbeat or cannot be read; each answer then says so.
func (x *Index) CheckRight(right string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, err := x.follow(); err != nil || right == "" || slices.Contains(x.state.start.Rights, right) {
		return nil
	}
	return otherRight(right)
}

// within returns how old a heartbeat may be for a query: the query's own limit, or the index's limit if that is not
// positive.
func (x *Index) within(q Query) time.Duration {
	if q.Limit > 0 {
		return q.Limit
	}
	return x.limit
}

// age determines whether the sources of an index are current: it compares the heartbeats of a watermark with a limit at
// one moment. Immutable.
type age struct {
	*Watermark
	limit   time.Duration
	present watch.Heartbeat
	boot    string
}

// stale returns the reason why data about a tree is out of date: the tree or the directory has no current heartbeat. It
// returns "" if both have one.
func (g *age) stale(tree string) string {
	for _, source := range [2]string{tree, directorySource} {
		if !g.fresh(source, g.limit, g.boot, g.present) {
			return fmt.Sprintf("%s had no heartbeat within %s", source, g.limit)
		}
	}
	return ""
}

// number finds a person by SID or name and returns the person's number in member sets. If nobody has exactly this name,
// case does not matter (N-6). It returns false if nobody or several people have the name; the number then means
// nothing.
func (s *State) number(who string) (int, bool) {
	if n, known := s.bySID[who]; known {
		return n, true
	}
	n, known := s.byName[who]
	if !known {
		n, known = s.byFold[directory.Fold(who)]
	}
	return n, known && n >= 0
}

// follow reads the index's watermark, and the log at least as far as the watermark covers. A running index returns its
// current watermark without reading. Before the first heartbeat follow returns an error. An error of reading the log is
// permanent. One of the watermark is not, and neither is one of opening a log that was compacted.
// +checklocks:x.mu
func (x *Index) follow() (*Watermark, error) {
	if x.bad != nil {
		return nil, x.bad
	}
	if x.run != nil { // the run itself keeps the state and the watermark current
		if x.watermark == nil {
			return nil, ErrNoHeartbeat
		}
		return x.watermark, nil
	}
	watermark, err := x.newest()
	if err != nil {
		return nil, fmt.Errorf("watermark: %w", err)
	}
	if err := x.current(); err != nil { // x is unchanged, so a later call can succeed
		return nil, err
	}
	if x.bad = x.read(); x.bad != nil {
		return nil, x.bad
	}
	switch start := x.state.start; {
	case start == nil || watermark.Index == "":
		return nil, ErrNoHeartbeat
	case start.Index != watermark.Index:
		return nil, errors.New("the index was recreated: open it again")
	case x.state.seq < watermark.Seq:
		return nil, fmt.Errorf("the watermark covers event %d, but the log ends at %d", watermark.Seq, x.state.seq)
	}
	return watermark, nil
}

// ErrNoHeartbeat means that no source of the index has sent a heartbeat yet, so that every query fails.
var ErrNoHeartbeat = errors.New("the index has no heartbeat yet")

// current opens the log again if it was compacted. The new one contains everything of the old one. The state is then
// empty until the next read. Without a log it keeps the old one.
//
// +checklocks:x.mu
func (x *Index) current() error {
	other, err := replaced(x.dir, x.file)
	if err != nil || !other {
		return err
	}
	file, err := os.Open(filepath.Join(x.dir, eventsName))
	if err != nil {
		return err
	}
	_ = x.file.Close() // closing a file that was only read loses no data
	x.file, x.state, x.at = file, newState(), 0
	x.in.Reset(file)
	return nil
}

// newest returns the current watermark, the zero value if there is none yet. It reads the file only if the inode or
// modification time has changed; a missed change means an older watermark, which is safe. The caller must not change
// the result.
//
// +checklocks:x.mu
func (x *Index) newest() (*Watermark, error) {
	info, err := os.Stat(filepath.Join(x.dir, watermarkName))
	if err == nil && x.info != nil && os.SameFile(info, x.info) && info.ModTime().Equal(x.info.ModTime()) {
		return x.watermark, nil
	}
	watermark, err := readWatermark(x.dir)
	if err == nil {
		x.watermark, x.info = watermark, info
	}
	return watermark, err
}

// read applies new events. The next call reads an incomplete last line again. A damaged event is an error. Events
// before the damaged one stay applied.
//
// +checklocks:x.mu
func (x *Index) read() error {
	for again := false; ; {
		line, err := x.in.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			return readFrom(x.in, x.file, x.at, len(line))
		case err != nil:
			return err
		}
		e, err := x.lines.event(bytes.TrimSuffix(line, []byte("\n")))
		if err == nil {
			err = x.state.Apply(e)
		}
		if err != nil && !again {
			if err = readFrom(x.in, x.file, x.at, len(line)); err != nil {
				return err
			}
			again = true
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", x.file.Name(), damaged(x.at, err))
		}
		x.at, again = x.at+int64(len(line)), false
	}
}

// Why returns the last event of the class that decided an answer, and the class, as of the last query. Both are nil
// for an answer without a class, or with one that the index does not have. The caller must not change the results.
func (x *Index) Why(a Answer) (*ClassEvent, *Class) {
	x.mu.Lock()
	defer x.mu.Unlock()
	k := x.state.classes[a.Class]
	if k == nil {
		return nil, nil
	}
	return k.event, &k.Class
}
