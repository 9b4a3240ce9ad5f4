package wire

import (
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

func TestHostSleepLastsItsTime(t *testing.T) {
	for _, d := range []time.Duration{-1, 0, 1, time.Millisecond} {
		began, over := time.Now(), make(chan time.Duration, 1)
		go func() {
			hostSleep(d)
			over <- time.Since(began)
		}()
		select {
		case took := <-over:
			check.That(t, took >= d, "host sleep took %s, want at least %s", took, d)
		case <-time.After(20 * time.Second):
			t.Fatalf("host sleep of %s has not ended after 20 seconds, want it ended", d)
		}
	}
}
