package pac

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestOversizedOrMalformedClaimsAreRejected checks that unknown formats, sizes above the limit and malformed sets are
// rejected (K-8, K-10).
func TestOversizedOrMalformedClaimsAreRejected(t *testing.T) {
	one := claims.Attribute{Name: "a", Type: claims.Uint64, Uints: []uint64{1}}
	set := forge.ClaimsSet([]claims.Attribute{one})
	twice := claims.Attribute{Name: "a", Type: claims.Uint64, Uints: []uint64{4, 4}}
	values := func(kind claims.Type, v ...uint64) []byte {
		return forge.Metadata(forge.ClaimsSet([]claims.Attribute{{Name: "a", Type: kind, Uints: v}}), 0, 0)
	}
	for name, c := range map[string]struct {
		rule string
		data []byte
	}{
		"LZNT1":                     {"K-8", forge.Metadata(set, 2, uint32(len(set)))},
		"plain LZ77":                {"K-8", forge.Metadata(set, 3, uint32(len(set)))},
		"an unknown format":         {"K-8", forge.Metadata(set, 5, uint32(len(set)))},
		"four gigabytes":            {"K-8", forge.Metadata(forge.Compress(set), 4, ^uint32(0))},
		"less than it says":         {"K-9", forge.Metadata(forge.Compress(set), 4, 1000)},
		"more than it says":         {"K-3", forge.Metadata(forge.Compress(set), 4, uint32(len(set)-8))},
		"a truth of two":            {"K-10", values(claims.Boolean, 2)},
		"a value twice":             {"K-10", values(claims.Uint64, 4, 4)},
		"one that another replaces": {"K-10", forge.ClaimsBuffer([]claims.Attribute{twice, one}, false)},
		"a type for SIDs":           {"K-10", values(claims.SID, 4)},
		"a set of no bytes of NDR":  {"K-3", forge.Metadata([]byte("eight by"), 0, 8)},
	} {
		_, err := readClaims(c.data)
		check.That(t, errors.Is(err, ErrInvalid), "%s: %s: %v, want a refusal", c.rule, name, err)
		refused(t, c.rule, name, with(forge.ClientClaims, func([]byte) []byte { return c.data }))
		refused(t, c.rule, name, with(forge.DeviceClaims, func([]byte) []byte { return c.data }))
	}
	zeros := forge.Compress(make([]byte, maxClaimsSize)) // a few hundred bytes that become many
	_, err := readClaims(forge.Metadata(zeros, 4, maxClaimsSize))
	check.That(t, errors.Is(err, ErrInvalid) &&
		len(zeros) <= 4000, "K-8: %d bytes: %v, want at most 4000, %v", len(zeros), err, ErrInvalid)
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
