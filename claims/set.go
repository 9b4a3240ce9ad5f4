package claims

import (
	"fmt"
	"iter"
	"slices"
)

// Set is an immutable list of attributes: the user claims, device claims or
// local attributes of a token. A nil Set is empty.
type Set struct {
	attributes []Attribute
	hashes     []uint32 // foldHash of each name
}

// NewSet returns a set of copies of the attributes. If two have the same name,
// Lookup returns the later one. NewSet refuses the whole set if an attribute is
// invalid or has duplicate values. The error wraps [ErrAttribute].
func NewSet(attributes []Attribute) (*Set, error) {
	s := &Set{}
	for i := range attributes {
		a := attributes[i].clone()
		if err := a.Validate(); err != nil {
			return nil, fmt.Errorf("attribute %d: %w", i, err)
		}
		a.setOrder()
		// One attribute that holds a value twice makes the whole set invalid
		// (S-32).
		if a.Duplicates() {
			return nil, fmt.Errorf("attribute %d: %w %q: duplicate values", i, ErrAttribute, a.Name)
		}
		s.attributes = append(s.attributes, a)
		s.hashes = append(s.hashes, foldHash(a.Name))
	}
	return s, nil
}

// clone returns a copy of the attribute that shares no memory with it. It copies only the values of the attribute's
// type.
func (a *Attribute) clone() Attribute {
	c := Attribute{Name: a.Name, Type: a.Type, Flags: a.Flags}
	switch a.Type {
	case Int64:
		c.Ints = slices.Clone(a.Ints)
	case Uint64, Boolean:
		c.Uints = slices.Clone(a.Uints)
	case String:
		c.Strings = slices.Clone(a.Strings)
	case SID:
		c.SIDs = slices.Clone(a.SIDs)
	case Octets:
		for _, b := range a.Octets {
			c.Octets = append(c.Octets, append([]byte{}, b...))
		}
	}
	return c
}

// Len returns the number of attributes, including those that a later one hides.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.attributes)
}

// All yields the attributes in their original order. They share memory with the
// set: do not write to them.
func (s *Set) All() iter.Seq2[int, Attribute] {
	return func(yield func(int, Attribute) bool) {
		for i := range s.Len() {
			if !yield(i, s.attributes[i]) {
				return
			}
		}
	}
}

// Lookup returns the last attribute with a name, ignoring case. The attribute
// shares memory with the set: do not write to it.
func (s *Set) Lookup(name string) (Attribute, bool) {
	if s == nil {
		return Attribute{}, false
	}
	h := foldHash(name)
	// The later of two claims of one name counts.
	for i := len(s.hashes) - 1; i >= 0; i-- {
		if s.hashes[i] == h && EqualName(s.attributes[i].Name, name) {
			return s.attributes[i], true
		}
	}
	return Attribute{}, false
}
