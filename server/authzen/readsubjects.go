package authzen

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// loader reads a file of declared types. It assigns a SID to each group and subject, so that descriptors can name them.
type loader struct{ sids map[string]sid.SID }

// name gives a group or subject of the file the next free SID and stores it in l. The SIDs are in a domain that no
// computer has. An empty or repeated name is an error.
func (l *loader) name(name string) (sid.SID, error) {
	if _, twice := l.sids[name]; twice || name == "" {
		return sid.SID{}, fmt.Errorf("%q occurs twice or is empty", name)
	}
	s, err := sid.Parse("S-1-5-21-0-0-0-" + strconv.Itoa(1000+len(l.sids)))
	l.sids[name] = s
	return s, err
}

// readSubjects assigns SIDs to the groups of the file and then adds its subjects to t. A subject's name in l is its
// type, a space and its id. The error names the key that is wrong.
func (l *loader) readSubjects(f *typesFile, t *Types) error {
	for _, group := range f.Groups {
		if _, err := l.name(group); err != nil || strings.Contains(group, " ") {
			return fmt.Errorf("groups: %q occurs twice, is empty or has a blank", group)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(f.Subjects)) {
		for _, id := range slices.Sorted(maps.Keys(f.Subjects[kind])) {
			e := f.Subjects[kind][id]
			s, err := l.readSubject(kind+" "+id, &e)
			if err != nil {
				return fmt.Errorf("subjects.%s.%s: %w", kind, id, err)
			}
			t.subjects[Caller{kind, id}] = s
		}
	}
	return nil
}

// readSubject returns the subject of an entry, with a new SID for its name. It returns an error for a repeated name, an
// unknown group or an invalid property. A name of a group with a space is unknown.
func (l *loader) readSubject(name string, e *subjectEntry) (*subject, error) {
	user, err := l.name(name)
	if err != nil {
		return nil, err
	}
	var groups []sid.SID
	for _, group := range e.Groups {
		g, known := l.sids[group]
		if !known || strings.Contains(group, " ") {
			return nil, fmt.Errorf("groups: %q is not among the groups of the file", group)
		}
		groups = append(groups, g)
	}
	s := &subject{spec: token.NetworkUser(user, groups...)}
	if s.fixed, err = fixed(e.Properties); err != nil {
		return nil, err
	}
	if s.spec.UserClaims, err = claims.NewSet(s.fixed); err != nil {
		return nil, err
	}
	s.token, err = token.New(s.spec)
	return s, err
}

// fixed converts the properties that the file gives a subject or object to attributes, sorted by name, nil
// without properties. An error names the property: an invalid one, or one whose name differs from another one only in
// case.
func fixed(properties map[string]json.RawMessage) (list []claims.Attribute, err error) {
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		raw := properties[name]
		a, err := attribute(name, kindOf(raw), raw)
		if err != nil {
			return nil, fmt.Errorf("properties.%s: %w", name, err)
		}
		// Conditions name properties without their case, so the second one would never be found.
		if contains(list, name) {
			return nil, fmt.Errorf("properties.%s: occurs twice, in upper and lower case", name)
		}
		list = append(list, a)
	}
	return list, nil
}

// contains reports whether an attribute has this name, ignoring case.
func contains(list []claims.Attribute, name string) bool {
	return slices.ContainsFunc(list, func(a claims.Attribute) bool { return claims.EqualName(a.Name, name) })
}

var braces = regexp.MustCompile(`\$\{[^{}]*\}`)

// parse parses an SDDL descriptor for objects of kind. Its text may have variables:
//
//   - ${editors} or ${user alice} is the SID of a group or a subject.
//   - ${view,edit} is the mask of rights.
//
// Names match exactly. An unknown name, malformed SDDL, and a descriptor without owner or DACL are errors.
func (l *loader) parse(text string, kind *winnt.ObjectType) (*sd.Descriptor, error) {
	var wrong error
	text = braces.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		if s, known := l.sids[name]; known {
			return s.String()
		}
		mask, err := (&resourceType{kind: kind}).mask(strings.Split(name, ","))
		if err != nil {
			wrong = fmt.Errorf("%s is neither a group, a subject nor rights of this type", found)
		}
		return mask.String()
	})
	if wrong != nil {
		return nil, wrong
	}
	// Text that Windows repairs could grant every right (S-80).
	d, err := sddl.ParseStrict(text)
	if err != nil {
		return nil, err
	}
	if d.Owner().IsZero() || d.DACL() == nil {
		// Without a DACL everybody may do everything (Z-14).
		return nil, errors.New("want an owner and a DACL")
	}
	return d, nil
}
