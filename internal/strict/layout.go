package strict

import "fmt"

// Layout is the field names of one kind of object.
type Layout []string

// Index finds a name, -1 if it is none of these. Names are compared as they stand in the text: one written with escapes
// is unknown.
func (l Layout) Index(name []byte) int {
	for i, n := range l {
		if string(name) == n {
			return i
		}
	}
	return -1
}

// Scan reads an object into slots, one for each name of l; the slot of an absent field stays as it is. After an error
// the slots hold what was read before it and, where only a field was wrong, everything else.
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
			wrong = &Error{Offset: it.Start, Problem: fmt.Sprintf("field %q is there twice", it.Name)}
		case slots[i] == nil:
			slots[i] = v
		}
	}
	if s.End(); s.Err != nil {
		return s.Err
	}
	return wrong
}
