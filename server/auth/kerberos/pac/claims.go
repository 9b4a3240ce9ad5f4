package pac

import (
	"errors"
	"fmt"
	"slices"

	"github.com/refmon/refmon/claims"
)

// Limits of claims.
const (
	maxClaimsSize = 256 << 10 // bytes of a set, decompressed
	maxClaims     = 1024      // attributes in a set
)

// Compression of a set of claims.
const (
	uncompressed     = 0
	compressedXpress = 4 // LZ77+Huffman
)

// readClaims parses a claims buffer, a CLAIMS_SET_METADATA. An empty buffer returns nil without an error. Sets may be
// uncompressed or Xpress Huffman; other compression is an error. A set above maxClaimsSize and a malformed buffer are
// ErrInvalid.
func readClaims(b []byte) (*claims.Set, error) {
	if len(b) == 0 {
		return nil, nil
	}
	r := newReader(b, "claims")
	size, there := r.u32(), r.pointer()
	format := r.u16()
	full := r.u32()
	r.u16() // this field and the next two are reserved
	r.u32()
	r.pointer()
	set := r.take(r.array(there, size, 1, "bytes of claims"))
	if r.err != nil {
		return nil, r.err
	}
	switch format {
	case uncompressed:
	case compressedXpress:
		// The size is checked before memory is allocated for it (K-8).
		if full > maxClaimsSize {
			return nil, fmt.Errorf("%w: claims of %d bytes, want at most %d", ErrInvalid, full, maxClaimsSize)
		}
		var err error
		if set, err = expand(set, int(full)); err != nil {
			return nil, err
		}
	default:
		// Other compression formats are rejected (K-8).
		return nil, fmt.Errorf("%w: claims compressed in format %d", ErrInvalid, format)
	}
	if len(set) == 0 {
		return nil, nil
	}
	return readClaimsSet(set)
}

// readClaimsSet parses a CLAIMS_SET. It returns only claims from the directory and certificates. Of several claims with
// one name it returns the last, but all must be valid (K-10). A malformed claim is ErrInvalid, also one from another
// source.
func readClaimsSet(b []byte) (*claims.Set, error) {
	r := newReader(b, "set of claims")
	count, there := r.u32(), r.pointer()
	r.u16()
	r.u32()
	r.pointer()
	n := r.array(there, count, 12, "arrays of claims")
	type fixed struct {
		source uint16
		count  uint32
		there  bool
	}
	heads := make([]fixed, n)
	for i := range heads {
		heads[i] = fixed{r.u16(), r.u32(), r.pointer()}
	}
	var all []claims.Attribute
	left := maxClaims
	for _, h := range heads {
		list := r.entries(h.there, h.count, left)
		left -= len(list)
		// Claims of other sources are ignored (K-10).
		if h.source == fromDirectory || h.source == fromCertificate {
			all = append(all, list...)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	// A claim that a later one replaces must be valid too (K-10).
	if _, err := claims.NewSet(all); err != nil {
		return nil, errors.Join(ErrInvalid, err)
	}
	set, err := claims.NewSet(lastOfEachName(all))
	if err != nil {
		return nil, errors.Join(ErrInvalid, err)
	}
	return set, nil
}

// lastOfEachName returns the claims in their order, without those whose name comes again later (K-10). It returns nil
// for none. Names are compared without regard to case.
func lastOfEachName(all []claims.Attribute) (out []claims.Attribute) {
	for i := range all {
		same := func(later claims.Attribute) bool { return claims.EqualName(later.Name, all[i].Name) }
		if !slices.ContainsFunc(all[i+1:], same) {
			out = append(out, all[i])
		}
	}
	return out
}

// Sources of claims that count (CLAIMS_SOURCE_TYPE).
const (
	fromDirectory   = 1
	fromCertificate = 2
)

// entry is the fixed part of CLAIM_ENTRY, 16 bytes.
type entry struct {
	kind   uint16
	count  uint32
	values bool
}

// entries parses an array of claims, none if it is not there. More than most claims, or a malformed claim, set r.err;
// then it returns nil. A claim with another reserved type than its type is malformed.
func (r *reader) entries(there bool, count uint32, most int) []claims.Attribute {
	n := r.array(there, count, 16, "claims")
	if n > most {
		r.fail("%d claims and %d before, want at most %d", n, maxClaims-most, maxClaims)
		return nil
	}
	heads := make([]entry, n)
	for i := range heads {
		id := r.pointer()
		kind, again := r.u16(), r.u16()
		heads[i] = entry{kind, r.u32(), r.pointer()}
		if !id || kind != again {
			// A claim has a name and one type (K-10).
			r.fail("claim %d: named %t, of type %d and %d", i, id, kind, again)
		}
	}
	out := make([]claims.Attribute, n)
	for i, h := range heads {
		out[i] = r.claim(h)
		if r.err != nil {
			return nil
		}
	}
	return out
}

// claim parses the name and the values of one claim. An unknown type or a missing value sets r.err. The caller must
// then ignore the result.
func (r *reader) claim(h entry) claims.Attribute {
	a := claims.Attribute{Name: r.terminated(), Type: claims.Type(h.kind)}
	size := 8
	if a.Type == claims.String {
		size = 4
	}
	n := r.array(h.values, h.count, size, "values")
	switch a.Type {
	case claims.Int64:
		for range n {
			a.Ints = append(a.Ints, int64(r.u64()))
		}
	case claims.Uint64, claims.Boolean:
		for range n {
			a.Uints = append(a.Uints, r.u64())
		}
	case claims.String:
		for range n {
			if !r.pointer() {
				r.fail("a null pointer to a value")
			}
		}
		for range n {
			a.Strings = append(a.Strings, r.terminated())
		}
	default:
		r.fail("a claim of type %d", h.kind)
	}
	return a
}
