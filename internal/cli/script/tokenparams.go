package script

import (
	"fmt"
	"reflect"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Types that convertToken handles.
var (
	luidType       = reflect.TypeFor[winnt.LUID]()
	capLUIDType    = reflect.TypeFor[nt.Captured[winnt.LUID]]()
	capPolicyType  = reflect.TypeFor[nt.Captured[*uint32]]()
	capGroupType   = reflect.TypeFor[nt.Captured[*token.Group]]()
	capGroupsType  = reflect.TypeFor[nt.Captured[[]token.Group]]()
	capACLType     = reflect.TypeFor[nt.Captured[*sd.ACL]]()
	capSourceType  = reflect.TypeFor[nt.Captured[*token.Source]]()
	capClaimsType  = reflect.TypeFor[nt.Captured[[]claims.Attribute]]()
	capNamesType   = reflect.TypeFor[nt.Captured[[]string]]()
	capHandlesType = reflect.TypeFor[nt.Captured[[]winnt.Handle]]()
	capAnyType     = reflect.TypeFor[nt.Captured[any]]()
)

// convertToken sets a parameter of a type that only token services use. For other types known is false and the
// parameter stays. A bare group in Groups, DeviceGroups or LocalGroups is enabled by default; elsewhere it has no
// attributes. With a conversion error known is true.
func (r *Runner) convertToken(name string, to reflect.Value, v starlark.Value) (known bool, err error) {
	switch to.Type() {
	case luidType:
		err = set(to, v, privilegeLUID)
	case capLUIDType:
		err = set(to, v, captured(privilegeLUID))
	case capPolicyType:
		err = set(to, v, captured(pointer(uint32Value)))
	case capGroupType:
		err = set(to, v, captured(pointer(r.group)))
	case capGroupsType:
		bare := uint32(0)
		if name == "Groups" || name == "DeviceGroups" || name == "LocalGroups" {
			bare = token.GroupDefault // as in a token file
		}
		err = set(to, v, captured(func(v starlark.Value) ([]token.Group, error) { return r.groups(v, bare) }))
	case capACLType:
		err = set(to, v, captured(r.acl))
	case capSourceType:
		err = set(to, v, captured(pointer(sourceValue)))
	case capClaimsType:
		err = set(to, v, captured(r.claims))
	case capNamesType:
		err = set(to, v, captured(func(v starlark.Value) ([]string, error) { return listOf(v, goString) }))
	case capHandlesType:
		err = set(to, v, captured(func(v starlark.Value) ([]winnt.Handle, error) {
			return listOf(v, func(v starlark.Value) (winnt.Handle, error) {
				n, err := handle(v)
				return winnt.Handle(n),
					err
			})
		}))
	case capAnyType:
		err = set(to, v, captured(r.tokenInformation))
	case kernel.RoutineType:
		err = r.setRoutine(to, v)
	default:
		return false, nil
	}
	return true, err
}

// captured converts a conversion function to one with a captured result. An error of f is returned unchanged.
func captured[T any](f func(starlark.Value) (T, error)) func(starlark.Value) (nt.Captured[T], error) {
	return func(v starlark.Value) (nt.Captured[T], error) {
		x, err := f(v)
		return nt.Cap(x), err
	}
}

// pointer converts a conversion function to one that accepts None for NULL.
func pointer[T any](f func(starlark.Value) (T, error)) func(starlark.Value) (*T, error) {
	return func(v starlark.Value) (*T, error) {
		if v == starlark.None {
			return nil, nil
		}
		x, err := f(v)
		return &x, err
	}
}

// listOf converts each element of a list with f. It returns nil for None, which is NULL, and an empty slice for an
// empty list. The first error ends it. Any other value that cannot be iterated is an error.
func listOf[T any](v starlark.Value, f func(starlark.Value) (T, error)) ([]T, error) {
	if v == starlark.None {
		return nil, nil
	}
	it, ok := v.(starlark.Iterable)
	if !ok {
		return nil, fmt.Errorf("want a list or None, got %s", v.Type())
	}
	list := []T{}
	for x := range starlark.Elements(it) {
		y, err := f(x)
		if err != nil {
			return nil, err
		}
		list = append(list, y)
	}
	return list, nil
}

// goString returns the text of a Starlark string. Any other value is an error.
func goString(v starlark.Value) (string, error) {
	s, ok := starlark.AsString(v)
	if !ok {
		return "", fmt.Errorf("want a string, got %s", v.Type())
	}
	return s, nil
}

// uint32Value converts a number. A negative one, or one over 32 bits, is an error.
func uint32Value(v starlark.Value) (uint32, error) {
	n, err := number(v)
	if err == nil && n > 0xFFFFFFFF {
		err = fmt.Errorf("%d does not fit into 32 bits", n)
	}
	return uint32(n), err
}

// sourceValue converts a value of a script to a TOKEN_SOURCE: a string with the name of the source, or the struct that
// a query of TokenSource returned. Other values are errors. A number that is malformed is an error as well.
func sourceValue(v starlark.Value) (s token.Source, err error) {
	if x, ok := v.(*starlarkstruct.Struct); ok {
		name, err1 := x.Attr("Name")
		id, err2 := x.Attr("ID")
		if err1 != nil || err2 != nil {
			return s, fmt.Errorf("want the name of the source")
		}
		n, err := number(id)
		s.ID = winnt.LUID(n)
		if err != nil {
			return s, err
		}
		v = name
	}
	s.Name, err = goString(v)
	return s, err
}

// sidText parses a SID or alias. Other text becomes the zero SID, which services reject as malformed. A value that is
// not a string is an error.
func (r *Runner) sidText(v starlark.Value) (sid.SID, error) {
	s, err := goString(v)
	if err != nil {
		return sid.SID{}, err
	}
	x, err := sid.Resolve(s, r.domain)
	if err != nil {
		return sid.SID{}, nil
	}
	return x, nil
}

// group converts a group as groupWith does, with no attributes unless the value has some.
func (r *Runner) group(v starlark.Value) (token.Group, error) { return r.groupWith(v, 0) }

// groupWith converts a value of a script to a group: a SID alone, which gets the attributes bare, a tuple (SID,
// attributes), or the struct of a query. A tuple of another length and malformed parts are errors.
func (r *Runner) groupWith(v starlark.Value, bare uint32) (g token.Group, err error) {
	var a starlark.Value
	switch x := v.(type) {
	case starlark.Tuple:
		if len(x) != 2 {
			return g, fmt.Errorf("want (SID, attributes), got %s", x)
		}
		v, a = x[0], x[1]
	case *starlarkstruct.Struct:
		if v, err = x.Attr("Sid"); err != nil {
			return g, err
		}
		if a, err = x.Attr("Attributes"); err != nil {
			return g, err
		}
	}
	g.Attributes = bare
	if a != nil {
		if g.Attributes, err = uint32Value(a); err != nil {
			return g, err
		}
	}
	g.SID, err = r.sidText(v)
	return g, err
}

// groups converts a list of groups, or a dict {SID: attributes}. A SID without attributes gets bare. None is NULL. A
// value of another kind is an error.
func (r *Runner) groups(v starlark.Value, bare uint32) ([]token.Group, error) {
	if d, ok := v.(*starlark.Dict); ok {
		list := []token.Group{}
		for _, kv := range d.Items() {
			g, err := r.groupWith(starlark.Tuple{kv[0], kv[1]}, 0)
			if err != nil {
				return nil, err
			}
			list = append(list, g)
		}
		return list, nil
	}
	return listOf(v, func(v starlark.Value) (token.Group, error) { return r.groupWith(v, bare) })
}

// acl returns the DACL of a descriptor in SDDL, nil if it has none. None is NULL. Malformed SDDL is an error.
func (r *Runner) acl(v starlark.Value) (*sd.ACL, error) {
	d, err := r.parseDescriptor(v)
	if err != nil || d == nil {
		return nil, err
	}
	return d.DACL(), nil
}

// tokenConstants are the documented names for the token services.
var tokenConstants = map[string]uint32{
	"DISABLE_MAX_PRIVILEGE": winnt.DISABLE_MAX_PRIVILEGE, "SANDBOX_INERT": winnt.SANDBOX_INERT,
	"LUA_TOKEN": winnt.LUA_TOKEN, "WRITE_RESTRICTED": winnt.WRITE_RESTRICTED,
	"TOKEN_MANDATORY_POLICY_NO_WRITE_UP":            winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP,
	"TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN":        winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN,
	"CLAIM_SECURITY_ATTRIBUTE_NON_INHERITABLE":      claims.FlagNonInheritable,
	"CLAIM_SECURITY_ATTRIBUTE_VALUE_CASE_SENSITIVE": claims.FlagCaseSensitive,
	"CLAIM_SECURITY_ATTRIBUTE_USE_FOR_DENY_ONLY":    claims.FlagUseForDenyOnly,
	"CLAIM_SECURITY_ATTRIBUTE_DISABLED_BY_DEFAULT":  claims.FlagDisabledByDefault,
	"CLAIM_SECURITY_ATTRIBUTE_DISABLED":             claims.FlagDisabled,
	"CLAIM_SECURITY_ATTRIBUTE_MANDATORY":            claims.FlagMandatory,
}

// addTokenConstants adds tokenConstants to env.
func addTokenConstants(env starlark.StringDict) {
	for name, n := range tokenConstants {
		env[name] = starlark.MakeUint64(uint64(n))
	}
}

// attributeOperations are the operations of class 39 by their documented names.
var attributeOperations = map[string]token.AttributeOperation{"NONE": token.AttributeNone,
	"REPLACE_ALL": token.AttributeReplaceAll,
	"ADD":         token.AttributeAdd, "DELETE": token.AttributeDelete, "REPLACE": token.AttributeReplace}

// logonSession implements logon_session: it creates a logon session and returns its LUID. Wrong arguments create none.
func (r *Runner) logonSession(
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	return starlark.MakeUint64(uint64(r.sys.OpenLogonSession())), nil
}

// packageSID implements package_sid: it returns the SID of an AppContainer by name. An empty or too long name is an
// error. An argument of another type is an error.
func packageSID(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name); err != nil {
		return nil, err
	}
	s := sid.AppContainer(name)
	if s.IsZero() {
		return nil, fmt.Errorf("package_sid: want a name of 1 to %d letters", sid.MaxAppContainerName)
	}
	return starlark.String(s.String()), nil
}

// capabilitySID implements capability_sid: it returns the SID of a capability by name, as an AppContainer token has it.
// A name without such a SID is an error.
func capabilitySID(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name); err != nil {
		return nil, err
	}
	_, s := sid.CapabilitySIDs(name)
	if s.IsZero() {
		return nil, fmt.Errorf("capability_sid: want a name")
	}
	return starlark.String(s.String()), nil
}
