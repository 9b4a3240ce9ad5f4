//go:build linux

package marshal

import (
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// A list with each type of value survives encoding in both structures, and is decoded from bytes written manually.
func TestAttributeListsSurviveEncoding(t *testing.T) {
	want := []claims.Attribute{
		{Name: "i", Type: claims.Int64, Flags: 2, Ints: []int64{-1, 5}},
		{Name: "ünits", Type: claims.Uint64, Flags: 0x10, Uints: []uint64{1 << 63}},
		{Name: "b", Type: claims.Boolean, Uints: []uint64{1}},
		{Name: "s", Type: claims.String, Flags: 0x20000, Strings: []string{"a", "bcd"}},
		{Name: "d", Type: claims.SID, SIDs: []sid.SID{alice, staff}},
		{Name: "o", Type: claims.Octets, Octets: [][]byte{{1, 2, 3}, {4}}},
	}
	for _, counted := range []bool{true, false} {
		l := newLayout(t)
		var m Memory
		var entries []uint64
		for _, a := range want {
			var values []uint64
			for _, v := range a.Ints {
				values = append(values, uint64(v))
			}
			values = append(values, a.Uints...)
			for _, s := range a.Strings {
				if head, at := l.counted(s); counted {
					values = append(values, head, at)
				} else {
					values = append(values, at)
				}
			}
			for _, s := range a.SIDs {
				values = append(values, l.sid(s), uint64(s.Len()))
			}
			for _, b := range a.Octets {
				values = append(values, uint64(l.put(b)), uint64(len(b)))
			}
			at := uint64(l.words(values...))
			head, name := l.counted(a.Name)
			if counted {
				entries = append(entries, head, name, uint64(a.Type)|uint64(a.Flags)<<32, uint64(a.Len()), at)
			} else {
				entries = append(entries, name, uint64(a.Type)|uint64(a.Flags)<<32, uint64(a.Len()), at)
			}
		}
		list := l.words(1|uint64(len(want))<<32, uint64(l.words(entries...)))
		read := m.ClaimsAt
		if counted {
			read = m.TokenAttributesAt
		}
		matches(t, "laid out by hand", want)(read(list))
		for range 2 { // behind other bytes too
			l.used += 16
			l.used = (l.used + 7) &^ 7
			e := Encoder{Base: l.base() + Address(l.used)}
			if counted {
				e.TokenAttributes(want)
			} else {
				e.Claims(want)
			}
			check.Equal(t, len(e.Bytes)%8, 0, "bytes behind the last whole word of a list") // else values are misaligned
			matches(t, "encoded", want)(read(l.put(e.Bytes)))
		}
	}
}
