package authzen

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/strictyaml"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// typesFile is the JSON form of a file of declared types.
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

// ReadTypes reads a file of declared types and subjects, in YAML or JSON; docs/authzen.md describes its keys. Unknown
// keys, repeated names and invalid descriptors are errors that name the key. After an error it returns nil.
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

// Declares reports whether the file declares a resource type with exactly this name. Case matters.
func (t *Types) Declares(resourceType string) bool { return t.types[resourceType] != nil }

// readType converts the entry e to the resource type name. subjects are the possible owners of its objects. The entry
// needs a descriptor and 1 to 16 distinct rights, which are numbered from bit 0. An owner rule needs both a property
// and a type. An error starts with the wrong key.
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
	// GENERIC_READ, GENERIC_WRITE and GENERIC_EXECUTE have no meaning for a declared type, so map GENERIC_ALL only.
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

// readObjects stores the declared objects with their descriptors in rt. nil declares none, and then every id is an
// object. An empty map means that no object exists. The error names the first wrong object, and others may be stored.
func (rt *resourceType) readObjects(objects map[string]map[string]json.RawMessage) (err error) {
	if objects == nil {
		return nil
	}
	rt.objects = map[string]*object{}
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		o := &object{}
		if o.fixed, err = fixed(objects[id]); err == nil {
			o.descriptor, err = rt.instance(o.fixed)
		}
		if err != nil {
			return fmt.Errorf("objects.%s: %w", id, err)
		}
		rt.objects[id] = o
	}
	return nil
}

// readActions stores the actions of an entry in rt. An action without rights, or with an unknown one, is an error. The
// error names the first such action in the alphabet, and the actions before it stay.
func (rt *resourceType) readActions(e *typeEntry) (err error) {
	for _, name := range slices.Sorted(maps.Keys(e.Actions)) {
		a := e.Actions[name]
		var known action
		if known.rights, err = rt.mask(a.Rights); err != nil || known.rights == 0 {
			return fmt.Errorf("actions.%s.rights: want names of rights of this type", name)
		}
		for _, property := range slices.Sorted(maps.Keys(a.Properties)) {
			values := a.Properties[property]
			masks := map[string]winnt.AccessMask{} // without values no request has a declared one (Z-14)
			for _, value := range slices.Sorted(maps.Keys(values)) {
				if masks[value], err = rt.mask(values[value]); err != nil {
					return fmt.Errorf("actions.%s.properties.%s.%s: %w", name, property, value, err)
				}
			}
			known.more = append(known.more, actionProperty{property, masks})
		}
		rt.actions[name] = known
	}
	return nil
}

// mask returns the bits of the named rights, 0 without names. A name that the type does not declare is an error.
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

// readRequest stores in rt the properties that a request may set. request maps a group to property names and kinds.
// After an error rt is partly set.
//
// Errors are:
//   - a group other than subject, resource, action and context
//   - an unknown kind, or an empty name
//   - a name that occurs twice, ignoring case; action and context share their names
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
	// Conditions ignore the case of property names, and action and context share their names there.
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
