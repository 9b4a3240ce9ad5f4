package wire

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestReservedDescriptorsCountAgainstLimit checks that descriptors that several threads are about to send count
// together with those that the client has not read (W-62).
func TestReservedDescriptorsCountAgainstLimit(t *testing.T) {
	s := &Server{passed: 1}
	for i := range MaxPassed - 1 {
		check.RequireThat(t, s.reserve(), "reservation %d after an unread descriptor: refused, want it granted", i+1)
	}
	check.That(t, !s.reserve(), "reservation beyond %d descriptors: granted, want it refused", MaxPassed)
	s.unreserve()
	check.That(t, s.reserve(), "reservation after another one ended: refused, want it granted")
	check.That(t, !s.reserve(), "second reservation after another one ended: granted, want it refused")
}
