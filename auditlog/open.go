package auditlog

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/refmon/refmon/audit"
)

// Recovery describes the state that [Open] found. The zero value is a new or complete log.
type Recovery struct {
	Records uint64 // RecordId of the last whole record
	Cut     int64  // bytes behind the last whole record; they were never acknowledged
	CutFile string // where these bytes are kept, "" if none were cut or the disk was full
	Rebuilt bool   // the tree's hashes were missing and were computed again
}

// Open opens the folder for writing and creates it if it does not exist. After a crash it recovers the log. All
// durable records are still there. Open cuts off an incomplete record at the end and adds a record about it (U-61).
// It also writes a record of the start. If the disk is full or the log has stopped, it writes it before the next
// record. The caller must close the log.
//
// It fails with [ErrLocked] if the folder has a writer, and with [ErrDamaged] if its records end before its own
// signed checkpoint. In that case records were removed or changed, and [Verify] reports which. An empty Config.Dir is
// an error.
func Open(cfg Config) (*Log, error) {
	if cfg.Dir == "" && cfg.disk == nil { // else the log and its private key would appear in the working directory
		return nil, errors.New("open the audit log: no folder is given: set Config.Dir")
	}
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

// start opens the log of a folder that this process has locked, records the start, and runs the writer. A missing key
// is created, unless the folder has a checkpoint. After an error no goroutine runs and no file is open, and the caller
// must unlock the folder.
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
		wake: make(chan struct{}, 1), clearings: make(chan clearing), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	w := &l.w
	w.log = l
	w.notary = notary{log: l, every: cfg.CheckpointRecords, tiles: &tiler{}}
	if err := w.recover(); err != nil {
		if w.seg != nil {
			err = errors.Join(err, w.seg.Close())
		}
		return nil, err
	}
	w.notary.start()
	events := []audit.Event{audit.LogStarted()}
	if l.recovered.Cut > 0 {
		events = append(events, audit.LogRecovered(l.recovered.Cut))
	}
	if err := w.own(events...); err != nil {
		if w.standing() != nil || !isFull(err) && !errors.Is(err, ErrStopped) {
			return nil, errors.Join(err, w.notary.stop(), w.seg.Close())
		}
		// Nothing is acknowledged without its record, so the log opens and its start is recorded later (U-67). Otherwise
		// nobody could clear a log that has stopped.
		w.unstored = append(w.unstored, events...)
	}
	go w.run()
	return l, nil
}

// ownKey returns the signing key in the log's folder. Without a key it creates one with a random name, unless the
// folder has a checkpoint. Then it fails, because another key signed that. A key that cannot be read is an error.
func ownKey(dir string) (note.Signer, error) {
	file := filepath.Join(dir, keyName)
	s, err := LoadKey(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if _, err := os.Stat(filepath.Join(dir, checkpointName)); err == nil {
		return nil, errors.New("the log's folder has a checkpoint but no key: pass the key that signed it")
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	return CreateKey(file, "refmon.local/audit/"+hex.EncodeToString(id[:]))
}

// lastCheckpoint returns the log's own checkpoint, which one of the configured keys must have signed. Otherwise the
// log could continue a tree that it never signed. It returns fs.ErrNotExist without a checkpoint, and ErrDamaged for
// one with a bad or foreign signature.
func (w *writer) lastCheckpoint() (Checkpoint, error) {
	b, err := readFile(w.log.cfg.disk, checkpointName, maxNote)
	if err != nil {
		return Checkpoint{}, err
	}
	_, err = note.Open(b, note.VerifierList())
	var unknown *note.UnverifiedNoteError
	if !errors.As(err, &unknown) {
		return Checkpoint{}, fmt.Errorf("%w: its checkpoint is not a signed note: %w", ErrDamaged, err)
	}
	n := unknown.Note
	for _, s := range w.log.cfg.Signers {
		for _, sig := range n.UnverifiedSigs {
			if sig.Name == s.Name() && sig.Hash == s.KeyHash() && signedBy(s, n.Text, sig.Base64) {
				return parseCheckpoint(n.Text)
			}
		}
	}
	return Checkpoint{}, fmt.Errorf("%w: its checkpoint is not signed by %s", ErrDamaged, w.log.origin)
}

// signedBy reports whether the signer made the signature. It signs again, because Ed25519 signatures are
// deterministic. An error returns false.
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

// create begins a log. Its first checkpoint, of no records, comes before its first segment: records without a
// checkpoint are a sign of tampering. An error leaves the files that were written.
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
	if err := closed(put(d, checkpointName, bytesOf(signed))); err != nil {
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
