//go:build linux

package marshal

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
)

// A message that was written is read back, and its header is that of ntlpcapi.h.
func TestPortMessagesSurviveEncoding(t *testing.T) {
	l := newLayout(t)
	var m Memory
	want := PortMessage{ClientID: nt.ClientID{UniqueProcess: 8, UniqueThread: 12}, ID: 77, Data: []byte("hello")}
	written := want
	written.Type = 3
	p := l.words(make([]uint64, 6)...)
	check.Success(t, m.WritePortMessage(p, &written))
	matches(t, "PORT_MESSAGE", want)(m.PortMessageAt(p))
	for off, word := range map[Address]uint64{0: 5 | 45<<16 | 3<<32, 8: 8, 16: 12, 24: 77, 32: 0} {
		if got, _ := m.ReadU64(p + off); got != word {
			t.Errorf("at %d: %#x, want %#x", off, got, word)
		}
	}
}
