//go:build linux

package marshal

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
)

// claimSize is the size of CLAIM_SECURITY_ATTRIBUTE_V1.
const claimSize = 32

// ClaimsAt copies CLAIM_SECURITY_ATTRIBUTES_INFORMATION, whose texts are zero-terminated; NULL is nil. A version
// other than 1 gives STATUS_INVALID_PARAMETER, and more than maxClaims bytes in all STATUS_INSUFFICIENT_RESOURCES. With
// a failure the list may be partly filled.
func (m *Memory) ClaimsAt(p Address) ([]claims.Attribute, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	h, st := m.Block(p, 16, 1)
	if st != ntstatus.Success {
		return nil, st
	}
	if le.Uint16(h) != 1 {
		return nil, ntstatus.InvalidParameter // 1 is the only version
	}
	r := attributeReader{m, maxClaims}
	b, st := r.array(Address(le.Uint64(h[8:])), le.Uint32(h[4:]), claimSize)
	var list []claims.Attribute
	for ; len(b) > 0 && st == ntstatus.Success; b = b[claimSize:] {
		a := claims.Attribute{Type: claims.Type(le.Uint16(b[8:])), Flags: le.Uint32(b[12:])}
		if a.Name, st = r.terminated(Address(le.Uint64(b))); st != ntstatus.Success {
			return nil, st
		}
		st = r.claimValues(&a, Address(le.Uint64(b[24:])), le.Uint32(b[16:]))
		list = append(list, a)
	}
	return list, st
}

// claimValues copies the n values of a claim from the array at p into a. Unlike those of a token attribute, strings are
// zero-terminated. With a failure the earlier values stay in a.
func (r *attributeReader) claimValues(a *claims.Attribute, p Address, n uint32) ntstatus.Status {
	size := 8
	if a.Type == claims.SID || a.Type == claims.Octets {
		size = 16
	}
	values, st := r.array(p, n, size)
	for ; len(values) > 0 && st == ntstatus.Success; values = values[size:] {
		if a.Type != claims.String {
			st = r.value(a, values)
			continue
		}
		var s string
		s, st = r.terminated(Address(le.Uint64(values)))
		a.Strings = append(a.Strings, s)
	}
	return st
}
