//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// maxClaims is how much memory the attributes of one list may take, in bytes.
const maxClaims = 1 << 20

// attributeReader copies TOKEN_SECURITY_ATTRIBUTES_INFORMATION. What is left
// bounds the memory a list can take whose values all name the same text.
type attributeReader struct{ left int }

// attributeSize is that of TOKEN_SECURITY_ATTRIBUTE_V1.
const attributeSize = 40

// tokenAttributesAt copies a list of attributes; NULL is nil.
func tokenAttributesAt(p user) ([]claims.Attribute, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	var h [16]byte
	if p%4 != 0 {
		return nil, ntstatus.DatatypeMisalignment // O-3
	}
	if st := get(h[:], p); st != ntstatus.Success {
		return nil, st
	}
	if le.Uint16(h[:]) != 1 {
		return nil, ntstatus.InvalidParameter // the one version there is
	}
	r := attributeReader{maxClaims}
	b, st := r.array(user(le.Uint64(h[8:])), le.Uint32(h[4:]), attributeSize)
	if st != ntstatus.Success {
		return nil, st
	}
	list := make([]claims.Attribute, len(b)/attributeSize)
	for i := range list {
		if list[i], st = r.attribute(b[attributeSize*i:]); st != ntstatus.Success {
			return nil, st
		}
	}
	return list, ntstatus.Success
}

// array copies n elements.
func (r *attributeReader) array(p user, n uint32, size int) ([]byte, ntstatus.Status) {
	if uint64(n)*uint64(size) > uint64(r.left) {
		return nil, ntstatus.InsufficientResources
	}
	r.left -= int(n) * size
	return block(p, int(n)*size, 1)
}

// text copies what a UNICODE_STRING names.
func (r *attributeReader) text(b []byte) (string, ntstatus.Status) {
	n := int(le.Uint16(b))
	if n > r.left {
		return "", ntstatus.InsufficientResources
	}
	r.left -= n
	if n%2 != 0 {
		return "", ntstatus.InvalidParameter
	}
	return textAt(user(le.Uint64(b[8:])), n)
}

func (r *attributeReader) attribute(b []byte) (a claims.Attribute, st ntstatus.Status) {
	if a.Name, st = r.text(b); st != ntstatus.Success {
		return a, st
	}
	a.Type, a.Flags = claims.Type(le.Uint16(b[16:])), le.Uint32(b[20:])
	size := 8
	switch a.Type {
	case claims.String, claims.SID, claims.Octets:
		size = 16
	}
	n := le.Uint32(b[24:])
	values, st := r.array(user(le.Uint64(b[32:])), n, size)
	for i := 0; i < int(n) && st == ntstatus.Success; i++ {
		st = r.value(&a, values[size*i:])
	}
	return a, st
}

// value adds one value; those of a type that there is none of are refused.
func (r *attributeReader) value(a *claims.Attribute, b []byte) (st ntstatus.Status) {
	switch a.Type {
	case claims.Int64:
		a.Ints = append(a.Ints, int64(le.Uint64(b)))
	case claims.Uint64, claims.Boolean:
		a.Uints = append(a.Uints, le.Uint64(b))
	case claims.String:
		var s string
		s, st = r.text(b)
		a.Strings = append(a.Strings, s)
	case claims.SID:
		var s sid.SID
		s, st = sidAt(user(le.Uint64(b)))
		a.SIDs = append(a.SIDs, s)
	case claims.Octets:
		var o []byte
		o, st = r.array(user(le.Uint64(b)), le.Uint32(b[8:]), 1)
		a.Octets = append(a.Octets, o)
	default:
		return ntstatus.InvalidParameter
	}
	return st
}

// namesAt copies an array of n UNICODE_STRINGs.
func namesAt(p user, n uint32) ([]string, ntstatus.Status) {
	r := attributeReader{maxClaims}
	b, st := r.array(p, n, 16)
	if st != ntstatus.Success {
		return nil, st
	}
	var list []string
	for ; len(b) > 0; b = b[16:] {
		s, st := r.text(b)
		if st != ntstatus.Success {
			return nil, st
		}
		list = append(list, s)
	}
	return list, ntstatus.Success
}
