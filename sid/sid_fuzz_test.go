package sid_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// FuzzDecode checks that a decoded SID is encoded to the same bytes, and that decoding needs at most the memory of
// one SID (S-1, S-2).
func FuzzDecode(f *testing.F) {
	f.Add([]byte(sid.Administrators.Binary()))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 5})           // no sub-authority
	f.Add([]byte{1, 15, 0, 0, 0, 0, 0, 5, 1, 0, 0}) // fifteen announced, less than one there
	f.Add([]byte{1, 16, 0, 0, 0, 0, 0, 5})          // one too many
	f.Add([]byte{2, 1, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b), func() {
			s, n, err := sid.Decode(b)
			if err != nil {
				check.That(t, n == 0 && s.IsZero(), "Decode failed but returned %v of %d bytes, want nothing", s, n)
				return
			}
			if got := string(s.AppendBinary(nil)); got != string(b[:n]) {
				t.Errorf("%x was decoded and encoded as %x, want %x", b[:n], got, string(b[:n]))
			}
		})
	})
}
