package objects

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// OfDirectory wraps s for a query about a right that only directory objects have. right is the name of this right. An
// object without a type gets the type typ. Next fails at the first readable object whose type is not DirectoryService
// (B-91). The caller must not use s afterwards.
func OfDirectory(s Source, typ *winnt.ObjectType, right string) Source {
	return &oneType{s, typ, func(path []byte, t *winnt.ObjectType) error {
		if t == winnt.DirectoryServiceObject {
			return nil
		}
		return fmt.Errorf("%s is a right on the objects of a directory, and %s has the type %s: if it is a "+
			"directory's object, give --type directoryService", right, path, TypeName(t))
	}}
}

// WithRight wraps s for a query about a right with documented names, such as KEY_SET_VALUE. An object without a type
// gets the type typ. Next fails at the first readable object whose type has other rights (B-91). The caller must not
// use s afterwards.
func WithRight(s Source, typ *winnt.ObjectType, right string) Source {
	var good *winnt.ObjectType // the last type that has the names
	return &oneType{s, typ, func(path []byte, t *winnt.ObjectType) error {
		if t == good {
			return nil
		}
		if name := sddl.RightOfOtherType(right, t); name != "" {
			return fmt.Errorf("%s is a right on objects of another type, and %s has the type %s: choose the type (--type)",
				name, path, TypeName(t))
		}
		good = t
		return nil
	}}
}

// oneType is a source that checks the type of each object.
type oneType struct {
	Source
	typ   *winnt.ObjectType // of objects without a type
	check func(path []byte, t *winnt.ObjectType) error
}

// Next fills b from the inner source. It returns the error of the check for the first readable object of b that has
// one.
func (s *oneType) Next(b *Batch) error {
	if err := s.Source.Next(b); err != nil {
		return err
	}
	var wrong error
	b.Each(func(o *Object) {
		if wrong == nil && o.Err == nil {
			wrong = s.check(o.Path, cmp.Or(o.Type, s.typ))
		}
	})
	return wrong
}

// Halt stops the goroutines of the inner source, if it has any.
func (s *oneType) Halt() { Halt(s.Source) }

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
