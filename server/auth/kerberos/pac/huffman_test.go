package pac

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// abc is "abc" 200 times, compressed by another program.
func abc() []byte {
	b := make([]byte, 256, 263)
	b[48], b[49], b[128], b[143] = 0x30, 0x23, 0x02, 0x20
	return append(b, 0xa8, 0xdc, 0, 0, 0xff, 0x52, 0x02)
}

// TestExpandRestoresText checks decompression with a recorded vector and random texts of every kind. A wrong
// size is an error or ends there (K-9).
func TestExpandRestoresText(t *testing.T) {
	got, err := expand(abc(), 600)
	check.RequireThat(t, err == nil && string(got) == strings.Repeat("abc", 200),
		"expand = %q, %v, want %q, no error", got, err, strings.Repeat("abc", 200))
	long := make([]byte, 256, 260) // a has a code of one bit, b of two and so on; o and p have one of 15
	copy(long[48:], []byte{0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe, 0x0f})
	got, err = expand(append(long, 0xfe, 0xff, 0xfc, 0xff), 3)
	check.That(t, err == nil && string(got) == "pao", "expand of the longest codes = %q, %v, want pao", got, err)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		in := make([]byte, rng.IntN(3000))
		for i := range in {
			in[i] = byte(rng.IntN(1 + rng.IntN(256)))
		}
		checkRoundTrip(t, in)
	}
	checkRoundTrip(t, bytes.Repeat([]byte{0}, 65537)) // one block takes a match beyond its 65,536 bytes
	long = make([]byte, 150_000)                      // three blocks
	for i := range long {
		long[i] = byte(rng.IntN(3)) * byte(rng.IntN(2))
	}
	checkRoundTrip(t, long)
}

func checkRoundTrip(t *testing.T, in []byte) {
	t.Helper()
	out, err := expand(forge.Compress(in), len(in))
	check.RequireThat(t, err == nil && bytes.Equal(out, in),
		"expanding %d compressed bytes returned %d bytes, %v, want the input", len(in), len(out), err)
}

// TestExpandRejectsInvalidMatches checks codes that leave or exceed their space, matches before the start or beyond the
// end, and truncated data (K-9).
func TestExpandRejectsInvalidMatches(t *testing.T) {
	alter := func(at int, v byte) []byte { b := abc(); b[at] = v; return b }
	match := bytes.Repeat([]byte{0x99}, 256) // nine bits a symbol; the first is a match of 3 from 1 before nothing
	match = append(match, 0x00, 0x80, 0, 0, 0, 0)
	for name, c := range map[string]struct {
		in   []byte
		size int
	}{
		"nothing":                      {nil, 1},
		"a table alone":                {abc()[:256], 600},
		"codes that leave room":        {alter(48, 0), 600},
		"codes that exceed their room": {alter(0, 0x11), 600},
		"no code":                      {make([]byte, 300), 600},
		"a match before the start":     {match, 600},
		"less than the size":           {abc(), 1 << 17},
		"a length without its bytes":   {abc()[:260], 600},
	} {
		out, err := expand(c.in, c.size)
		check.That(t, err != nil, "K-9: %s: %d bytes", name, len(out))
	}
	full := forge.Compress(bytes.Repeat([]byte("claims are long "), 40))
	for n := range len(full) - 6 { // the last words may be read ahead and not needed
		_, err := expand(full[:n], 640)
		check.That(t, err != nil, "K-9: the first %d of %d bytes were enough", n, len(full))
	}
}

func FuzzExpand(f *testing.F) {
	f.Add(abc(), 600)
	f.Add(forge.Compress([]byte("a short text, a short text")), 26)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		if size < 0 || size > maxClaimsSize {
			return
		}
		bounded.Run(t, len(b)+size, func() {
			out, err := expand(b, size)
			check.That(t, err != nil || len(out) == size, "%d bytes, want %d", len(out), size)
		})
	})
}
