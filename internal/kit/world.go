package kit

import (
	"math/rand/v2"

	"github.com/refmon/refmon/internal/kit/oracle"
)

// SIDs of the questions.
const (
	domain   = "S-1-5-21-1-2-3"
	user     = domain + "-1001"
	stranger = domain + "-1002"
	groupG   = domain + "-2001"
	groupH   = domain + "-2002"
	groupX   = domain + "-2003" // in no token
	everyone = "S-1-1-0"
	authed   = "S-1-5-11"
	admins   = "S-1-5-32-544"
	users    = "S-1-5-32-545"
	system   = "S-1-5-18"
	self     = "S-1-5-10"
	owners   = "S-1-3-4"
	creator  = "S-1-3-0"
	creators = "S-1-3-1"
	limited  = "S-1-5-12"
	pack     = "S-1-15-2-1-2-3-4-5-6-7"
	internet = "S-1-15-3-1"
	packages = "S-1-15-2-1"
	lessPack = "S-1-15-2-2"
)

const (
	maximum = 0x02000000
	saclBit = 0x01000000
	on      = 7    // SE_GROUP_MANDATORY, ENABLED_BY_DEFAULT, ENABLED
	denying = 0x10 // SE_GROUP_USE_FOR_DENY_ONLY
)

// plainToken returns the base token of the questions: an impersonation token at Medium integrity, in Everyone and the
// given groups.
func plainToken(groups ...oracle.Group) *oracle.Token {
	return &oracle.Token{User: user, Groups: append([]oracle.Group{{SID: everyone, Attributes: on}}, groups...),
		Integrity: 0x2000, MandatoryPolicy: 1, Type: "impersonation", Level: 2}
}

// grouped returns the base token with the group G enabled and the group H deny-only.
func grouped() *oracle.Token {
	return plainToken(oracle.Group{SID: groupG, Attributes: on}, oracle.Group{SID: groupH, Attributes: denying})
}

// entry returns an ACL entry of a type for a SID, without flags, object types or condition.
func entry(typ byte, mask oracle.Word, sid string) oracle.ACE {
	return oracle.ACE{Type: typ, Mask: mask, SID: sid}
}

// list returns an ACL of these entries. Without entries it is an empty list, not a NULL one.
func list(entries ...oracle.ACE) *oracle.ACL { return &oracle.ACL{Entries: entries} }

// object returns a descriptor whose owner and group are SYSTEM, with a DACL of these entries.
func object(entries ...oracle.ACE) *oracle.Descriptor {
	return &oracle.Descriptor{Owner: system, Group: system, DACL: list(entries...)}
}

// source returns a generator of random numbers that is the same in every run.
func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(44, seed)) }

// pick returns a random element of list. It panics if list is empty.
func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// ref returns a pointer to a copy of v, for optional fields of questions.
func ref[T any](v T) *T { return &v }
