package strict

import "fmt"

// Layout lists the field names that one kind of JSON object may have.
type Layout []string

// Index returns the index of a name, -1 for an unknown one. It compares the raw text, so a name written with escapes
// is unknown.
func (l Layout) Index(name []byte) int {
	for i, n := range l {
		if string(name) == n {
			return i
		}
	}
	return -1
}

// Scan stores the fields of an object in slots, one for each name of l. The slots must be nil before; those of absent
// fields stay nil. If one field is unknown or repeated, Scan stores all others and returns the error. If the object is
// malformed, it stores the fields before the error.
func (l Layout) Scan(slots [][]byte, object []byte) error {
	s := Scanner{Bytes: object}
	var wrong error
	for it := s.Object(); it.Next(&s); {
		i := l.Index(it.Name)
		v := s.Value(1)
		switch {
		case s.Err != nil:
		case i < 0 && wrong == nil:
			wrong = unknown(l, it.Name, it.Start)
		case i < 0:
		case slots[i] != nil && wrong == nil:
			wrong = &Error{Offset: it.Start, Problem: fmt.Sprintf("field %q occurs twice", it.Name)}
		case slots[i] == nil:
			slots[i] = v
		}
	}
	if s.End(); s.Err != nil {
		return s.Err
	}
	return wrong
}
