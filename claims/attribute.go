package claims

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/sid"
)

// Type is the type of an attribute's values, the ValueType field of MS-DTYP
// 2.4.10.1. The zero value is not a type.
type Type uint16

// The value types, with their letters in descriptor text.
const (
	Int64   Type = 0x01 // TI
	Uint64  Type = 0x02 // TU
	String  Type = 0x03 // TS
	SID     Type = 0x05 // TD
	Boolean Type = 0x06 // TB, in Uints as 0 or 1
	Octets  Type = 0x10 // TX
)

// String returns the two letters of the type in descriptor text, or its number.
func (t Type) String() string {
	switch t {
	case Int64:
		return "TI"
	case Uint64:
		return "TU"
	case String:
		return "TS"
	case SID:
		return "TD"
	case Boolean:
		return "TB"
	case Octets:
		return "TX"
	}
	return fmt.Sprintf("Type(%#x)", uint16(t))
}

// Attribute flags (MS-DTYP 2.4.10.1). FlagCaseSensitive and FlagDisabled change
// the evaluation of conditions. FlagUseForDenyOnly changes the access check
// and FlagNonInheritable inheritance. The other flags are only stored.
const (
	FlagNonInheritable    = 0x00000001
	FlagCaseSensitive     = 0x00000002
	FlagUseForDenyOnly    = 0x00000004
	FlagDisabledByDefault = 0x00000008
	FlagDisabled          = 0x00000010
	FlagMandatory         = 0x00000020
	FlagManual            = 0x00010000
	FlagPolicyDerived     = 0x00020000

	// flagsReserved must be clear on input.
	flagsReserved = 0x0000FF00
)

// MaxValues is the maximum number of values of one attribute.
const MaxValues = 4096

// ErrAttribute is the error that every refusal of an attribute wraps.
var ErrAttribute = errors.New("invalid claim attribute")

// Attribute is a named list of values of one type. Only the slice that belongs
// to Type is used: Ints, Uints (also for Boolean, as 0 or 1), Strings, SIDs or
// Octets. The zero value has no type and no values, and conditions treat it as
// absent.
type Attribute struct {
	Name    string // compared by [EqualName]
	Type    Type
	Flags   uint32
	Ints    []int64
	Uints   []uint64
	Strings []string
	SIDs    []sid.SID
	Octets  [][]byte

	// order makes look-ups in a long list logarithmic; nil for a short one,
	// and for an Attribute written as a literal. See [Attribute.setOrder].
	order *order
}

// Len returns the number of values.
func (a *Attribute) Len() int {
	switch a.Type {
	case Int64:
		return len(a.Ints)
	case Uint64, Boolean:
		return len(a.Uints)
	case String:
		return len(a.Strings)
	case SID:
		return len(a.SIDs)
	case Octets:
		return len(a.Octets)
	}
	return 0
}

// Validate returns an error that wraps [ErrAttribute] if a cannot be a claim. It
// refuses an unknown type, reserved flags, more than [MaxValues] values, an
// empty name, a NUL in the name or a string, a zero SID, and a boolean other
// than 0 or 1. It accepts duplicate values, see [Attribute.Duplicates], and an
// attribute without values.
func (a *Attribute) Validate() error {
	if err := a.validateHead(); err != nil {
		return err
	}
	switch a.Type {
	case String:
		for i, s := range a.Strings {
			if hasNUL(s) {
				return fmt.Errorf("%w %q: value %d contains a NUL", ErrAttribute, a.Name, i)
			}
		}
	case SID:
		for i, s := range a.SIDs {
			if s.IsZero() {
				return fmt.Errorf("%w %q: value %d is not a SID", ErrAttribute, a.Name, i)
			}
		}
	case Boolean:
		for i, v := range a.Uints {
			if v > 1 {
				return fmt.Errorf("%w %q: value %d is %d, want 0 or 1", ErrAttribute, a.Name, i, v)
			}
		}
	}
	return nil
}

// validateHead checks name, type, flags and number of values, for [Attribute.Validate]. It does not check the values.
func (a *Attribute) validateHead() error {
	switch a.Type {
	case Int64, Uint64, String, SID, Boolean, Octets:
	default:
		// An attribute of an unknown type cannot be read (S-33).
		return fmt.Errorf("%w %q: unknown value type %#x", ErrAttribute, a.Name, uint16(a.Type))
	}
	if a.Flags&flagsReserved != 0 {
		return fmt.Errorf("%w %q: reserved flags %#x", ErrAttribute, a.Name, a.Flags&flagsReserved)
	}
	if a.Name == "" || hasNUL(a.Name) {
		return fmt.Errorf("%w %q: the name is empty or contains a NUL", ErrAttribute, a.Name)
	}
	if n := a.Len(); n > MaxValues {
		return fmt.Errorf("%w %q: %d values, at most %d", ErrAttribute, a.Name, n, MaxValues)
	}
	return nil
}

// hasNUL reports whether s contains a NUL, which would end it in the binary form.
func hasNUL(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == 0 {
			return true
		}
	}
	return false
}
