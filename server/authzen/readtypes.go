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
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/strictyaml"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// typesFile is the form of a file of declared types.
type typesFile struct {
	Groups   []string                           `json:"groups"`
	Subjects map[string]map[string]subjectEntry `json:"subjects"` // by type and id
	Ask      *askEntry                          `json:"ask"`
	Types    map[string]typeEntry               `json:"types"`
}

type subjectEntry struct {
	Groups     []string                   `json:"groups"`
	Properties map[string]json.RawMessage `json:"properties"`
}

type askEntry struct {
	Descriptor string `json:"descriptor"`
	Rate       int    `json:"rate"`
}

type typeEntry struct {
	Rights     []string                              `json:"rights"`
	Descriptor string                                `json:"descriptor"`
	Owner      ownerRule                             `json:"owner"`
	Actions    map[string]actionEntry                `json:"actions"`
	Request    map[string]map[string]string          `json:"request"` // by subject, resource, action, context
	Objects    map[string]map[string]json.RawMessage `json:"objects"`
}

type actionEntry struct {
	Rights     []string                       `json:"rights"`
	Properties map[string]map[string][]string `json:"properties"` // by property and value
}

// ReadTypes reads a file of declared types, in YAML or JSON; docs/authzen.md describes its keys. An error says which
// key is wrong.
func ReadTypes(file []byte) (*Types, error) {
	text, marks, err := strictyaml.JSON(file)
	if err != nil {
		return nil, err
	}
	var f typesFile
	if err := strict.Locate(text, marks, strict.Unmarshal(text, &f)); err != nil {
		return nil, err
	}
	l := &loader{sids: map[string]sid.SID{}}
	t := &Types{subjects: map[Caller]*subject{}, types: map[string]*resourceType{}}
	if err := l.readSubjects(&f, t); err != nil {
		return nil, err
	}
	if f.Ask != nil {
		if t.ask, err = l.parse(f.Ask.Descriptor, askType); err != nil {
			return nil, fmt.Errorf("ask.descriptor: %w", err)
		}
		if t.rate = f.Ask.Rate; t.rate < 1 {
			return nil, errors.New("ask.rate: want at least 1 question a second")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Types)) {
		e := f.Types[name]
		if t.types[name], err = l.readType(name, &e, t.subjects); err != nil {
			return nil, fmt.Errorf("types.%s.%w", name, err)
		}
	}
	return t, nil
}

// Declares reports whether the file declares a resource type.
func (t *Types) Declares(resourceType string) bool { return t.types[resourceType] != nil }

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

func (l *loader) readType(name string, e *typeEntry, subjects map[Caller]*subject) (*resourceType, error) {
	if len(e.Rights) == 0 || len(e.Rights) > 16 {
		return nil, errors.New("rights: want 1 to 16 names")
	}
	kind := &winnt.ObjectType{Name: name, Valid: 0x1F0000}
	for i, right := range e.Rights {
		if right == "" || slices.Contains(e.Rights[:i], right) {
			return nil, fmt.Errorf("rights: %q is empty or occurs twice", right)
		}
		kind.Rights = append(kind.Rights, winnt.Right{Mask: 1 << i, Name: right})
		kind.Valid |= 1 << i
	}
	// A generic right would mean whatever the template's author believes, so only GENERIC_ALL means anything.
	kind.Mapping.All = kind.Valid
	rt := &resourceType{kind: kind, owner: e.Owner, subjects: subjects, actions: map[string]action{}}
	var err error
	if rt.template, err = l.parse(e.Descriptor, kind); err != nil {
		return nil, fmt.Errorf("descriptor: %w", err)
	}
	if err := rt.readActions(e); err != nil {
		return nil, err
	}
	if err := rt.readRequest(e.Request); err != nil {
		return nil, err
	}
	if (e.Owner.Property == "") != (e.Owner.Type == "") {
		return nil, errors.New("owner: want property and type")
	}
	return rt, rt.readObjects(e.Objects)
}

func (rt *resourceType) readObjects(objects map[string]map[string]json.RawMessage) (err error) {
	if objects == nil {
		return nil
	}
	rt.objects = map[string]*object{}
	for id, properties := range objects {
		o := &object{}
		if o.fixed, err = fixed(properties); err == nil {
			o.descriptor, err = rt.instance(o.fixed)
		}
		if err != nil {
			return fmt.Errorf("objects.%s: %w", id, err)
		}
		rt.objects[id] = o
	}
	return nil
}

func (rt *resourceType) readActions(e *typeEntry) (err error) {
	for name, a := range e.Actions {
		known := action{}
		if known.rights, err = rt.mask(a.Rights); err != nil || known.rights == 0 {
			return fmt.Errorf("actions.%s.rights: want names of rights of this type", name)
		}
		for property, values := range a.Properties {
			for value, rights := range values {
				mask, err := rt.mask(rights)
				if err != nil {
					return fmt.Errorf("actions.%s.properties.%s.%s: %w", name, property, value, err)
				}
				if known.more == nil {
					known.more = map[string]map[string]winnt.AccessMask{}
				}
				if known.more[property] == nil {
					known.more[property] = map[string]winnt.AccessMask{}
				}
				known.more[property][value] = mask
			}
		}
		rt.actions[name] = known
	}
	return nil
}

// mask returns the bits of rights by their names.
func (rt *resourceType) mask(names []string) (mask winnt.AccessMask, err error) {
	for _, name := range names {
		at := slices.IndexFunc(rt.kind.Rights, func(r winnt.Right) bool { return r.Name == name })
		if at < 0 {
			return 0, fmt.Errorf("%q is not a right of this type", name)
		}
		mask |= rt.kind.Rights[at].Mask
	}
	return mask, nil
}

func (rt *resourceType) readRequest(request map[string]map[string]string) error {
	lists := map[string]*[]property{"subject": &rt.requested.subject, "resource": &rt.requested.resource,
		"action": &rt.requested.action, "context": &rt.requested.context}
	for _, of := range slices.Sorted(maps.Keys(request)) {
		list, known := lists[of]
		if !known {
			return fmt.Errorf("request.%s: want subject, resource, action or context", of)
		}
		for _, name := range slices.Sorted(maps.Keys(request[of])) {
			kind := request[of][name]
			if !slices.Contains([]string{"string", "integer", "boolean", "strings"}, kind) || name == "" {
				return fmt.Errorf("request.%s.%s: want string, integer, boolean or strings", of, name)
			}
			*list = append(*list, property{name, kind})
		}
	}
	// Conditions name properties without their case. Action and context have the same names there.
	for _, names := range [][]property{rt.requested.subject, rt.requested.resource,
		slices.Concat(rt.requested.action, rt.requested.context)} {
		for i, p := range names {
			if slices.ContainsFunc(names[:i], func(o property) bool { return claims.EqualName(o.name, p.name) }) {
				return fmt.Errorf("request: property %q occurs twice", p.name)
			}
		}
	}
	return nil
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

// Limits of one property.
const (
	longestValue = 4096 // bytes of a string
	mostValues   = 100  // strings of a list
)

// kindOf returns the kind of a property that the file itself sets.
func kindOf(raw json.RawMessage) string {
	switch {
	case len(raw) == 0:
		return ""
	case raw[0] == '"':
		return "string"
	case raw[0] == '[':
		return "strings"
	case raw[0] == 't' || raw[0] == 'f':
		return "boolean"
	}
	return "integer"
}

// attribute decodes a property. The value must have the kind: string, integer, boolean or strings.
func attribute(name, kind string, raw []byte) (a claims.Attribute, err error) {
	a.Name = name
	r := reader(raw)
	switch kind {
	case "string", "strings":
		a.Type = claims.String
		read := func(int) error {
			s, err := r.Text()
			if err == nil && len(s) > longestValue {
				err = fmt.Errorf("a string longer than %d bytes", longestValue)
			}
			a.Strings = append(a.Strings, s)
			return err
		}
		if kind == "string" {
			err = read(0)
		} else {
			err = r.Array(mostValues, read)
		}
	case "boolean":
		a.Type = claims.Boolean
		var set bool
		set, err = r.Boolean()
		a.Uints = []uint64{0}
		if set {
			a.Uints[0] = 1
		}
	case "integer":
		a.Type = claims.Int64
		var n int64
		n, err = strconv.ParseInt(string(raw), 10, 64)
		a.Ints = []int64{n}
	default:
		err = errors.New("want a string, a whole number, true, false or a list of strings")
	}
	switch {
	case err != nil:
		return claims.Attribute{}, fmt.Errorf("want %s: %w", kind, err)
	case a.Duplicates():
		return claims.Attribute{}, errors.New("a value occurs twice")
	}
	return a, a.Validate()
}
