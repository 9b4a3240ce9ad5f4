package auditlog

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/refmon/refmon/audit"
)

// Recovery tells what [Open] found. The zero value is a new or whole log.
type Recovery struct {
	Records uint64 // that were there
	Cut     int64  // bytes behind the last whole record; they were never acknowledged
	CutFile string // where these bytes are kept, "" if none were cut
	Rebuilt bool   // the tree's hashes were missing and were computed again
}

// Open opens the folder for writing, made if it is not there, and recovers
// what a process that ended in the middle left: records that were durable are
// all there, a torn one at the end is cut off and announced by a record (U-61).
//
// It fails with [ErrLocked] if the folder has a writer, and with [ErrDamaged]
// if its records do not reach its own signed checkpoint: then records are gone
// or were changed, and [Verify] says which.
func Open(cfg Config) (*Log, error) {
	cfg.defaults()
	if err := cfg.disk.Mkdir("."); err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	unlock, err := cfg.disk.Lock()
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	l, err := start(cfg, unlock)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the audit log: %w", err), unlock())
	}
	return l, nil
}

// start makes the Log of a folder that this process has to itself.
func start(cfg Config, unlock func() error) (*Log, error) {
	if cfg.Signers == nil {
		s, err := ownKey(cfg.Dir)
		if err != nil {
			return nil, err
		}
		cfg.Signers = []note.Signer{s}
	}
	l := &Log{
		cfg: cfg, origin: cfg.Signers[0].Name(), unlock: unlock,
		next: &batch{done: make(chan struct{})}, room: make(chan struct{}),
		wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	w := &l.w
	w.log = l
	w.notary = notary{log: l, every: cfg.CheckpointRecords, tiles: &tiler{}}
	if err := w.recover(); err != nil {
		return nil, err
	}
	w.notary.start()
	events := []audit.Event{audit.LogStarted()}
	if l.recovered.Cut > 0 {
		events = append(events, audit.LogRecovered(l.recovered.Cut))
	}
	if err := w.own(events...); err != nil {
		return nil, errors.Join(err, w.notary.stop(), w.seg.Close())
	}
	go w.run()
	return l, nil
}

// ownKey returns the key that lies beside the log.
func ownKey(dir string) (note.Signer, error) {
	file := filepath.Join(dir, keyName)
	s, err := LoadKey(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	return CreateKey(file, "refmon.local/audit/"+hex.EncodeToString(id[:]))
}

// recover makes the writer go on where the last one ended.
func (w *writer) recover() error {
	d := w.log.cfg.disk
	firsts, err := segments(d)
	if err != nil {
		return err
	}
	c, err := w.lastCheckpoint()
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(firsts) == 0:
		return w.create()
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there are records and no checkpoint", ErrDamaged)
	case err != nil:
		return err
	case len(firsts) == 0 && c.Size == 0:
		return w.create() // the last run ended before its first segment
	case len(firsts) == 0:
		return fmt.Errorf("%w: the checkpoint names %d records and the folder has no segment", ErrDamaged, c.Size)
	}
	w.log.noted.Store(&c)
	if err := w.resume(firsts, &c); err != nil {
		return err
	}
	return w.keepOld(firsts)
}

// lastCheckpoint reads the log's own checkpoint. One of the log's keys must
// have signed it: else another tree would be signed behind it.
func (w *writer) lastCheckpoint() (Checkpoint, error) {
	b, err := readFile(w.log.cfg.disk, checkpointName, maxNote)
	if err != nil {
		return Checkpoint{}, err
	}
	n, err := note.Open(b, note.VerifierList())
	var unknown *note.UnverifiedNoteError
	if !errors.As(err, &unknown) {
		return Checkpoint{}, fmt.Errorf("%w: its checkpoint is no signed note: %v", ErrDamaged, err)
	}
	n = unknown.Note
	for _, s := range w.log.cfg.Signers {
		for _, sig := range n.UnverifiedSigs {
			if sig.Name == s.Name() && sig.Hash == s.KeyHash() && signedBy(s, n.Text, sig.Base64) {
				return parseCheckpoint(n.Text)
			}
		}
	}
	return Checkpoint{}, fmt.Errorf("%w: its checkpoint is not signed by %s", ErrDamaged, w.log.origin)
}

// signedBy reports whether the signer made the signature. Ed25519 gives the
// same one again.
func signedBy(s note.Signer, text, sig string) bool {
	signed, err := note.Sign(&note.Note{Text: text}, s)
	if err != nil {
		return false
	}
	again, err := note.Open(signed, note.VerifierList())
	var unknown *note.UnverifiedNoteError
	if errors.As(err, &unknown) {
		again = unknown.Note
	}
	return again != nil && len(again.UnverifiedSigs) == 1 && again.UnverifiedSigs[0].Base64 == sig
}

// create begins a log. Its first checkpoint, of no records, comes before its
// first segment: records without a checkpoint are a sign of tampering.
func (w *writer) create() error {
	d := w.log.cfg.disk
	h := header{mode: w.log.cfg.Mode, first: 1}
	if _, err := rand.Read(h.log[:]); err != nil {
		return err
	}
	c := Checkpoint{Origin: w.log.origin}
	var empty frontier
	c.Root = empty.root()
	signed, err := signCheckpoint(&c, w.log.cfg.Signers)
	if err != nil {
		return err
	}
	if err := replace(d, checkpointName, signed); err != nil {
		return err
	}
	w.log.noted.Store(&c)
	seg, err := beginSegment(d, &h)
	if err != nil {
		return err
	}
	w.seg, w.head, w.size, w.next = seg, h, h.size(), 1
	return nil
}

// resume reads the records behind the checkpoint and opens the last segment.
func (w *writer) resume(firsts []uint64, c *Checkpoint) error {
	from := 0
	for i, first := range firsts {
		if first <= c.Size+1 {
			from = i
		}
	}
	t, err := loadTiler(w.log.cfg.disk, c.Size)
	if err == nil {
		if f := t.frontier(); f.size != c.Size || f.root() != c.Root {
			err = errors.New("the stored hashes do not add up to the checkpoint")
		}
	}
	if err != nil {
		if firsts[0] != 1 {
			return fmt.Errorf("%w: %w; the records to compute them from are not kept", ErrDamaged, err)
		}
		t, from, w.log.recovered.Rebuilt = &tiler{}, 0, true
	}
	r := &replay{w: w, checkpoint: c, tiles: t, have: c.Size}
	if w.log.recovered.Rebuilt {
		r.have = 0
	} else {
		for _, p := range t.partial() {
			w.notary.old = append(w.notary.old, p.path())
		}
	}
	w.notary.tiles, w.notary.signed = t, c.Size
	for i, first := range firsts[from:] {
		if err := r.segment(first, from+i == len(firsts)-1); err != nil {
			return err
		}
	}
	if w.tree.size < c.Size {
		return fmt.Errorf("%w: its checkpoint names %d records and %d are there", ErrDamaged, c.Size, w.tree.size)
	}
	if err := w.notary.findStale(c.Size, w.tree.size+tileWidth); err != nil {
		return err
	}
	w.log.recovered.Records = w.tree.size
	w.log.durable.Store(w.tree.size)
	w.next = w.tree.size + 1
	return nil
}

// replay computes the tree again from records.
type replay struct {
	w          *writer
	checkpoint *Checkpoint
	tiles      *tiler
	have       uint64 // records whose hashes tiles has
	begun      bool
}

// segment replays one segment. What follows the last whole record of the last
// segment is cut off; anywhere else it is damage.
func (r *replay) segment(first uint64, last bool) error {
	w := r.w
	f, s, err := openSegment(w.log.cfg.disk, first)
	if err != nil {
		return fmt.Errorf("%w: segment %s: %w", ErrDamaged, segmentName(first), err)
	}
	switch {
	case !r.begun:
		w.tree, r.begun = s.head.before.clone(), true
	case !w.tree.equal(&s.head.before) || s.head.log != w.head.log:
		err = fmt.Errorf("%w: segment %s does not continue the one before", ErrDamaged, segmentName(first))
	}
	w.head = s.head
	if err == nil {
		err = r.frames(s, last)
	}
	if err == nil && last {
		err = r.adopt(f, s)
	}
	return errors.Join(err, f.Close())
}

// frames replays the records of a segment.
func (r *replay) frames(s *scanner, last bool) error {
	for {
		f, err := s.next()
		if err == nil && f.id != r.w.tree.size+1 {
			s.at -= int64(len(f.bytes))
			err = errTorn
		}
		switch {
		case err == nil:
			if err := r.record(f.leaf()); err != nil {
				return err
			}
		case isEnd(err) || last && errors.Is(err, errTorn):
			return nil
		default:
			return fmt.Errorf("%w: record %d: %w", ErrDamaged, r.w.tree.size+1, err)
		}
	}
}

// record adds one record to the tree.
func (r *replay) record(leaf tlog.Hash) error {
	r.w.tree.add(leaf)
	if n := r.w.tree.size; n > r.have {
		r.tiles.add(leaf)
	}
	if c := r.checkpoint; r.w.tree.size == c.Size && r.w.tree.root() != c.Root {
		return fmt.Errorf("%w: records up to %d are not those of its checkpoint", ErrDamaged, c.Size)
	}
	return nil
}

// adopt makes the whole records of the last segment the writer's. They are
// written anew: after a sync that failed, what is read back says nothing about
// what the disk has.
func (r *replay) adopt(f file, s *scanner) error {
	w, d := r.w, r.w.log.cfg.disk
	size, err := f.Size()
	if err != nil {
		return err
	}
	if cut := size - s.at; cut > 0 {
		w.log.recovered.Cut, w.log.recovered.CutFile = cut, fmt.Sprintf("cut-%016x", w.tree.size+1)
		if err := copyFile(d, f, s.at, cut, w.log.recovered.CutFile); err != nil {
			return err
		}
	}
	name := segmentName(s.head.first)
	if err := copyFile(d, f, 0, s.at, name); err != nil {
		return err
	}
	w.size = s.at
	w.seg, err = d.Open(name)
	return err
}
