package services

import (
	"unicode/utf16"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Sizes on 64-bit Windows, in bytes (winnt.h).
const (
	sidAndAttributes   = 16
	pointerSize        = 8
	listHeader         = 8 // count, padded to the pointer that follows
	statisticsSize     = 56
	groupsAndPrivs     = 56  // TOKEN_GROUPS_AND_PRIVILEGES
	accessInformation  = 88  // TOKEN_ACCESS_INFORMATION
	sidHash            = 272 // SID_AND_ATTRIBUTES_HASH
	claimsHeader       = 16  // version, count, pointer
	claimSize          = 32  // CLAIM_SECURITY_ATTRIBUTE_V1
	tokenAttributeSize = 40  // TOKEN_SECURITY_ATTRIBUTE_V1
	countedString      = 16  // UNICODE_STRING
	octetString        = 16  // CLAIM_SECURITY_ATTRIBUTE_OCTET_STRING_VALUE
	isolationSize      = 16  // TOKEN_BNO_ISOLATION_INFORMATION
)

// align8 rounds n up to a multiple of 8.
func align8(n int) int { return (n + 7) &^ 7 }

// groupsSize returns the size of SID_AND_ATTRIBUTES entries with their SIDs.
func groupsSize(gs []token.Group) int {
	n := 0
	for _, g := range gs {
		n += sidAndAttributes + g.SID.Len()
	}
	return n
}

// groupListSize returns the size of TOKEN_GROUPS with its SIDs.
func groupListSize(gs []token.Group) uint32 { return uint32(listHeader + groupsSize(gs)) }

// sidPointer returns the value and size of a class that is one SID. The zero SID is NULL.
func sidPointer(s sid.SID) (any, uint32) { return s, uint32(pointerSize + s.Len()) }

// unitsSize returns the size of a UTF-16 string without its NUL.
func unitsSize(s string) int { return 2 * len(utf16.Encode([]rune(s))) }

// claimsSize returns the size of CLAIM_SECURITY_ATTRIBUTES_INFORMATION: header, attributes, then for each attribute
// its values, their data and its name. Each attribute's part is aligned to 8.
func claimsSize(list []claims.Attribute) uint32 {
	n := claimsHeader
	for i := range list {
		a := &list[i]
		n += claimSize + align8(valuesSize(a, pointerSize, 2)+unitsSize(a.Name)+2)
	}
	return uint32(n)
}

// attributesSize returns the size of TOKEN_SECURITY_ATTRIBUTES_INFORMATION, laid out like claimsSize. Its strings are
// counted and have no NUL.
func attributesSize(list []claims.Attribute) uint32 {
	n := claimsHeader
	for i := range list {
		a := &list[i]
		n += tokenAttributeSize + align8(valuesSize(a, countedString, 0)+unitsSize(a.Name))
	}
	return uint32(n)
}

// valuesSize returns the size of an attribute's values. Each string takes text bytes for its header, its UTF-16
// units, and nul bytes at the end.
func valuesSize(a *claims.Attribute, text, nul int) int {
	n := 0
	switch a.Type {
	case claims.String:
		for _, s := range a.Strings {
			n += text + unitsSize(s) + nul
		}
	case claims.SID:
		for _, s := range a.SIDs {
			n += octetString + s.Len()
		}
	case claims.Octets:
		for _, b := range a.Octets {
			n += octetString + len(b)
		}
	default:
		n = 8 * a.Len()
	}
	return n
}
