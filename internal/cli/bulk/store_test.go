package bulk

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

// TestSpillingStoreEqualsSlice checks that a store that spills to disk has the contents of a slice.
func TestSpillingStoreEqualsSlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(randtest.Seed(t), 3))
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	for _, limit := range []int64{0, chunkSize, 3 * chunkSize, 100 * chunkSize} {
		s := store{limit: limit}
		defer s.close()
		// A first byte far from the start leaves a gap, in memory and in the file.
		want := append(make([]byte, 5*chunkSize), 1)
		check.NoError(t, s.writeAt(want[5*chunkSize:], 5*chunkSize))
		got := bytes.Repeat([]byte{0xff}, 8*chunkSize)
		check.NoError(t, s.readAt(got, 0))
		check.That(t, bytes.Equal(got, append(bytes.Clone(want), make([]byte, 3*chunkSize-1)...)),
			"limit %d: bytes that were never written are not zero", limit)
		for range 400 {
			b := make([]byte, rng.IntN(5000))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			at := rng.IntN(len(want) + 2000)
			if rng.IntN(2) == 0 {
				at = len(want)
			}
			if len(b) == 0 {
				continue
			}
			if n := at + len(b); n > len(want) {
				want = append(want, make([]byte, n-len(want))...)
			}
			copy(want[at:], b)
			check.NoError(t, s.writeAt(b, int64(at)))
		}
		got = bytes.Repeat([]byte{0xff}, len(want)+100)
		if err := s.readAt(got, 0); err != nil || !bytes.Equal(got, append(bytes.Clone(want), make([]byte, 100)...)) ||
			s.size != int64(len(want)) {
			t.Errorf("limit %d: %v, %d bytes of %d, differs", limit, err, s.size, len(want))
		}
		check.That(t, (s.file != nil) == (int64(len(want)) > limit),
			"limit %d: %d bytes, a file: %t, want %t", limit, len(want), s.file != nil, int64(len(want)) > limit)
		if s.file != nil {
			check.NoError(t, s.file.Close())
			check.ErrorIs(t, s.readAt(got, 0), os.ErrClosed, "limit %d: reading of a closed file", limit)
			check.ErrorIs(t, s.writeAt(got, s.size), os.ErrClosed, "limit %d: writing to a closed file", limit)
			check.That(t, removedLate || len(check.Must(os.ReadDir(folder))) == 0, "the temporary file has a name")
		}
	}
}
