package pac

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestPACTableOverflowsAreRejected checks tables that are too long, sums that overflow 32 or 64 bits, and signatures
// that are there twice (K-1, K-2).
func TestPACTableOverflowsAreRejected(t *testing.T) {
	le := binary.LittleEndian
	for name, change := range map[string]func(b []byte) []byte{
		"empty":                   func([]byte) []byte { return nil },
		"seven bytes":             func(b []byte) []byte { return b[:7] },
		"more than any":           func(b []byte) []byte { return append(b, make([]byte, MaxSize)...) },
		"another version":         func(b []byte) []byte { b[4] = 1; return b },
		"2^28 buffers":            func(b []byte) []byte { le.PutUint32(b, 0x10000000); return b },
		"2^28+2 buffers":          func(b []byte) []byte { le.PutUint32(b, 0x10000002); return b },
		"more buffers than room":  func(b []byte) []byte { le.PutUint32(b[:4:4], 60); return b[:300] },
		"an offset that wraps":    func(b []byte) []byte { le.PutUint64(b[16:], ^uint64(7)); return b },
		"an offset above 32 bits": func(b []byte) []byte { le.PutUint64(b[16:], le.Uint64(b[16:])|1<<32); return b },
		"a size that wraps":       func(b []byte) []byte { le.PutUint32(b[12:], ^uint32(0)); return b },
	} {
		data := change(slices.Clone(forge.Seal(alice().Buffers(), key(18))))
		checkRejected(t, "K-1", name, data)
		check.That(t, check.Err(split(data)) != nil, "K-1: %s: the table was taken", name)
	}
	for _, kind := range []uint32{forge.Server, forge.KDC, 16, 19} {
		twice := forge.Frame(append(forge.Split(forge.Seal(alice().Buffers(), key(18))),
			forge.Buffer{Type: kind, Data: make([]byte, 16)}, forge.Buffer{Type: kind, Data: make([]byte, 16)}))
		check.ErrorIs(t, check.Err(split(twice)), ErrInvalid, "K-2: a doubled signature of type %d", kind)
	}
}

// TestPACBuffersMustFollowTable checks both sides of each bound of the table. A buffer starts after the table at a
// multiple of eight, ends within the PAC, and the next buffer starts after it (K-1).
func TestPACBuffersMustFollowTable(t *testing.T) {
	type span struct{ at, size int }
	for name, c := range map[string]struct {
		total   int
		buffers []span
		ok      bool
	}{
		"no buffer":                        {8, nil, true},
		"after the table":                  {40, []span{{24, 16}}, true},
		"in the last entry of the table":   {40, []span{{16, 8}}, false},
		"in the head":                      {40, []span{{0, 8}}, false},
		"to the end":                       {40, []span{{32, 8}}, true},
		"one byte beyond the end":          {40, []span{{32, 9}}, false},
		"empty at the end":                 {40, []span{{40, 0}}, true},
		"empty beyond the end":             {40, []span{{48, 0}}, false},
		"a multiple of four":               {40, []span{{28, 4}}, false},
		"a multiple of two":                {40, []span{{26, 2}}, false},
		"two adjacent buffers":             {56, []span{{40, 8}, {48, 8}}, true},
		"the second one first":             {56, []span{{48, 8}, {40, 8}}, true},
		"one byte in the other":            {56, []span{{40, 9}, {48, 8}}, false},
		"one byte in the other, backwards": {56, []span{{48, 8}, {40, 9}}, false},
		"the same bytes":                   {56, []span{{40, 8}, {40, 8}}, false},
		"one in the middle of another":     {64, []span{{40, 24}, {48, 8}}, false},
		"the third in the first":           {80, []span{{56, 24}, {64, 0}, {72, 8}}, false},
		"a table to the end":               {40, []span{{40, 0}, {40, 0}}, true},
		"a table one byte too long":        {39, []span{{40, 0}, {40, 0}}, false},
		"as many buffers as may be":        {8 + 16*64, make([]span, 64), true},
		"one more":                         {8 + 16*65, make([]span, 65), false},
		"as many bytes as may be":          {256 << 10, nil, true},
		"one byte more":                    {256<<10 + 1, nil, false},
	} {
		data := make([]byte, max(c.total, 8+16*len(c.buffers)))
		binary.LittleEndian.PutUint32(data, uint32(len(c.buffers)))
		for i, b := range c.buffers {
			if b == (span{}) {
				b.at = c.total
			}
			e := data[8+16*i:]
			binary.LittleEndian.PutUint32(e, 1000+uint32(i)) // of no known type
			binary.LittleEndian.PutUint32(e[4:], uint32(b.size))
			binary.LittleEndian.PutUint64(e[8:], uint64(b.at))
		}
		f, err := split(data[:c.total])
		check.That(t, (err == nil) == c.ok && (err == nil || errors.Is(err, ErrInvalid)),
			"K-1: %s: %v, want it taken: %v", name, err, c.ok)
		check.That(t, !c.ok || len(f.buffers) == len(c.buffers),
			"K-1: %s: %d buffers of %d", name, len(f.buffers), len(c.buffers))
	}
}
