package objects

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// OfDirectory wraps s for a query about a right that only directory objects have. right is the name of this right. An
// object without a type gets the type typ. Next fails at the first readable object whose type is not DirectoryService.
// The caller must not use s afterwards.
func OfDirectory(s Source, typ *winnt.ObjectType, right string) Source {
	return &ofDirectory{Source: s, typ: typ, right: right}
}

// WithRight wraps s for a query about a right with documented names, such as KEY_SET_VALUE. An object without a type
// gets the type typ. Next fails at the first readable object whose type has other rights. The caller must not use s
// afterwards.
func WithRight(s Source, typ *winnt.ObjectType, right string) Source {
	return &withRight{Source: s, typ: typ, right: right}
}

// withRight is a source that checks that the type of each object has the names in a right.
type withRight struct {
	Source
	typ   *winnt.ObjectType
	right string
	good  *winnt.ObjectType // the last type that has the names
}

// Next fills b from the inner source. It returns an error that names the first readable object of b without the right
// (B-91). Unreadable objects pass.
func (s *withRight) Next(b *Batch) error {
	if err := s.Source.Next(b); err != nil {
		return err
	}
	var wrong error
	b.Each(func(o *Object) {
		typ := o.Type
		if typ == nil {
			typ = s.typ
		}
		if wrong != nil || o.Err != nil || typ == s.good {
			return
		}
		if name := sddl.RightOfOtherType(s.right, typ); name != "" {
			wrong = fmt.Errorf("%s is a right on objects of another type, and %s has the type %s: choose the type (--type)",
				name, o.Path, TypeName(typ))
			return
		}
		s.good = typ
	})
	return wrong
}

// Halt stops the goroutines of the inner source, if it has any.
func (s *withRight) Halt() { Halt(s.Source) }

// ofDirectory is a source that checks the type of each object.
type ofDirectory struct {
	Source
	typ   *winnt.ObjectType
	right string
}

// Next fills b from the inner source. It returns an error if an object of b is readable and not an object of a
// directory (B-91). The first such object is named. Unreadable objects pass.
func (s *ofDirectory) Next(b *Batch) error {
	if err := s.Source.Next(b); err != nil {
		return err
	}
	var wrong error
	b.Each(func(o *Object) {
		typ := o.Type
		if typ == nil {
			typ = s.typ
		}
		if wrong == nil && o.Err == nil && typ != winnt.DirectoryServiceObject {
			wrong = fmt.Errorf("%s is a right on the objects of a directory, and %s has the type %s: if it is a "+
				"directory's object, give --type directoryService", s.right, o.Path, TypeName(typ))
		}
	})
	return wrong
}

// Halt stops the goroutines of the inner source, if it has any.
func (s *ofDirectory) Halt() { Halt(s.Source) }

// isHead reports whether an object is the head of a domain (B-92): by its class, or without one by a distinguished name
// of DC= parts only. The partitions of DNS zones have that class and are not domains. Case does not matter.
func isHead(path string, e *Entry) bool {
	path = strings.ToUpper(path)
	if strings.HasPrefix(path, "DC=DOMAINDNSZONES,") || strings.HasPrefix(path, "DC=FORESTDNSZONES,") {
		return false
	}
	if e != nil && len(e.Classes) > 0 {
		return e.Is("domainDNS")
	}
	for part := range strings.SplitSeq(path, ",") {
		if !strings.HasPrefix(strings.TrimSpace(part), "DC=") {
			return false
		}
	}
	return true
}
