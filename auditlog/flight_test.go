package auditlog

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
)

// A second batch is synced while the first one waits for the disk. Both are acknowledged if both syncs succeed. If the
// first one fails, neither is, and later records are refused (U-61, U-62).
func TestFailedSyncFailsOverlappingBatch(t *testing.T) {
	for _, fails := range []error{nil, unix.EIO} {
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
