package pac

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestClaimsRefuse checks that unknown formats, sizes above the limit and malformed sets are rejected (K-8, K-10).
func TestClaimsRefuse(t *testing.T) {
	one := claims.Attribute{Name: "a", Type: claims.Uint64, Uints: []uint64{1}}
	set := forge.ClaimsSet([]claims.Attribute{one})
	many := make([]claims.Attribute, maxClaims+1)
	for i := range many {
		many[i] = claims.Attribute{Name: strings.Repeat("a", i+1)[:1] + string(rune(0x4e00+i)), Type: claims.Uint64,
			Uints: []uint64{1}}
	}
	upper := one
	upper.Name = "A"
	values := func(kind claims.Type, v ...uint64) []byte {
		return forge.Metadata(forge.ClaimsSet([]claims.Attribute{{Name: "a", Type: kind, Uints: v}}), 0, 0)
	}
	for name, c := range map[string]struct {
		rule string
		data []byte
	}{
		"LZNT1":                    {"K-8", forge.Metadata(set, 2, uint32(len(set)))},
		"plain LZ77":               {"K-8", forge.Metadata(set, 3, uint32(len(set)))},
		"an unknown format":        {"K-8", forge.Metadata(set, 5, uint32(len(set)))},
		"four gigabytes":           {"K-8", forge.Metadata(forge.Compress(set), 4, ^uint32(0))},
		"a byte over the bound":    {"K-8", forge.Metadata(forge.Compress(set), 4, maxClaimsSize+1)},
		"less than it says":        {"K-9", forge.Metadata(forge.Compress(set), 4, 1000)},
		"more than it says":        {"K-3", forge.Metadata(forge.Compress(set), 4, uint32(len(set)-8))},
		"two of one name":          {"K-10", forge.ClaimsBuffer([]claims.Attribute{one, upper}, false)},
		"too many":                 {"K-10", forge.ClaimsBuffer(many, false)},
		"a truth of two":           {"K-10", values(claims.Boolean, 2)},
		"a value twice":            {"K-10", values(claims.Uint64, 4, 4)},
		"no values":                {"K-10", values(claims.Uint64)},
		"a type for SIDs":          {"K-10", values(claims.SID, 4)},
		"a set of no bytes of NDR": {"K-3", forge.Metadata([]byte("eight by"), 0, 8)},
	} {
		if _, err := readClaims(c.data); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %s: %v, want a refusal", c.rule, name, err)
		}
		refused(t, c.rule, name, with(forge.ClientClaims, func([]byte) []byte { return c.data }))
		refused(t, c.rule, name, with(forge.DeviceClaims, func([]byte) []byte { return c.data }))
	}
	zeros := forge.Compress(make([]byte, maxClaimsSize)) // a few hundred bytes that become many
	if _, err := readClaims(forge.Metadata(zeros, 4, maxClaimsSize)); !errors.Is(err, ErrInvalid) ||
		len(zeros) > 4000 {
		t.Errorf("K-8: %d bytes: %v, want at most 4000, %v", len(zeros), err, ErrInvalid)
	}
}

func FuzzClaims(f *testing.F) {
	f.Add(forge.ClaimsBuffer(alice().Claims, false))
	f.Add(forge.ClaimsBuffer(alice().DeviceClaims, true))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b)+maxClaimsSize, func() {
			if set, err := readClaims(b); err != nil && set != nil {
				t.Errorf("%v with %v", set, err)
			}
		})
	})
}
