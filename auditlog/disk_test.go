package auditlog

import (
	"errors"
	"io"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/test/inject"
	"golang.org/x/mod/sumdb/note"

	testcheck "github.com/refmon/refmon/internal/test/check"
)

// Each disk error while a log is created, verified, read or proved is returned, so that an unread or undurable log
// never looks complete (U-62, U-74).
func TestEachDiskErrorIsReturned(t *testing.T) {
	start, checkpoints := manySegments(t, 2)
	_, key := testKey(t)
	// A verification only reports a private key. A reader does not verify: an unreadable checkpoint covers nothing.
	ignored := map[string]string{"verify": keyName, "read": checkpointName}
	for name, do := range map[string]func(d *memDisk) error{
		"create": func(d *memDisk) error {
			clear(d.now)
			l, err := Open(testConfig(t, d))
			if err != nil {
				return err
			}
			_, failed := l.Health()
			return errors.Join(failed, l.Close())
		},
		"verify": func(d *memDisk) error {
			return testcheck.Err(Verify(Verification{disk: d, Keys: []note.Verifier{key}, Anchors: checkpoints[:1]}))
		},
		"prove a record": func(d *memDisk) error { return testcheck.Err(proveRecord(d, 5)) },
		"prove since":    func(d *memDisk) error { return testcheck.Err(proveSince(d, checkpoints[0])) },
		"read": func(d *memDisk) error {
			r, err := newReader(d, 0)
			if err != nil {
				return err
			}
			defer func() { _ = r.Close() }()
			for err == nil {
				_, err = r.Next()
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		},
	} {
		for k := 0; ; k++ {
			d := start.crash(lostAll)
			d.reads = true
			d.Fail(syscall.EIO, func(o inject.Op) bool { return o.Kind != "close" && o.Name != ignored[name] },
				inject.OnIndex(k))
			err := do(d)
			if d.Selected() == 0 {
				testcheck.That(t, err == nil && k > 2, "%s: %v without a failure, after %d failures", name, err, k)
				break
			}
			testcheck.That(t, err != nil, "%s, operation %d fails: %s: no error, want one", name, k, d.Ops()[len(d.Ops())-1])
		}
	}
}

// A file that becomes shorter while it is read is an error.
func TestShorterFileIsNotReadAsZeros(t *testing.T) {
	d := newMemDisk(t, "")
	d.set("f", []byte("ab"))
	d.reads = true
	d.Fail(syscall.EIO, func(o inject.Op) bool {
		if o.Kind == "read" {
			d.now["f"].data = d.now["f"].data[:1]
		}
		return false
	})
	b, err := readFile(d, "f", 10)
	testcheck.ErrorIs(t, err, io.EOF, "a file that became shorter reads as %q", b)
}
