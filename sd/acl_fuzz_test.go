package sd_test

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// FuzzDecodeACL: S-13, S-18, S-20. A decoded list encodes to the same bytes, has the stated number of entries, and
// takes memory in proportion to the input.
func FuzzDecodeACL(f *testing.F) {
	for _, text := range []string{"D:", "D:(A;;FA;;;WD)", `D:(XA;;FX;;;WD;(@User.Title=="PM"))`,
		"D:(OA;CI;RP;4c164200-20c0-11d0-a768-00aa006e0529;;AU)"} {
		f.Add([]byte(sddl.MustParse(text).DACL().Binary()))
	}
	f.Add([]byte{2, 0, 8, 0, 0xFF, 0xFF, 0, 0})                                    // entries that are not there
	f.Add([]byte{2, 0, 0xFE, 0xFF, 1, 0, 0, 0})                                    // longer than its bytes
	f.Add(append([]byte{4, 0, 0x10, 0, 2, 0, 0, 0}, 0x99, 0, 4, 0, 0x99, 0, 4, 0)) // unknown types, four bytes each
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b), func() {
			l, n, err := sd.DecodeACL(b)
			ok := sd.ValidACL(b)
			check.That(t, ok == (err == nil), "ValidACL = %t but DecodeACL = %v, want both to agree", ok, err)
			if err != nil {
				return
			}
			if !bytes.Equal([]byte(l.Binary()), b[:n]) || l.Len() != len(l.Entries()) || l.Len() != len(l.Slice()) {
				t.Errorf("list %x was decoded as %x with %d entries, want the same bytes", b[:n], l.Binary(), l.Len())
			}
		})
	})
}
