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

// loader gives each group and subject of a file a SID.
type loader struct{ sids map[string]sid.SID }

// name gives a group or subject the next SID of a domain that no computer has. A name that occurs twice is an error.
func (l *loader) name(name string) (sid.SID, error) {
	if _, twice := l.sids[name]; twice || name == "" {
		return sid.SID{}, fmt.Errorf("%q occurs twice or is empty", name)
	}
	s, err := sid.Parse("S-1-5-21-0-0-0-" + strconv.Itoa(1000+len(l.sids)))
	l.sids[name] = s
	return s, err
}

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

// fixed returns the properties of the file as attributes, in the order of their names.
func fixed(properties map[string]json.RawMessage) (list []claims.Attribute, err error) {
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		raw := properties[name]
		a, err := attribute(name, kindOf(raw), raw)
		if err != nil {
			return nil, fmt.Errorf("properties.%s: %w", name, err)
		}
		list = append(list, a)
	}
	return list, nil
}

var braces = regexp.MustCompile(`\$\{[^{}]*\}`)

// parse parses a descriptor. Names in ${} are rights of a type, ${view,edit}, a group, ${editors}, or a subject,
// ${user alice}.
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
	d, err := sddl.Parse(text)
	if err != nil {
		return nil, err
	}
	if d.Owner().IsZero() || d.DACL() == nil {
		// Without a DACL everybody may do everything (Z-14).
		return nil, errors.New("want an owner and a DACL")
	}
	return d, nil
}
