package forge

import (
	"github.com/refmon/refmon/claims"
)

// ClaimsBuffer returns a PAC buffer of claims: CLAIMS_SET_METADATA around the set. Without claims it is empty.
func ClaimsBuffer(all []claims.Attribute, compressed bool) []byte {
	if len(all) == 0 {
		return []byte{}
	}
	set := ClaimsSet(all)
	if !compressed {
		return Metadata(set, 0, uint32(len(set)))
	}
	return Metadata(Compress(set), 4, uint32(len(set)))
}

// Metadata returns CLAIMS_SET_METADATA around the bytes of a set. full is the uncompressed size.
func Metadata(set []byte, format uint16, full uint32) []byte {
	w := newWriter()
	w.counts(len(set))
	w.u16(format)
	w.u32(full)
	w.u16(0)
	w.u32(0)
	w.pointer(false)
	w.u32(uint32(len(set)))
	w.b = append(w.b, set...)
	return w.done()
}

// ClaimsSet returns CLAIMS_SET with an array for each list, with the source type Active Directory.
func ClaimsSet(lists ...[]claims.Attribute) []byte {
	arrays := make([]ClaimsArray, len(lists))
	for i, all := range lists {
		arrays[i] = ClaimsArray{1, all}
	}
	return ClaimsSetOf(arrays...)
}

// ClaimsArray is an array of claims with its source type.
type ClaimsArray struct {
	Source uint16
	Claims []claims.Attribute
}

// ClaimsSetOf returns a CLAIMS_SET with the arrays, in NDR. No arrays are a set without claims.
func ClaimsSetOf(arrays ...ClaimsArray) []byte {
	w := newWriter()
	w.counts(len(arrays))
	w.u16(0)
	w.u32(0)
	w.pointer(false)
	w.u32(uint32(len(arrays)))
	for _, a := range arrays {
		w.u16(a.Source)
		w.counts(len(a.Claims))
	}
	for _, a := range arrays {
		w.claims(a.Claims)
	}
	return w.done()
}

// claims writes one array of claims with the names and values that it points to.
func (w *writer) claims(all []claims.Attribute) {
	w.u32(uint32(len(all)))
	for i := range all {
		w.pointer(true)
		w.u16(uint16(all[i].Type))
		w.u16(uint16(all[i].Type))
		w.counts(all[i].Len())
	}
	for i := range all {
		w.terminated(all[i].Name)
		w.values(&all[i])
	}
}

// terminated appends a string that ends with NUL, as claims have them.
func (w *writer) terminated(s string) { w.text(s + "\x00") }

// values appends the values of a claim, nothing for a claim without values.
func (w *writer) values(a *claims.Attribute) {
	if a.Len() == 0 {
		return // its pointer is null
	}
	w.u32(uint32(a.Len()))
	switch a.Type {
	case claims.Int64:
		for _, v := range a.Ints {
			w.u64(uint64(v))
		}
	case claims.String:
		for range a.Strings {
			w.pointer(true)
		}
		for _, s := range a.Strings {
			w.terminated(s)
		}
	default:
		for _, v := range a.Uints {
			w.u64(v)
		}
	}
}
