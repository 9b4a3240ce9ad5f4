package auditlog

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/audit"
)

// A second batch is synced while the first one waits for the disk. Both are acknowledged if both syncs succeed. If the
// first one fails, neither is, and later records are refused (U-61, U-62).
func TestFailedSyncFailsOverlappingBatch(t *testing.T) {
	for _, fails := range []error{nil, syscall.EIO} {
		var mu sync.Mutex
		armed, syncs := false, 0
		first, second := make(chan struct{}), make(chan struct{})
		l, err := Open(Config{Dir: t.TempDir(), CheckpointRecords: 1 << 40, Faults: func(operation, name string) error {
			mu.Lock()
			if !armed || operation != "sync" || !strings.Contains(name, segmentPrefix) {
				mu.Unlock()
				return nil
			}
			syncs++
			n := syncs
			mu.Unlock()
			switch n {
			case 1:
				close(first)
				<-second // of two batches at least one sync must begin before another ends
				return fails
			case 2:
				close(second)
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		armed = true
		mu.Unlock()
		e := opened(t, audit.Success, "a")
		results := make(chan error, 2)
		go func() { results <- l.Write(e) }()
		<-first
		go func() { results <- l.Write(e) }()
		for range 2 {
			if err := <-results; !errors.Is(err, fails) {
				t.Errorf("U-61: a record whose batch or the one before fails with %v: %v", fails, err)
			}
		}
		if err := l.Write(e); !errors.Is(err, fails) {
			t.Errorf("a record after a sync with %v: %v", fails, err)
		}
		if err := l.Close(); !errors.Is(err, fails) {
			t.Errorf("close after a sync with %v: %v", fails, err)
		}
	}
}

// hostDisk is a disk that reports a failed write as Linux does, once to each descriptor (fsync(2)). Of two syncs that
// run at a time the first one ends last.
type hostDisk struct {
	disk
	armed, failed atomic.Bool
	syncs         atomic.Int32
	first, second chan struct{} // closed when the first one begins and the second one ends
	// alone: the segment opens only once, and the first sync ends by itself.
	alone  bool
	shared atomic.Bool // two syncs used one descriptor at a time
}

type hostFile struct {
	file
	d        *hostDisk
	segment  bool
	reported atomic.Bool
}

func (d *hostDisk) wrap(name string, f file, err error) (file, error) {
	return &hostFile{file: f, d: d, segment: strings.Contains(name, segmentPrefix)}, err
}

// Create implements disk.
func (d *hostDisk) Create(name string) (file, error) {
	f, err := d.disk.Create(name)
	return d.wrap(name, f, err)
}

// Open implements disk.
func (d *hostDisk) Open(name string) (file, error) {
	if d.alone && d.armed.Load() && strings.Contains(name, segmentPrefix) {
		return nil, syscall.EMFILE
	}
	f, err := d.disk.Open(name)
	return d.wrap(name, f, err)
}

// Sync implements file.
func (f *hostFile) Sync() error {
	if !f.segment || !f.d.armed.Load() {
		return f.file.Sync()
	}
	n := f.d.syncs.Add(1)
	switch n {
	case 1:
		close(f.d.first)
		var end <-chan time.Time
		if f.d.alone {
			end = time.After(50 * time.Millisecond)
		}
		select {
		case <-f.d.second:
			f.d.shared.Store(f.d.alone)
		case <-end:
		}
	case 2:
		f.d.failed.Store(true)
		defer close(f.d.second)
	}
	if f.d.failed.Load() && !f.reported.Swap(true) {
		return syscall.EIO
	}
	return nil
}

// TestFailedWriteFailsBothSyncs checks that no batch is acknowledged whose sync ran during a failed write, also if the
// later sync gets the error first. The host reports a failed write once to each descriptor (U-61). If the segment
// cannot be opened once more, the second sync waits for the first one.
func TestFailedWriteFailsBothSyncs(t *testing.T) {
	for alone, want := range map[bool]int{false: 2, true: 1} {
		d := &hostDisk{disk: folder{dir: t.TempDir()}, first: make(chan struct{}), second: make(chan struct{}), alone: alone}
		cfg := testConfig(t, d)
		cfg.CheckpointRecords = 1 << 40
		l := mustOpen(t, cfg)
		d.armed.Store(true)
		e := opened(t, audit.Success, "a")
		results, failed := make(chan error, 2), 0
		go func() { results <- l.Write(e) }()
		<-d.first
		go func() { results <- l.Write(e) }()
		for range 2 {
			if errors.Is(<-results, syscall.EIO) {
				failed++
			}
		}
		if failed != want || d.shared.Load() {
			t.Errorf("%d records failed whose write may have failed, want %d; syncs shared a descriptor: %t", failed, want,
				d.shared.Load())
		}
		if err := l.Close(); !errors.Is(err, syscall.EIO) {
			t.Errorf("Close = %v, want %v", err, syscall.EIO)
		}
	}
}
