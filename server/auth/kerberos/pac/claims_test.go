package pac

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestMalformedClaimsErrorNamesReason checks the error of each malformed set, because a later check would reject most
// of them too, and that the claims of client and device are read alike. All arrays together share one limit of claims
// (K-3, K-8, K-9, K-10).
func TestMalformedClaimsErrorNamesReason(t *testing.T) {
	one := []claims.Attribute{{Name: "a", Type: claims.Uint64, Uints: []uint64{1}}}
	set := forge.ClaimsSet(one)
	values := func(kind claims.Type, v ...uint64) []byte {
		return forge.Metadata(forge.ClaimsSet([]claims.Attribute{{Name: "a", Type: kind, Uints: v}}), 0, 0)
	}
	replaced := []claims.Attribute{{Name: "a", Type: claims.Uint64, Uints: []uint64{4, 4}}, one[0]}
	// The types of the two claims are at offset 60 (MS-ADTS 2.2.18.4, 2.2.18.2).
	typed := func(first, second byte) []byte {
		b := forge.ClaimsSet(one)
		b[64], b[66] = first, second
		return forge.Metadata(b, 0, 0)
	}
	unnamed := forge.ClaimsSet(one)
	clear(unnamed[60:64])
	noValue := forge.ClaimsSet([]claims.Attribute{{Name: "a", Type: claims.String, Strings: []string{"x"}}})
	clear(noValue[96:100]) // the pointer to the value, after the name and the number of values
	many := func(begin, n int) (out []claims.Attribute) {
		for i := range n {
			name := string(rune(0x4e00 + begin + i))
			out = append(out, claims.Attribute{Name: name, Type: claims.Uint64, Uints: []uint64{1}})
		}
		return out
	}
	lists := func(n, m int) []byte {
		return forge.Metadata(forge.ClaimsSet(many(0, n), many(5000, m)), 0, 0)
	}
	packed := forge.Compress(set)
	zeros := forge.Metadata(forge.Compress(make([]byte, maxClaimsSize)), 4, maxClaimsSize)
	for name, c := range map[string]struct {
		b   []byte
		why string
	}{
		"K-10: one type":            {typed(2, 2), ""},
		"K-10: two types":           {typed(2, 1), "of type 2 and 1"},
		"K-10: a type of no claims": {typed(4, 4), "a claim of type 4"},
		"K-10: no name":             {forge.Metadata(unnamed, 0, 0), "named false"},
		"K-10: a null value":        {forge.Metadata(noValue, 0, 0), "a null pointer to a value"},
		"K-10: as many as may be":   {lists(maxClaims-1, 1), ""},
		"K-10: one more":            {lists(maxClaims, 1), "want at most"},
		"K-8: the bound":            {forge.Metadata(packed, 4, maxClaimsSize), "compressed data ends"},
		"K-8: a byte more":          {forge.Metadata(packed, 4, maxClaimsSize+1), "want at most"},
		"K-8: no claims":            {forge.Metadata(nil, 0, 0), ""},
		"K-8: LZNT1":                {forge.Metadata(set, 2, uint32(len(set))), "in format 2"},
		"K-8: plain LZ77":           {forge.Metadata(set, 3, uint32(len(set))), "in format 3"},
		"K-8: an unknown format":    {forge.Metadata(set, 5, uint32(len(set))), "in format 5"},
		"K-8: four gigabytes":       {forge.Metadata(packed, 4, ^uint32(0)), "claims of 4294967295 bytes"},
		"K-9: less than it says":    {forge.Metadata(packed, 4, 1000), "compressed data ends"},
		"K-9: more than it says":    {forge.Metadata(packed, 4, uint32(len(set)-8)), "of 96 in compressed data"},
		"K-10: a truth of two":      {values(claims.Boolean, 2), "want 0 or 1"},
		"K-10: a value twice":       {values(claims.Uint64, 4, 4), "duplicate values"},
		"K-10: one replaced":        {forge.ClaimsBuffer(replaced, false), "duplicate values"},
		"K-10: a type for SIDs":     {values(claims.SID, 4), "a claim of type 5"},
		"K-3: no bytes of NDR":      {forge.Metadata([]byte("eight by"), 0, 8), "not in NDR"},
		"K-8: many zeros":           {zeros, "not in NDR"},
	} {
		_, err := readClaims(c.b)
		check.That(t, (err == nil) == (c.why == "") && (err == nil || strings.Contains(err.Error(), c.why)),
			"%s: %v, want %q", name, err, c.why)
		for _, kind := range []uint32{forge.ClientClaims, forge.DeviceClaims} {
			_, err := Open(replaceBuffer(kind, func([]byte) []byte { return c.b }), key(18))
			check.Equal(t, err == nil, c.why == "", "%s: in buffer %d: %v, taken", name, kind, err)
		}
	}
}

// TestClaimsOfOtherSourcesDoNotCount checks that claims count only from Active Directory and from a certificate, that
// the last of one name counts, and that a claim may be without values (K-10).
func TestClaimsOfOtherSourcesDoNotCount(t *testing.T) {
	n := func(name string, values ...uint64) claims.Attribute {
		return claims.Attribute{Name: name, Type: claims.Uint64, Uints: values}
	}
	from := func(source uint16, all ...claims.Attribute) forge.ClaimsArray {
		return forge.ClaimsArray{Source: source, Claims: all}
	}
	for name, c := range map[string]struct {
		arrays []forge.ClaimsArray
		want   string // each name with its values
	}{
		"a directory and a certificate": {[]forge.ClaimsArray{from(1, n("a", 1)), from(2, n("b", 2))}, "a[1] b[2] "},
		"no source, and an unknown one": {[]forge.ClaimsArray{from(0, n("a", 1)),
			from(1, n("b", 2)), from(3, n("b", 3))}, "b[2] "},
		"an invalid claim of an unknown source": {[]forge.ClaimsArray{from(3, n("b", 3, 3)),
			from(1, n("b", 2))}, "b[2] "},
		"only unknown ones": {[]forge.ClaimsArray{from(0, n("a", 1))}, ""},
		"two of one name":   {[]forge.ClaimsArray{from(1, n("a", 1), n("c", 4), n("A", 2))}, "c[4] A[2] "},
		"one name in three arrays": {[]forge.ClaimsArray{from(1, n("a", 1)),
			from(2, n("a", 2)), from(1, n("a", 3))}, "a[3] "},
		"no values": {[]forge.ClaimsArray{from(1, n("a"), n("b", 2))}, "a[] b[2] "},
	} {
		set, err := readClaims(forge.Metadata(forge.ClaimsSetOf(c.arrays...), 0, 0))
		got := ""
		for _, a := range set.All() {
			got += fmt.Sprint(a.Name, a.Uints, " ")
		}
		check.That(t, err == nil && got == c.want, "K-10: %s: %q (%v), want %q", name, got, err, c.want)
	}
}

// recordedClaim is one of the claims of a row: name, type and values.
type recordedClaim struct {
	name, kind string
	values     []any
}

func (c *recordedClaim) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&c.name, &c.kind, &c.values})
}

// recordedArray is an array of claims of a row.
type recordedArray struct {
	source uint16
	claims []recordedClaim
}

func (a *recordedArray) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&a.source, &a.claims})
}

// attribute returns the claim, and false for a type that a PAC cannot hold.
func (c *recordedClaim) attribute(t *testing.T) (a claims.Attribute, ok bool) {
	t.Helper()
	kinds := map[string]claims.Type{"int": claims.Int64, "uint": claims.Uint64, "bool": claims.Boolean,
		"string": claims.String}
	a = claims.Attribute{Name: c.name, Type: kinds[c.kind]}
	for _, v := range c.values {
		switch v := v.(type) {
		case string:
			a.Strings = append(a.Strings, v)
		case float64:
			if a.Type == claims.Int64 {
				a.Ints = append(a.Ints, int64(v))
			} else {
				a.Uints = append(a.Uints, uint64(v))
			}
		default:
			t.Fatalf("claim %s has the value %T", c.name, v)
		}
	}
	return a, a.Type != 0
}

// TestClaimsEqualRecordedKDC compares the claims that count with those that a KDC took from the PAC of the row (K-10).
func TestClaimsEqualRecordedKDC(t *testing.T) {
	for line := range bytes.Lines(recorded(t, "samba-krb5/conditional_ace.jsonl")) {
		var row struct {
			ID, Expected, Windows string
			PACClaims             []recordedArray
			User                  struct {
				Groups []string
				Claims []struct {
					Name, Type string
					Values     []any
				}
			}
		}
		check.NoError(t, json.Unmarshal(line, &row))
		if row.PACClaims == nil || row.Windows == "crashes" || !slices.Contains(row.User.Groups, "S-1-5-21-0-0-0-497") {
			continue // claims count only with that group (K-19)
		}
		var arrays []forge.ClaimsArray
		for _, a := range row.PACClaims {
			one := forge.ClaimsArray{Source: a.source}
			for i := range a.claims {
				c, ok := a.claims[i].attribute(t)
				check.RequireThat(t, ok, "%s: type %q", row.ID, a.claims[i].kind)
				one.Claims = append(one.Claims, c)
			}
			arrays = append(arrays, one)
		}
		set, err := readClaims(forge.Metadata(forge.ClaimsSetOf(arrays...), 0, 0))
		if refused := strings.HasPrefix(row.Expected, "error:"); refused != (err != nil) {
			t.Errorf("%s: %v, want %s", row.ID, err, row.Expected)
		} else if refused {
			continue
		}
		var got, want []claims.Attribute
		for _, a := range set.All() {
			got = append(got, a)
		}
		for _, c := range row.User.Claims {
			one := recordedClaim{c.Name, c.Type, c.Values}
			a, _ := one.attribute(t)
			want = append(want, a)
		}
		check.That(t, fmt.Sprint(got) == fmt.Sprint(want), "%s: %v, want %v", row.ID, got, want)
	}
}

func FuzzClaims(f *testing.F) {
	f.Add(forge.ClaimsBuffer(alice().Claims, false))
	f.Add(forge.ClaimsBuffer(alice().DeviceClaims, true))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b)+maxClaimsSize, func() {
			set, err := readClaims(b)
			check.That(t, err == nil || set == nil, "%v with %v", set, err)
		})
	})
}
