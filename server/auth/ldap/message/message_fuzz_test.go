package message

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzSplit checks that no bytes cause a panic. A split message can be rebuilt, the rebuilt message splits into the
// same parts, and the library parses both into the same tree.
func FuzzSplit(f *testing.F) {
	for _, c := range samples {
		raw, err := hex.DecodeString(strings.Join(strings.Fields(c.raw), ""))
		check.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Split(raw)
		if err != nil {
			return
		}
		clean, err := m.Rebuild(raw)
		check.RequireThat(t, err == nil, "%x: %v", raw, err)
		if clean == nil {
			return
		}
		again, err := Split(clean)
		check.RequireThat(t, err == nil, "%x: rebuilt %x: %v", raw, clean, err)
		if twice, err := again.Rebuild(clean); err != nil || !bytes.Equal(twice, clean) {
			t.Fatalf("%x: rebuilt %x, then %x, %v", raw, clean, twice, err)
		}
		p, err := ber.DecodePacketErr(clean)
		check.RequireThat(t, err == nil, "%x: the library: %v", clean, err)
		if m.Op == SearchEntry && p.Children[1].Children[0].Data.String() != string(m.Name.of(raw)) {
			t.Errorf("%x: the library reads another name than %q", raw, m.Name.of(raw))
		}
	})
}
